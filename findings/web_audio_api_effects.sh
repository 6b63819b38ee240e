#!/usr/bin/env bash
# web-audio-api 1.5.6 (audiojs, "a fully passing checked-in WPT corpus") and node-web-audio-api 2.2.0.
# Three effects are other ones than in a browser. A ConvolverNode normalises to the energy of its impulse response, not to its mean power: a
# reverb of 1 s is 12 dB louder than the specification's formula says, one of 0.1 s 22 dB. A DynamicsCompressorNode has none of the
# specification's makeup gain, and at the top of its knee it falls by 6 dB: -10 dB comes out at -16.4, -8 dB at -22.7. A WaveShaperNode with
# oversample forgets its filter between blocks of 128: a straight curve, which should change nothing, clicks at -31 dB.
# One would expect what browsers and node-web-audio-api do, within a tenth of a decibel where the specification has a formula.
# Way round: normalize = false and a gain of 0.00125 * 44100 / sampleRate / RMS of the response; oversample = "none"; no compressor.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts web-audio-api@1.5.6 node-web-audio-api@2.2.0
cat >see.mjs <<'JAVASCRIPT'
import * as native from 'node-web-audio-api';
import * as script from 'web-audio-api';

const RATE = 48_000;
const decibels = (value) => 20 * Math.log10(value);
const rms = (samples) => Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);

async function play(library, samples, effect) {
  const context = new library.OfflineAudioContext(1, samples.length, RATE);
  const source = context.createBufferSource();
  const buffer = context.createBuffer(1, samples.length, RATE);
  buffer.getChannelData(0).set(samples);
  source.buffer = buffer;
  source.connect(effect(context)).connect(context.destination);
  source.start();
  return (await context.startRendering()).getChannelData(0);
}

/** How much louder a click comes back from a room of so many samples than by the formula of the specification. */
async function louder(library, length) {
  const response = Float32Array.from({ length }, (_, i) => Math.exp((-5 * i) / length) * Math.sin(i * i));
  const heard = await play(library, Float32Array.from({ length: length + 4800 }, (_, i) => +(i === 0)), (context) => {
    const node = context.createConvolver();
    const buffer = context.createBuffer(1, length, RATE);
    buffer.getChannelData(0).set(response);
    node.buffer = buffer;
    return node;
  });
  const scale = (0.00125 * (44_100 / RATE)) / rms(response);
  return decibels(Math.hypot(...heard) / (scale * Math.hypot(...response)));
}

/** What a steady level becomes once the compressor has settled. */
async function compressed(library, level) {
  const heard = await play(library, new Float32Array(2 * RATE).fill(10 ** (level / 20)), (context) => context.createDynamicsCompressor());
  return decibels(heard[2 * RATE - 1000]);
}

/** What else than a tone of 1 kHz comes out of a straight curve, in dB below the tone. */
async function clicks(library) {
  const tone = Float32Array.from({ length: RATE }, (_, i) => Math.sin((2 * Math.PI * 1000 * i) / RATE));
  const heard = (await play(library, tone, (context) => {
    const shaper = context.createWaveShaper();
    shaper.curve = Float32Array.of(-1, 0, 1);
    shaper.oversample = '4x';
    return shaper;
  })).slice(RATE / 10, RATE);
  const part = (wave) => (2 / heard.length) * heard.reduce((sum, x, i) => sum + x * wave((2 * Math.PI * 1000 * i) / RATE), 0);
  const [sine, cosine] = [part(Math.sin), part(Math.cos)];
  const rest = heard.map((x, i) => x - sine * Math.sin((2 * Math.PI * 1000 * i) / RATE) - cosine * Math.cos((2 * Math.PI * 1000 * i) / RATE));
  return decibels(rms(rest) / rms(heard));
}

const seen = {};
for (const [name, library] of [['web-audio-api', script], ['node-web-audio-api', native]]) {
  const at = (seen[name] = { rooms: [], levels: [], clicks: await clicks(library) });
  for (const length of [RATE / 10, RATE]) at.rooms.push(await louder(library, length));
  for (const level of [-40, -10, -8, 0]) at.levels.push(await compressed(library, level));
  const text = (list) => list.map((x) => x.toFixed(1)).join(', ');
  console.log(`${name}: rooms of 0.1 and 1 s ${text(at.rooms)} dB too loud; -40, -10, -8, 0 dB compressed to ${text(at.levels)}; `
    + `straight curve with 4x: all but the tone at ${at.clicks.toFixed(1)} dB`);
}
const [here, there] = Object.values(seen);
process.exit(
  here.rooms[0] > 20 && here.rooms[1] > 10 && here.levels[2] < here.levels[1] - 5 && here.clicks > -40
  && Math.abs(here.levels[0] + 40) < 0.1 && there.levels[0] > -36
  && there.rooms.every((room) => Math.abs(room) < 0.1) && there.levels[2] > there.levels[1] && there.clicks < -80 ? 0 : 1,
);
JAVASCRIPT
node see.mjs
