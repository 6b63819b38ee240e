#!/usr/bin/env bash
# pitchfinder 2.3.4.
# YIN looks at the largest power of two below the length of what it is given, and not at the length: 2048 samples are searched as 1024, 2049 as
# 2048. Their lowest notes are therefore 86 Hz and 43 Hz at 44.1 kHz, an octave apart for one sample. A note below that is not null, as the
# README has it for a pitch that was not found, but a note of 17 to 19 kHz: the low E and A of a bass guitar (41 and 55 Hz) come out so.
# One would expect the range to grow evenly with the length, and null or the octave above for what is too low.
# Way round: give 2^n + 1 samples, four periods of the lowest note or more, and drop results above the range of the instrument.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund pitchfinder@2.3.4
cat >see.mjs <<'JAVASCRIPT'
import pitchfinder from 'pitchfinder';

const detect = pitchfinder.YIN({ sampleRate: 44_100 });
const notes = [41.2, 55, 82.4, 110, 440]; // E1, A1, E2, A2, A4
const heard = {};
for (const length of [2048, 2049, 4096, 4097]) {
  const pitches = notes.map((note) => detect(Float32Array.from({ length }, (_, i) => 0.5 * Math.sin((2 * Math.PI * note * i) / 44_100))));
  heard[length] = pitches.map((pitch, k) => (Math.abs(pitch / notes[k] - 1) < 0.01 ? 'right' : pitch > 15_000 ? 'wild' : 'other')).join(' ');
  console.log(`${length} samples: ${pitches.map((pitch, k) => `${notes[k]} Hz is ${pitch?.toFixed(1)}`).join(', ')}`);
}
const expected = ['wild wild wild right right', 'wild wild right right right', 'wild wild right right right', 'wild right right right right'];
process.exit(Object.values(heard).join() === expected.join() ? 0 : 1);
JAVASCRIPT
node see.mjs
