#!/usr/bin/env bash
# wavefile 11.0.0 and wave-resampler 1.0.0, by the same author.
# Resampling n samples reads the input at i / ratio * (n - 1) / n in place of i / ratio: all is slowed by one part in n, at an unchanged rate too
# (0 1 2 3 from 16 to 16 kHz is 0 0.75 1.5 2.25). At the end of a file all lies one input sample late, so that it cancels against the
# original at its beginning only; and a stream that is resampled in blocks is out of tune: in blocks of 100 samples, a tone of 440 Hz
# is 435.6 Hz within each block, 17 cents flat. wavefile's toSampleRate does the same.
# One would expect sample i to be read at i / ratio, whatever the length, as soxr and libsamplerate's sinc converters do.
# Way round: another resampler, such as @alexanderolsen/libsamplerate-js (a whole sound) or soxr (Python).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund wavefile@11.0.0 wave-resampler@1.0.0
cat >see.mjs <<'JAVASCRIPT'
import waveResampler from 'wave-resampler';
import wavefile from 'wavefile';

const options = { method: 'linear', LPF: false };
const ramp = (n) => Float64Array.from({ length: n }, (_, i) => i);
const still = [...waveResampler.resample(ramp(4), 16_000, 16_000, options)];
console.log(`0 1 2 3 from 16 to 16 kHz: ${still.join(' ')}`);
const seen = [100, 16_000].map((n) => {
  const resampled = waveResampler.resample(ramp(n), 16_000, 48_000, options);
  const file = new wavefile.WaveFile();
  file.fromScratch(1, 16_000, '64', ramp(n));
  file.toSampleRate(48_000, options);
  const ends = [resampled, file.getSamples(false, Float64Array)].map((samples) => samples[3 * (n - 1)] - (n - 1));
  const step = resampled[3]; // where the input is read for what lies one input sample behind the start
  console.log(`0 to ${n - 1} to 48 kHz: one is read at ${step}, so 440 Hz is ${(440 * step).toFixed(2)} Hz; the last is off by ${ends}`);
  return step === (n - 1) / n && ends.every((end) => Math.abs(end + (n - 1) / n) < 1e-9);
});
process.exit(seen.every(Boolean) && still.join() === '0,0.75,1.5,2.25' ? 0 : 1);
JAVASCRIPT
node see.mjs
