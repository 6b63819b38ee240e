#!/usr/bin/env bash
# @purinton/resampler 1.0.4.
# A windowed sinc is made to keep out what the new rate cannot hold; this one does not. From 48 to 24 kHz, the example of its README, a tone of
# 15 kHz comes out as one of 9 kHz at full level (-0.0 dB), one of 20 kHz as 4 kHz: the sinc keeps the cutoff of the input's rate, and taken at
# whole samples it only picks every second one. The first 8 samples of the sound are lost, too, at an unchanged rate as well: 1000 samples
# become 993, the first of which is number 8, so that a stem that went through it is early beside the others.
# One would expect silence, and the sound from its start. Way round: soxr or libsamplerate; or a lowpass before, and 8 samples of silence in front.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @purinton/resampler@1.0.4
cat >see.mjs <<'JAVASCRIPT'
import { Resampler } from '@purinton/resampler';

function resample(inRate, outRate, samples) {
  const stream = new Resampler({ inRate, outRate, inChannels: 1, outChannels: 1 });
  const parts = [];
  stream.on('data', (part) => parts.push(part));
  const ended = new Promise((resolve) => stream.on('end', resolve));
  stream.end(Buffer.from(Int16Array.from(samples).buffer));
  return ended.then(() => new Int16Array(Uint8Array.from(Buffer.concat(parts)).buffer));
}
/** Amplitude of a frequency, over whole periods. */
function amplitude(sound, frequency, rate) {
  let [cosine, sine] = [0, 0];
  for (let i = 0; i < 4800; i++) {
    cosine += sound[i + 100] * Math.cos((2 * Math.PI * frequency * i) / rate);
    sine += sound[i + 100] * Math.sin((2 * Math.PI * frequency * i) / rate);
  }
  return Math.hypot(cosine, sine) / 2400;
}
const tone = (frequency) => Array.from({ length: 12_000 }, (_, i) => 10_000 * Math.sin((2 * Math.PI * frequency * i) / 48_000));
const levels = [];
for (const [frequency, folded] of [[1000, 1000], [15_000, 9000], [20_000, 4000]]) {
  const level = 20 * Math.log10(amplitude(await resample(48_000, 24_000, tone(frequency)), folded, 24_000) / 10_000);
  console.log(`48 to 24 kHz, ${frequency} Hz: ${level.toFixed(1)} dB at ${folded} Hz`);
  levels.push(Math.abs(level) < 0.1);
}
const ramp = await resample(48_000, 48_000, Array.from({ length: 1000 }, (_, i) => 10 * i));
console.log(`48 to 48 kHz, 1000 samples 0, 10, 20 …: ${ramp.length} samples ${ramp.slice(0, 3).join(', ')} …`);
process.exit(levels.every(Boolean) && ramp.length === 993 && ramp[0] === 80 ? 0 : 1);
JAVASCRIPT
node see.mjs
