// @ts-check
// What a page downloads to make music, weights aside, minified and gzipped: what its bundler takes of the built library for `Melody`, and
// the files of the ready-made player. Prints where the bytes are and fails over the budget.
//
//   node tools/size_budget.mjs
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildPackage, bundleForPages } from './web.mjs';

/**
 * What `Melody` takes to stream music, weights aside; 2 kB of it say by name what is wrong with options, 5 kB check once whether the
 * adapter computes right, 0.8 kB are timbre words (src/models/timbre.ts), 1 kB lets jobs wait for their turns (src/pipeline/turns.ts), 0.2 kB give up silent
 * servers, 1.5 kB halve the launches of a token (src/models/semantic_lm.ts: 34 for 76), 0.4 kB leave long work on samples to a thread in Node (src/audio/aside.ts) and let it loop in WebAssembly (src/audio/simd.ts), 0.2 kB read those of other sites that hide ranges, 0.8 kB are a fast Fourier transform (it saves 15 MB of tables), 1.6 kB go back to what is heard when a stream is steered (src/pipeline/course.ts: marks of tokens, latents, phase, level, clock), 0.3 kB mix several prompts, 0.2 kB do not rehearse a job like one before (src/engine/memory.ts: a tenth of a second before the first sound), and 0.5 kB has the same bits in every engine (src/elementary.ts).
 * Of it, bytes and what they bring, the newest first:
 * - 50 tell a prompt of which no word is known
 * - 450 say by name which option of `Melody.load` is none or holds what it cannot ({ devcie: 'cpu' } was the default, and nothing said so)
 * - 170 let a piece fade out at its end (it clicked)
 * - 40 refuse a device of another name (it was the CPU, and nothing said so)
 * - 110 ask for the key of given audio (continuations are in the written key twice as often)
 * - 420 let that key count only while the music is not in it (a seventh more different tokens; src/pipeline/stages/language.ts)
 * - 100 make the key that is told as likely as instruments (it is heard in a quarter more of the clips)
 * - 200 read the next block of weights into the place of the last, and keep matrices as halves (a sixth of Node's resident memory)
 * - 430 foretell a change stage by stage and decode from near it (half of the changes left a gap, and they came 0.3 s later)
 * - 230 say when the next chunk will be there and let threads rest (a page's longest frame fell from 101 ms)
 * - 270 let plans on the CPU share one workspace and reads of weights the same places (a fifth of the memory that it computes in)
 * - 70 are what it costs that the style through its changes is a file of its own (the same bytes before gzip)
 * - 610 let the opening of a long piece come back (src/pipeline/form.ts)
 * - 70 let named instruments move timbre words too
 * - 60 open the device while the model is read (a core stood idle)
 * - 500 ask for instruments that a prompt names (src/pipeline/controls/instruments.ts)
 * - 120 compile the plans of later stages while one computes (a fourteenth of a first clip's process)
 * - 30 make the table of normal noise in a third of its time, and start Node's thread for samples early
 * - 80 let the head of timbre words read those before
 * - 110 say what holds where a list has no such element (tools/check_strict.mjs)
 * - 70 keep the language model's matrices as halves
 * - 12 bytes bound what is remembered of shapes of jobs
 */
const BUDGET = 91_550;
/**
 * Worker and engine, to the first sound: they also fetch, check and keep weights, and answer a page. 1 kB are the names by which others share the engine.
 * Of it, bytes and what they bring, the newest first:
 * - 60 tell such a prompt
 * - 460 check those options, as above
 * - 160 let a piece fade out, as above
 * - 40 refuse such a device, as above
 * - 100 ask for the key of given audio, as above
 * - 400 let that key count by need, as above
 * - 60 end lines (tools/lines.mjs: an error that nobody caught showed 86 kB of code in Node)
 * - 30 refuse recipes of another version
 * - 120 that key, as above
 * - 290 are those places and halves, as above
 * - 60 fetch what given sound needs when it is needed and 70 tell of it
 * - 530 foretell a change, as above
 * - 520 leave a core to the page where enough is made, and begin to sound when no gap follows (src/web/pace.ts)
 * - 200 that workspace, as above
 * - 40 that file, as above
 * - 600 the form of long pieces and 70 timbre words of instruments, as above
 * - 60 the device beside the model, as above
 * - 510 instruments, as above
 * - 100 plans ahead, as above
 * - 20 the table of noise, as above
 * - 70 timbre words in sight and 50 halves, as above
 * - 800 are timbre words (src/models/timbre.ts)
 * - 220 share weights with other sites (Cross-Origin Storage)
 * - 80 bytes say what to do about damaged JSON
 */
const WORKER_BUDGET = 97_740;
/**
 * What follows when a clip is to be made, measured or saved (1 kB: tags that other programs read, ID3 and XMP; 1 kB: names of files that are
 * no WAV), and when sound is given (0.5 kB and 0.1 kB of the clip: it keeps its own rate, channels and samples beside what is made; 0.3 kB say that
 * it is silent, counts integers, or is of another form than a stream).
 * Of it, bytes and what they bring, the newest first:
 * - 20 are what it costs that those options are checked
 * - 50 say where that key is heard
 * - 280 let measures of a clip loop in WebAssembly in Node, where they took a seventh of a clip's time
 * - 740 name more kinds of files
 * - 300 for WAVs in the codings of telephones, and with ID3 in front
 * - 400 for RIFX and W64
 * - 150 for pieces that went back while they were streamed
 * - 100 for recipes that come through ffmpeg
 * - 2600 are spectra and measures of tones, which pages fetched with the engine
 */
const CLIP_BUDGET = 19_500;
/**
 * Bytes and what they bring, the newest first:
 * - 240 hear that key
 * - 70 the same loops
 * - 2600 measure its tuning, as above
 * - 160 hear timbre words
 */
const GIVEN_BUDGET = 6_760;
/**
 * Where no GPU is; half a kilobyte of it are products by relaxed SIMD, half another the three kernels of Stable Audio, 1.5 kB the Fourier transform, 0.3 kB a norm with its products, 0.2 kB matrices of halves, 0.5 kB those of bytes, 0.1 kB nearly equal codes told apart, 1 kB products and GELU in steps that keep all in registers (a sixth of the diffusion's time), 0.2 kB products that widen halves.
 * Of it, bytes and what they bring, the newest first:
 * - 20 take 64 rows at a time (a twentieth of the diffusion, whose matrices are halves)
 * - 90 name the policy that keeps WebAssembly from compiling
 * - 50 name the policy that keeps threads from starting
 * - 230 let threads rest (kernels/cpu/replay.ts)
 * - 380 are that workspace, as above
 * - 190 spare rows of norms a look at the end of each vector (a fiftieth of the diffusion)
 * - 90 keep weights and states in the way that GPUs do (src/graph/stock.ts, 60 lines less)
 * - 30 let a thread ask how far memory has grown
 * - 60 start threads under Trusted Types
 */
const CPU_BUDGET = 33_880;
/**
 * A page of its own with the published systems, continuations and all measures of a clip in it. Bundlers drop what it does not call
 * of the shared engine, but keep what MeLoDy's later files need (18 kB): an engine in two files would save them and cost every MeLoDy page 1.8 kB.
 * 1 kB of it are variations, a queue, and the hash that names the weights; 1.8 kB are MusicGen Melody, 1.5 kB
 * norms with their products (`matvec_norm`), 0.1 kB matrices of halves, 1 kB those of bytes with the test that comes before them, 1.7 kB go back to what is heard (above), 2.5 kB are streams of MusicGen, 1.7 kB regions of given sound that Stable Audio makes anew, 1.7 kB DPM-Solver++ of third order, noise levels, and columns read 64 at a time.
 * Of it, bytes and what they bring, the newest first:
 * - 550 check what `Melody.load` is given, as above
 * - 150 let a piece fade out, as above
 * - 500 are the key of given audio and the key by need, as above
 * - 70 that key in the engine that it shares
 * - 280 are those places, as above
 * - 450 foretell a change, as above
 * - 190 resting threads and when the next chunk will be there, as above
 * - 250 that workspace, as above
 * - 20 that file, as above
 * - 20 named instruments in the engine that it shares
 * - 60 the device beside the model
 * - 200 the same in the engine that it shares
 * - 80 the table of noise, as above
 * - 180 are timbre words, in the engine that it shares
 * - 740 names of files
 */
const SYSTEMS_BUDGET = 124_240;
/**
 * 0.5 kB play in a context of another rate, 2 kB make the element as complete as the platform's own players, 0.8 kB tell beats as they are heard, 0.1 kB put new music in the place of old, 0.2 kB start the worker of another host and under Trusted Types, 0.2 kB are what it costs that the session is several files.
 * Of it, bytes and what they bring, the newest first:
 * - 160 let a piece go round without a gap (33 ms of silence stood in each round)
 * - 10 tell the beat that a pause fades out
 * - 50 give back what a closed player took in the page's own context (8 MB and a share of the sound thread for every session), fade it out, play what was asked for during a preload and let a pause call it off
 * - 10 copy what waits in runs
 * - 90 tell why nothing plays (`play()` rejects, `error`), read the volume and leave the page's own context as the page has it
 * - 60 open the sound device within the press that downloads (WebKit wanted a second press) and hand samples over without what lies beside them
 * - 20 keep the sound device for what is played at once (a third of a second)
 * - 270 fade in the thread of the sound at pauses, ends and jumps: an AudioParam that was told late cut to half at once
 */
const PLAYER_BUDGET = 10_750;

/** @param {string} name @param {readonly { contents: Uint8Array }[]} files @param {number} budget */
function report(name, files, budget) {
  const bytes = files.reduce((sum, { contents }) => sum + contents.length, 0);
  const zipped = files.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
  const over = zipped > budget;
  console.log(`${String(bytes).padStart(8)}  ${name}: ${zipped} bytes gzipped, budget ${budget}${over ? ': OVER' : ''}`);
  if (over) process.exitCode = 1;
}

const folder = mkdtempSync(join(tmpdir(), 'melody-size-'));
try {
  const built = await buildPackage(folder);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module', sideEffects: false })); // as ours says of these files
  writeFileSync(join(folder, 'page.js'), "export { Melody } from './index.web.js';");
  const page = await bundleForPages({ page: join(folder, 'page.js') });
  /** @type {Map<string, number>} */
  const parts = new Map();
  for (const { modules } of await bundleForPages({ engine: 'src/index.ts' }))
    for (const [path, bytes] of modules) {
      const part = /src\/([^/]+)/.exec(path)?.[0] ?? path;
      parts.set(part, (parts.get(part) ?? 0) + bytes);
    }
  for (const [part, bytes] of [...parts].sort((a, b) => b[1] - a[1]))
    if (bytes > 0) console.log(`${String(bytes).padStart(8)}  ${part}, before minification`);
  report('a page of its own making', withImports(page, 'page.js'), BUDGET);
  const worker = withImports(built, 'web/melody-worker.js');
  report('worker and engine', worker, WORKER_BUDGET);
  const rest = (/** @type {string} */ name) => withImports(built, `web/melody-${name}.js`).filter((file) => !worker.includes(file));
  report(
    'melody-compose.js and melody-clip.js, with the first finished clip',
    [...new Set([...rest('compose'), ...rest('clip')])],
    CLIP_BUDGET,
  );
  report('melody-given.js, with the first given sound', rest('given'), GIVEN_BUDGET);
  report('melody-cpu.js, where no GPU is', rest('cpu'), CPU_BUDGET);
  report('player and worklet', [...rest('player'), ...rest('worklet')], PLAYER_BUDGET);
  writeFileSync(join(folder, 'systems_page.js'), "export { loadSystem } from './web/melody-systems.js';");
  const systems = await bundleForPages({ systems: join(folder, 'systems_page.js') });
  report('a page with published systems', withImports(systems, 'systems.js'), SYSTEMS_BUDGET);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** A built file and those that it imports at once. @param {import('./web.mjs').OutputFile[]} files @param {string} path */
function withImports(files, path) {
  const found = new Set([path]);
  for (const each of found) for (const name of files.find((file) => file.path === each)?.imports ?? []) found.add(name);
  return files.filter((file) => found.has(file.path));
}
