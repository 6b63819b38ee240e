#!/usr/bin/env bash
# node-web-audio-api 2.2.0; web-audio-api 1.5.6 beside it.
# A value that is set for the block in which a sound begins comes one block late where the parameter has one value a block, as playbackRate and
# detune of a sample and all of a compressor have. With setValueAtTime(2, t) and start(t) each note of a sampler plays 2.7 ms at its own pitch
# before it jumps up an octave, all that follows is 128 samples off, and a gain with automationRate "k-rate" that is faded in from 0 begins with a
# full block of 1. A fix waits to be merged. And createPeriodicWave() does not heed disableNormalization: partials of 0.25 and 0.5 come out as 0.37
# and 0.73; `new PeriodicWave` heeds it.
# One would expect the value at the first frame of each block, with what is set for that frame, as the Web Audio specification has it.
# Way round: set .value instead where the sound begins, or set the value at least one block (128 / sampleRate) before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts web-audio-api@1.5.6 node-web-audio-api@2.2.0
cat >see.mjs <<'JAVASCRIPT'
const RATE = 48_000;

async function look(library) {
  const { OfflineAudioContext, PeriodicWave } = await import(library);
  async function render(build, length = 1024) {
    const context = new OfflineAudioContext(1, length, RATE);
    build(context);
    return Float32Array.from((await context.startRendering()).getChannelData(0)); // a copy: what getChannelData returns does not keep its buffer
  }
  /** A sample whose values are its places, so that the sound tells which place is heard. */
  const places = (set, when) => (context) => {
    const buffer = context.createBuffer(1, 4096, RATE);
    buffer.getChannelData(0).forEach((_, i, all) => { all[i] = i / 4096; });
    const source = context.createBufferSource();
    source.buffer = buffer;
    set(source);
    source.connect(context.destination);
    source.start(when);
  };
  const at = async (frame, set, when = 0) => Math.round((await render(places(set, when)))[frame] * 4096);
  const later = 256 / RATE;
  const seen = {
    value: await at(640, ({ playbackRate }) => { playbackRate.value = 2; }),
    set: await at(640, ({ playbackRate }) => playbackRate.setValueAtTime(2, 0)),
    detuned: await at(640, ({ detune }) => detune.setValueAtTime(1200, 0)),
    later: await at(640, ({ playbackRate }) => playbackRate.setValueAtTime(2, later), later),
    earlier: await at(640, ({ playbackRate }) => playbackRate.setValueAtTime(2, later - 128 / RATE), later),
  };
  const fade = await render((context) => {
    const [source, gain] = [context.createConstantSource(), context.createGain()];
    gain.gain.automationRate = 'k-rate';
    gain.gain.setValueAtTime(0, 0);
    gain.gain.linearRampToValueAtTime(1, 1024 / RATE);
    source.connect(gain).connect(context.destination);
    source.start();
  });
  const real = new Float32Array(3);
  const imag = Float32Array.of(0, 0.25, 0.5);
  const partials = {};
  for (const [name, make] of [
    ['new PeriodicWave', (context) => new PeriodicWave(context, { real, imag, disableNormalization: true })],
    ['createPeriodicWave', (context) => context.createPeriodicWave(real, imag, { disableNormalization: true })],
  ]) {
    const sound = await render((context) => {
      const oscillator = context.createOscillator();
      oscillator.setPeriodicWave(make(context));
      oscillator.frequency.value = 100;
      oscillator.connect(context.destination);
      oscillator.start();
    }, RATE);
    partials[name] = [100, 200].map((f) => Number(((2 / RATE) * sound.reduce((sum, x, i) => sum + x * Math.sin((2 * Math.PI * f * i) / RATE), 0)).toFixed(2)));
  }
  console.log(`${library}: the place that is heard at frame 640, at twice the rate: with .value ${seen.value}, set for 0 ${seen.set}, detuned at 0 ${seen.detuned};`);
  console.log(`  of a note that begins at 256: set for 256 ${seen.later}, set for 128 ${seen.earlier}; a fade from 0: ${[0, 128, 256].map((i) => fade[i]).join(', ')}`);
  console.log(`  partials of 0.25 and 0.5: ${Object.entries(partials).map(([name, sizes]) => `${name} ${sizes.join(' and ')}`).join(', ')}`);
  return JSON.stringify([...Object.values(seen), fade[0], fade[128], ...Object.values(partials)]);
}

const [here, other] = [await look('node-web-audio-api'), await look('web-audio-api')];
process.exit(
  here === '[1280,1152,1152,640,768,1,0.125,[0.25,0.5],[0.37,0.73]]' && other === '[1280,1280,1280,768,768,0,0.125,[0.25,0.5],[0.25,0.5]]' ? 0 : 1,
);
JAVASCRIPT
node see.mjs
