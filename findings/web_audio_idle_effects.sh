#!/usr/bin/env bash
# node-web-audio-api 2.2.0 (web-audio-api-rs), 44.1 kHz.
# A WaveShaper with the curve [-1, 0, 1] gives back its input, but with oversample "2x" or "4x" 128 frames later. A DynamicsCompressor far
# below its threshold (-24 dB, default settings) delays by 384 frames and multiplies by 1.77 (+5 dB): the make-up gain is always on, as the
# standard says, though a compressor at rest is commonly taken to be transparent. Neither node tells its delay.
# One would expect no change, or a delay that can be asked for: a dry signal mixed with such a "wet" one is a comb filter.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node-web-audio-api@2.2.0
cat >see.mjs <<'JAVASCRIPT'
import { OfflineAudioContext } from 'node-web-audio-api';

async function through(make) {
  const context = new OfflineAudioContext(1, 4410, 44_100);
  const source = context.createBufferSource();
  const click = context.createBuffer(1, 4410, 44_100);
  click.getChannelData(0)[1000] = 0.01; // -40 dB
  source.buffer = click;
  source.connect(make(context)).connect(context.destination);
  source.start();
  const sound = (await context.startRendering()).getChannelData(0);
  const at = sound.reduce((best, value, i) => (Math.abs(value) > Math.abs(sound[best]) ? i : best), 0);
  return [at - 1000, (sound[at] / 0.01).toFixed(2)];
}

const shaper = (oversample) => (context) => {
  const node = context.createWaveShaper();
  node.curve = new Float32Array([-1, 0, 1]);
  node.oversample = oversample;
  return node;
};
const seen = {};
for (const oversample of ['none', '2x', '4x']) seen[`shaper ${oversample}`] = await through(shaper(oversample));
seen.compressor = await through((context) => context.createDynamicsCompressor());
for (const [name, [late, gain]] of Object.entries(seen)) console.log(`${name}: ${late} frames late, peak times ${gain}`);
const late = Object.values(seen).map(([frames]) => frames);
process.exit(JSON.stringify(late) === '[0,128,128,384]' && seen.compressor[1] === '1.77' ? 0 : 1);
JAVASCRIPT
node see.mjs
