// Three prompts far apart → three clips, measured, and the table of docs/prompts.md: what was asked for against what is heard.
//
//   node tools/run.mjs tools/prompt_table.ts [--model weights/melody-small] [--seconds 10] [--seeds 1] [--out folder] [--dry]
//
// --seeds  clips a prompt, with seeds 1, 2, …; the table shows means, and nothing is picked
// --out    keep the clips as WAV files
// --dry    print the table, leave docs/prompts.md as it is
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ClipReport, measureClip } from '../src/audio/measure.ts';
import { writeWav } from '../src/audio/wav_write.ts';
import { agreement } from '../src/cli/eval_agreement.ts';
import { MeLoDy } from '../src/pipeline/melody.ts';

const PROMPTS = [
  { prompt: 'slow piano ballad, 70 bpm', bpm: 70 },
  { prompt: 'fast samba with brass and percussion, 160 bpm', bpm: 160 },
  { prompt: 'dark trance, synth, 138 bpm', bpm: 138 },
];
/** What the audio tower is asked to tell apart. */
const INSTRUMENTS = ['piano', 'strings', 'guitar', 'brass', 'percussion', 'synth'];
const PAGE = 'docs/prompts.md';
const [START, END] = ['<!-- three prompts: made by tools/prompt_table.ts -->', '<!-- end of three prompts -->'];

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'weights/melody-small' },
    seconds: { type: 'string', default: '10' },
    seeds: { type: 'string', default: '1' },
    out: { type: 'string' },
    dry: { type: 'boolean' },
  },
});

interface Heard {
  report: ClipReport;
  /** Cosine with each instrument, then with each prompt. */
  agreements: number[];
  seconds: number;
}

const melody = await MeLoDy.load(values.model);
const rows: string[] = [];
const all: Heard[][] = [];
for (const [p, { prompt, bpm }] of PROMPTS.entries()) {
  const heard: Heard[] = [];
  for (let seed = 1; seed <= Number(values.seeds); seed++) {
    const clip = await melody.generate({ prompt, seed, durationSeconds: Number(values.seconds) });
    const report = measureClip(clip.channels, clip.sampleRate, { bpm });
    const agreements = await agreement(melody.engine, clip, [...INSTRUMENTS, ...PROMPTS.map((other) => other.prompt)]);
    heard.push({ report, agreements, seconds: clip.timings.total });
    if (values.out) {
      mkdirSync(values.out, { recursive: true });
      writeFileSync(join(values.out, `${p + 1}-${seed}.wav`), writeWav(clip));
    }
    process.stderr.write(`${prompt}, seed ${seed}: ${clip.timings.total.toFixed(1)} s\n`);
  }
  all.push(heard);
  rows.push(row(prompt, bpm, p, heard));
}
const { name } = melody.model;
const adapter = melody.engine.device.caps.name;
melody.dispose();

const table = [
  '| prompt | tempo asked, heard (pulse clarity) | centroid, 85 % roll-off | most like, of six instruments | agreement with its own prompt, with the others |',
  '| --- | --- | --- | --- | --- |',
  ...rows,
  '',
  `${name}, ${values.seconds} s a clip, ${values.seeds} clip${values.seeds === '1' ? '' : 's'} a prompt from seed 1, none picked, on ${adapter}. Tempo, clarity and brightness are measured without any`,
  "trained network (`melody eval`); likeness and agreement are cosines of the model's own towers, so they compare clips and do not prove quality.",
].join('\n');
process.stdout.write(`${table}\n`);
if (!values.dry) {
  const page = readFileSync(PAGE, 'utf8');
  const [from, to] = [page.indexOf(START), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`${PAGE} has no place for the table: expected the lines "${START}" and "${END}"`);
  writeFileSync(PAGE, `${page.slice(0, from + START.length)}\n${table}\n${page.slice(to)}`);
}

function row(prompt: string, bpm: number, p: number, heard: Heard[]): string {
  const mean = (of: (h: Heard) => number) => heard.reduce((sum, h) => sum + of(h), 0) / heard.length;
  const tempi = heard.map(({ report }) => report.rhythm.tempo.toFixed(0)).join(', ');
  const clarity = mean(({ report }) => report.rhythm.pulseClarity).toFixed(2);
  const like = INSTRUMENTS.map((instrument, i) => ({ instrument, cosine: mean((h) => h.agreements[i]) })).sort(
    (a, b) => b.cosine - a.cosine,
  );
  const likeText = like
    .slice(0, 2)
    .map(({ instrument, cosine }) => `${instrument} ${cosine.toFixed(2)}`)
    .join(', ');
  const toPrompt = PROMPTS.map((_, i) => mean((h) => h.agreements[INSTRUMENTS.length + i]));
  const others = toPrompt.filter((_, i) => i !== p).map((cosine) => cosine.toFixed(2));
  const centroid = mean(({ report }) => report.spectrum.centroid).toFixed(0);
  const rolloff = mean(({ report }) => report.spectrum.rolloff85).toFixed(0);
  return `| ${prompt} | ${bpm}, ${tempi} (${clarity}) | ${centroid} Hz, ${rolloff} Hz | ${likeText} | ${toPrompt[p].toFixed(2)}, ${others.join(' and ')} |`;
}
