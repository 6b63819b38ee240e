#!/usr/bin/env bash
# meyda 5.6.3.
# `Meyda.extract` makes its tables of mel bands, Bark bands and chroma once and keeps them when sampleRate or bufferSize is changed, though both
# are documented as settings of the Meyda object: after one file at 16 kHz an A (440 Hz) at 48 kHz is a D, and its MFCC and loudness are
# others too; after frames of 2048 samples, chroma and MFCC of 4096 are NaN. Alone, each file is measured well. No error is given.
# One would expect the figures of a file not to depend on the file before it.
# Way round: one rate and frame length for a process, or set melFilterBank, barkScale and chromaFilterBank to undefined between files.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund meyda@5.6.3
cat >see.mjs <<'JAVASCRIPT'
import Meyda from 'meyda';

const names = 'C C# D D# E F F# G G# A A# B'.split(' ');
function forget() {
  for (const table of ['melFilterBank', 'barkScale', 'chromaFilterBank']) Meyda[table] = undefined;
}
function measure(rate, length) {
  Object.assign(Meyda, { sampleRate: rate, bufferSize: length });
  const tone = Float32Array.from({ length }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 440 * i) / rate));
  const chroma = Meyda.extract('chroma', tone);
  const loudest = names[chroma.indexOf(Math.max(...chroma))] ?? 'NaN';
  return `${loudest}, mfcc ${Meyda.extract('mfcc', tone)[1].toFixed(2)}, loudness ${Meyda.extract('loudness', tone).total.toFixed(2)}`;
}
const seen = {};
for (const [before, rate, length] of [['nothing'], ['16 kHz', 16_000, 4096], ['frames of 2048', 48_000, 2048], ['the same', 48_000, 4096]]) {
  forget();
  if (rate) measure(rate, length);
  seen[before] = measure(48_000, 4096);
  console.log(`440 Hz at 48 kHz in 4096 samples, after ${before}: ${seen[before]}`);
}
const right = seen.nothing === seen['the same'] && seen.nothing.startsWith('A,');
process.exit(right && seen['16 kHz'].startsWith('D,') && seen['frames of 2048'].startsWith('NaN, mfcc NaN') ? 0 : 1);
JAVASCRIPT
node see.mjs
