#!/usr/bin/env bash
# soundtouchjs 0.3.0 (npm): noise through SoundTouch and SimpleFilter, read until extract() returns 0, as its own examples do.
# Up to 0.4 s of the end is missing, also with tempo 1 and pitch 1: of one second at 44.1 kHz 0.61 s come back, of 4 seconds 3.67, of 0.3 s
# none. What is still in its buffers when the source ends is dropped (the C++ library has flush() for it), and how much that is depends on the
# length of the sound. At half the tempo 0.8 s of the output are missing. (At tempo 1 what comes back is not the input either: 14 ms early.)
# One would expect length / tempo samples, give or take a window. Way round: let the source go on with a second of zeros, and cut.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts soundtouchjs@0.3.0
cat >see.mjs <<'JAVASCRIPT'
import { SimpleFilter, SoundTouch } from 'soundtouchjs';

const rate = 44100;
function stretched(samples, tempo, padding = 0) {
  const touch = new SoundTouch();
  touch.tempo = tempo;
  const source = {
    extract(target, count, position) {
      const left = Math.max(0, Math.min(count, samples.length + padding - position));
      for (let i = 0; i < left; i++) target[2 * i] = target[2 * i + 1] = samples[position + i] ?? 0;
      return left;
    },
  };
  const filter = new SimpleFilter(source, touch);
  const block = new Float32Array(2 * 4096);
  const out = [];
  for (let got = filter.extract(block, 4096); got > 0; got = filter.extract(block, 4096)) {
    for (let i = 0; i < got; i++) out.push(block[2 * i]);
  }
  return out;
}
let seed = 1;
const noise = (length) =>
  Float32Array.from({ length }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32 - 0.5;
  });
const missing = [];
for (const [seconds, tempo] of [[0.3, 1], [1, 1], [4, 1], [8, 1], [4, 0.5], [4, 2]]) {
  const samples = noise(rate * seconds);
  const expected = samples.length / tempo;
  const out = stretched(samples, tempo);
  const padded = stretched(samples, tempo, rate);
  missing.push(Math.round(((expected - out.length) / rate) * 1000));
  console.log(`${seconds} s at tempo ${tempo}: ${out.length} of ${expected} samples, ${missing.at(-1)} ms missing; with a second of zeros behind ${padded.length}`);
}
process.exit(JSON.stringify(missing) === '[300,388,327,247,831,196]' ? 0 : 1);
JAVASCRIPT
node see.mjs
