#!/bin/sh
# mediabunny 1.61.0, @mediabunny/server 1.59.0, node-av 6.1.1 (npm): 72123 samples at 24 kHz encoded with mediabunny's Output and decoded again with its
# AudioSampleSink. FLAC is lossless, so one expects 72123 samples; MP3 players cut off the encoder's delay, so one expects no shift.
#
# Seen: FLAC has 73728 samples, the last block filled up with silence, and the file's header says so too. MP3 comes back 1105 samples late, since
# the file's Xing frame states no delay. FFmpeg's own muxers, through node-av, do neither.
# Node 20 or newer; the packages bring 170 MB.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' > package.json
npm install --silent --no-audit --no-fund --ignore-scripts mediabunny@1.61.0 @mediabunny/server@1.59.0 node-av@6.1.1
cat > try.mjs <<'JS'
import { registerMediabunnyServer } from '@mediabunny/server';
import * as mb from 'mediabunny';
registerMediabunnyServer();
const rate = 24000;
const n = 3 * rate + 123;
let seed = 1;
let low = 0;
const sound = Float32Array.from({ length: n }, () => {
  seed = (seed * 1664525 + 1013904223) >>> 0;
  low += 0.2 * (seed / 2 ** 31 - 1 - low);
  return low;
});
async function thereAndBack(codec, format) {
  const target = new mb.BufferTarget();
  const output = new mb.Output({ format, target });
  const source = new mb.AudioSampleSource({ codec, ...(codec === 'mp3' && { bitrate: 128e3 }) });
  output.addAudioTrack(source);
  await output.start();
  for (let at = 0; at < n; at += 4096) {
    const data = sound.slice(at, at + 4096);
    const sample = new mb.AudioSample({ data, format: 'f32', numberOfChannels: 1, sampleRate: rate, timestamp: at / rate });
    await source.add(sample);
    sample.close();
  }
  await output.finalize();
  const input = new mb.Input({ formats: mb.ALL_FORMATS, source: new mb.BufferSource(target.buffer) });
  const parts = [];
  for await (const sample of new mb.AudioSampleSink(await input.getPrimaryAudioTrack()).samples()) {
    const part = new Float32Array(sample.allocationSize({ planeIndex: 0, format: 'f32' }) / 4);
    sample.copyTo(part, { planeIndex: 0, format: 'f32' });
    parts.push(...part);
    sample.close();
  }
  let best = [-1, 0];
  for (let shift = -100; shift < 2000; shift++) {
    let sum = 0;
    for (let i = 20000; i < 24000; i++) sum += sound[i] * (parts[i + shift] ?? 0);
    if (sum > best[0]) best = [sum, shift];
  }
  return { samples: parts.length, late: best[1] };
}
const flac = await thereAndBack('flac', new mb.FlacOutputFormat());
const mp3 = await thereAndBack('mp3', new mb.Mp3OutputFormat());
console.log(`${n} samples; FLAC: ${flac.samples}, ${flac.late} late; MP3: ${mp3.samples}, ${mp3.late} late`);
process.exit(flac.samples === 73728 && mp3.late === 1105 ? 0 : 1);
JS
node try.mjs
