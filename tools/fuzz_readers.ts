// Fuzzes the readers of everything but safetensors (tools/fuzz_safetensors.ts has those): WAV, RF64, RIFX and W64 with their recipes, configs and tokenizers of
// MeLoDy and of the published systems (MusicGen, EnCodec, T5, Stable Audio in both layouts), recipes, manifests. No bytes may draw anything but a typed
// error, take a second, or allocate over four times their length; no config may leave a part of the weights out without a word.
//
//   node tools/run.mjs tools/fuzz_readers.ts [CASES] [SEED] [READER…]
//
// A case is a good file with 1 to 8 mutations: of bytes for WAV, of values or of the text for JSON. Prints what each reader did; exits with 1 on a fault.
import { readFileSync } from 'node:fs';
import { platform } from '#platform';
import { readWav } from '../src/audio/wav.ts';
import { readRecipe, recipeTags } from '../src/audio/wav_tags.ts';
import { wavHeader, writeWav } from '../src/audio/wav_write.ts';
import { MelodyError } from '../src/errors.ts';
import { checkConfig, type ModelConfig, openModel } from '../src/pipeline/model.ts';
import { recipeOptions, resolve } from '../src/pipeline/recipe.ts';
import { Tokenizer } from '../src/pipeline/stages/tokenizer.ts';
import { parseJson, readManifest } from '../src/platform/manifest.ts';
import { readTokenizer } from '../src/systems/t5_tokenizer.ts';
import { parseJsonObject } from '../src/weights/json.ts';
import { below, generatorState, mutatedBytes, mutatedJson, pick, seedWith } from './fuzz_mutate.ts';
import { fitOf, jsonOf, readConfigs, SYSTEMS, TOKENIZER } from './fuzz_systems.ts';
import { asRifx, asW64 } from './wav_kin.ts';

const ALLOWANCE = 1024 * 1024; // the machinery of any call, and garbage not yet collected
const MOST_MS = 1000;
const [cases = 600_000, seed = Math.floor(Math.random() * 2 ** 31)] = process.argv.slice(2, 4).map(Number);
const only = process.argv.slice(4);

seedWith(seed);

const folder = new URL('weights/melody-tiny/', `file://${process.cwd()}/`);
const model = await openModel(platform.openFolder(folder));
const json = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
const channels = [Float32Array.from({ length: 90 }, (_, i) => Math.sin(i)), new Float32Array(90)];
const recipe = {
  version: 1, model: 'melody-tiny', prompt: 'calm piano', blend: { text: 'techno', weight: 0.5 }, durationSeconds: 3, seed: 7, steps: 3,
  guidanceScale: 2, schedule: 'linear', sampler: 'rotation', temperature: 1, topK: 0, topP: 0.9, lmGuidanceScale: 2, firstWindowSeconds: 0.8,
  loudness: -16, steered: [{ atSeconds: 1, prompt: 'rock' }],
}; // biome-ignore format: a row of fields
const tags = recipeTags({ recipe, software: 'melody', license: 'mit', title: 'Käfer' });
const tokenizer = json('tokenizer.json');
tokenizer.vocab = Array.isArray(tokenizer.vocab) ? tokenizer.vocab.slice(0, 60) : tokenizer.vocab;
tokenizer.synonyms = Object.fromEntries(Object.entries(tokenizer.synonyms ?? {}).slice(0, 20));

/** Eight bits a sample, no tags: the most that a file can grow to. */
const pcm8 = (() => {
  const bytes = writeWav({ sampleRate: 24_000, channels: [new Float32Array(1000)] }).slice();
  const view = new DataView(bytes.buffer);
  view.setUint16(32, 1, true);
  view.setUint16(34, 8, true);
  return bytes;
})();
const wavs = (['pcm16', 'pcm24', 'float32'] as const).map((sample) =>
  writeWav({ sampleRate: 24_000, channels, tags: { ...tags, ixml: '<a/>' } }, sample),
);
const kin = [...wavs, pcm8].flatMap((wav) => [asRifx(wav), asW64(wav)]);
/** RF64: as files over 4 GB begin, with less behind it. */
const rf64 = Buffer.concat([
  wavHeader({ sampleRate: 48_000, channels: 1, format: 'pcm16', frames: 2 ** 31 + 5, tags }),
  new Uint8Array(100),
]);

interface Reader {
  readonly make: () => Uint8Array;
  /** Bytes of what was allocated for it, where it can be told. */
  readonly read: (bytes: Uint8Array, measured: boolean) => number | Promise<number>;
}
const options = { allowTruncated: true };
const READERS: Record<string, Reader> = {
  wav: {
    make: () => mutatedBytes(pick([...wavs, rf64, pcm8, ...kin])),
    read(bytes) {
      const file = readWav(bytes, below(2) ? options : {});
      readRecipe(file.tags);
      return file.channels.reduce((sum, { byteLength }) => sum + byteLength, 0);
    },
  },
  config: {
    make: () => mutatedJson(config),
    read(bytes) {
      checkConfig(parseJsonObject(bytes, 'config.json', 64) as unknown as ModelConfig, 'config.json');
      return 0;
    },
  },
  tokenizer: {
    make: () => mutatedJson(tokenizer),
    read(bytes) {
      const made = new Tokenizer(parseJson(bytes, 'tokenizer.json'));
      if (made.encode('Calm piano, 120 bpm').ids.some((id) => !(id < made.size))) throw new Error('an id out of range');
      return 0;
    },
  },
  recipe: {
    make: () => mutatedJson(recipe),
    read(bytes) {
      const value = parseJson(bytes, 'recipe');
      resolve(recipeOptions(value), model, 'generate');
      return 0;
    },
  },
  manifest: {
    make: () => mutatedJson(manifest),
    read(bytes) {
      for (const { name, bytes: size } of readManifest(bytes, 'manifest.json'))
        if (/[^\w.-]/.test(name) || name.startsWith('.') || !(size >= 0)) throw new Error(`took ${JSON.stringify(name)}`);
      return 0;
    },
  },
};
const files = Object.entries(SYSTEMS).flatMap(([system, names]) => names.map((name) => ({ system, name, good: jsonOf(system, name) })));
let chosen = files[0];
READERS.system = {
  make() {
    chosen = pick(files);
    return mutatedJson(chosen.good);
  },
  /** The configs alone; of every eighth the headers too, and the networks are recorded: what that takes is no reader's. */
  async read(bytes, measured) {
    const change = new Map([[chosen.name, bytes]]);
    if (measured || below(8) > 0) {
      await readConfigs(chosen.system, change);
      return 0;
    }
    const { faults, unused } = await fitOf(chosen.system, change);
    if (faults.length > 0) throw new MelodyError('weights', faults.join('\n'));
    if (unused.length > 0) throw new Error(`${chosen.system}/${chosen.name}: taken, and ${unused.length} tensors left out: ${unused[0]}`);
    return 0;
  },
};
READERS.t5 = {
  make: () => mutatedJson(TOKENIZER),
  read(bytes) {
    const made = readTokenizer(bytes, 'tokenizer.json');
    if (made.encode('Calm piano, 120 bpm, \ufb01n').ids.some((id) => !(id < made.size))) throw new Error('an id out of range');
    return 0;
  },
};
const config = json('config.json');
const manifest = json('manifest.json');

const inUse = () => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};
const chosenReaders = Object.entries(READERS).filter(([name]) => only.length === 0 || only.includes(name));
let faults = 0;
for (const [name, { make, read }] of chosenReaders) {
  const runs = Math.ceil(cases / chosenReaders.length);
  const start = performance.now();
  let [taken, slowest, heaviest] = [0, 0, 0];
  for (let i = 0; i < runs; i++) {
    const from = generatorState();
    const bytes = make();
    const measured = i % 64 === 0; // asking for the heap's size costs more than a case
    const before = measured ? inUse() : 0;
    const cpu = process.cpuUsage();
    let fault = '';
    try {
      const allocated = await read(bytes, measured);
      taken++;
      heaviest = Math.max(heaviest, allocated / Math.max(1, bytes.length));
      if (allocated > 4 * bytes.length) fault = `allocated ${allocated} bytes for ${bytes.length}`;
    } catch (error) {
      if (!(error instanceof MelodyError)) fault = String((error as Error).stack);
    }
    const { user, system } = process.cpuUsage(cpu);
    slowest = Math.max(slowest, (user + system) / 1000);
    if ((user + system) / 1000 > MOST_MS) fault ||= `took ${(user + system) / 1000} ms`;
    if (measured && inUse() - before > 4 * bytes.length + ALLOWANCE)
      fault ||= `memory grew by ${inUse() - before} bytes for ${bytes.length}`;
    if (!fault) continue;
    faults++;
    if (faults <= 10)
      console.log(`FAULT ${name}, generator state ${from}: ${fault}\n${Buffer.from(bytes).toString('base64').slice(0, 4000)}`);
  }
  console.log(
    `${name.padEnd(9)} ${runs} cases, ${taken} taken, ${runs - taken} refused; slowest ${slowest.toFixed(1)} ms, largest result ${heaviest.toFixed(2)} x its file; ${((performance.now() - start) / 1000).toFixed(0)} s`,
  );
}
console.log(`seed ${seed}: ${faults} faults in ${cases} cases`);
process.exitCode = faults > 0 ? 1 : 0;
