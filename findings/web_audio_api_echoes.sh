#!/usr/bin/env bash
# web-audio-api 1.5.6 (audiojs, "a fully passing checked-in WPT corpus") and node-web-audio-api 2.2.0.
# An echo whose DelayNode is heard (sound -> delay -> output, delay -> gain -> delay) comes back after delayTime the first time and after
# delayTime plus 128 samples each other time: at 10 ms and 48 kHz at 480, 1088, 1696 in place of 480, 960, 1440. A comb or a plucked string of
# 200 Hz sounds at 130 Hz, and an echo in time with 16th notes runs away from them. Where the output hears the gain of the loop, all is well.
# The specification lets a delay in a loop be no shorter than 128 samples; this one is 480, so that one would expect the same echo
# wherever it is heard, and node-web-audio-api has it. Way round: hear the loop at its gain, or before the delay.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts web-audio-api@1.5.6 node-web-audio-api@2.2.0
cat >see.mjs <<'JAVASCRIPT'
import * as native from 'node-web-audio-api';
import * as script from 'web-audio-api';

async function echoes(library, seconds, heard) {
  const context = new library.OfflineAudioContext(1, 4800, 48_000);
  const click = context.createBufferSource();
  const buffer = context.createBuffer(1, 1, 48_000);
  buffer.getChannelData(0)[0] = 1;
  click.buffer = buffer;
  const [delay, gain] = [context.createDelay(), context.createGain()];
  delay.delayTime.value = seconds;
  gain.gain.value = 0.5;
  click.connect(delay);
  delay.connect(gain);
  gain.connect(delay);
  (heard === 'delay' ? delay : gain).connect(context.destination);
  click.start();
  const samples = (await context.startRendering()).getChannelData(0);
  return [...samples.keys()].filter((i) => Math.abs(samples[i]) > 0.05).slice(0, 4).join(' ');
}

const seen = [];
for (const [name, library] of [['web-audio-api', script], ['node-web-audio-api', native]]) {
  for (const [seconds, heard] of [[0.005, 'delay'], [0.01, 'delay'], [0.01, 'gain']]) {
    seen.push(await echoes(library, seconds, heard));
    console.log(`${name}, ${seconds * 1000} ms, heard at the ${heard}: ${seen.at(-1)}`);
  }
}
const right = ['240 480 720 960', '480 960 1440 1920', '480 960 1440 1920'];
process.exit(seen.join() === ['240 608 976 1344', '480 1088 1696 2304', right[2], ...right].join() ? 0 : 1);
JAVASCRIPT
node see.mjs
