// The short pieces that the page plays before anything is downloaded: made by the shipped model, none picked, with the seeds that stand here,
// and encoded by the command ffmpeg. MP3, because every browser plays it.
//
//   node tools/run.mjs tools/demo_pieces.ts
//
// Writes demo/pieces/*.mp3 and pieces.json, which says what made them. To be run again after every training.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Melody, writeWav } from '../src/index.ts';

const MODEL = 'melody-small';
const MAX_BYTES = 100_000;
const BIT_RATE = '64k';
const SECONDS = 12;
const PIECES = [
  { name: 'Piano waltz', file: 'piano.mp3', prompt: 'calm piano waltz in A minor, 96 bpm', seed: 1 },
  { name: 'Samba', file: 'samba.mp3', prompt: 'joyful samba with trumpet and percussion, 120 bpm', seed: 1 },
  { name: 'Techno', file: 'techno.mp3', prompt: 'hypnotic techno with synth bass, 128 bpm', seed: 1 },
];

const out = 'demo/pieces';
mkdirSync(out, { recursive: true });
const melody = await Melody.load(join('weights', MODEL), { device: 'cpu' });
const made = [];
for (const { name, file, prompt, seed } of PIECES) {
  const clip = await melody.generate({ prompt, seed, durationSeconds: SECONDS });
  const words = ['-loglevel', 'error', '-i', 'pipe:0', '-b:a', BIT_RATE, '-map_metadata', '-1', '-f', 'mp3', 'pipe:1'];
  const { status, stdout, stderr, error } = spawnSync('ffmpeg', words, { input: writeWav(clip), maxBuffer: 2 ** 24 });
  if (error || status !== 0) throw new Error(`ffmpeg did not encode ${file}: ${error?.message ?? stderr}`);
  if (stdout.length > MAX_BYTES) throw new Error(`${file} has ${stdout.length} bytes, more than ${MAX_BYTES}: lower BIT_RATE or SECONDS`);
  writeFileSync(join(out, file), stdout);
  made.push({ name, file, sampleRate: clip.sampleRate, channels: clip.channels.length, recipe: clip.recipe });
  console.log(`${file}: ${stdout.length} bytes`);
}
melody.dispose();
writeFileSync(join(out, 'pieces.json'), `${JSON.stringify(made, undefined, 2)}\n`);
