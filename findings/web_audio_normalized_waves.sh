#!/usr/bin/env bash
# node-web-audio-api 2.2.0 (web-audio-api-rs), web-audio-api 1.5.6.
# createPeriodicWave(real, imag, { disableNormalization: true }) of node-web-audio-api leaves its third argument out: the wave is brought to
# a peak of 1 as without it. Partials of 0.5 and of 0.1 then sound equally loud, and a wave whose peak is to be 0.88 has 1. The constructor,
# new PeriodicWave(context, { real, imag, disableNormalization: true }), minds the option. web-audio-api minds it in both.
# One would expect the two ways to make one wave, as the standard defines the method by the constructor. Way round: the constructor.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node-web-audio-api@2.2.0 web-audio-api@1.5.6
cat >see.mjs <<'JAVASCRIPT'
import * as native from 'node-web-audio-api';
import * as script from 'web-audio-api';

const ways = {
  method: (library, context, { real, imag, ...options }) => context.createPeriodicWave(real, imag, options),
  constructor: (library, context, options) => new library.PeriodicWave(context, options),
};
const seen = [];
for (const [name, library] of Object.entries({ 'node-web-audio-api': native, 'web-audio-api': script })) {
  for (const [way, make] of Object.entries(ways)) {
    for (const sines of [[0, 0.5], [0, 0.1], [0, 0.5, 0.5]]) {
      const context = new library.OfflineAudioContext(1, 4800, 48000);
      const tone = context.createOscillator();
      tone.frequency.value = 100;
      const imag = Float32Array.from(sines);
      tone.setPeriodicWave(make(library, context, { real: new Float32Array(imag.length), imag, disableNormalization: true }));
      tone.connect(context.destination);
      tone.start();
      const peak = Math.max(...(await context.startRendering()).getChannelData(0)).toFixed(2);
      console.log(`${name}, ${way}, sines of ${sines.slice(1)}: peak ${peak}`);
      seen.push(peak);
    }
  }
}
const right = '0.50,0.10,0.88';
process.exit(seen.join() === ['1.00,1.00,1.00', right, right, right].join() ? 0 : 1);
JAVASCRIPT
node see.mjs
