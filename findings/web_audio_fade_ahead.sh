#!/usr/bin/env bash
# node-web-audio-api 2.2.0 (web-audio-api-rs), 48 kHz.
# A fade that is set for later changes the level now. A gain is 1, and setTargetAtTime(0, 0.1, 0.02) is to fade it out after 0.1 s. For the
# first 128 frames the gain is 1; then it is 129.89 (+42 dB) until 0.1 s, where it jumps to 1 and fades as it should. 129.89 is the
# exponential of the fade carried on to the left, to frame 128, and held. A later start or a shorter time makes it larger; a rise from 0.1 to 1
# is negative before it starts. setValueCurveAtTime([1, 0.5, 0], 0.1, 0.05) begins in the same way: 0.95 in place of 1.
# One would expect 1 until the fade begins: by the standard the value stays as it was until the time of the next event of these two kinds.
# Way round: setValueAtTime(1, 0.1) before setTargetAtTime, at the same time.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node-web-audio-api@2.2.0
cat >see.mjs <<'JAVASCRIPT'
import { OfflineAudioContext } from 'node-web-audio-api';

const frames = [0, 127, 128, 2400, 4800, 4801, 5760];

/** The gain at those frames. */
async function gains(title, automate) {
  const context = new OfflineAudioContext(1, 6000, 48_000);
  const one = context.createConstantSource();
  const gain = context.createGain();
  automate(gain.gain);
  one.connect(gain).connect(context.destination);
  one.start();
  const sound = (await context.startRendering()).getChannelData(0);
  const seen = frames.map((at) => sound[at].toFixed(2)).join(' ');
  console.log(`${title}: ${seen}`);
  return seen;
}

console.log(`frames ${frames.join(' ')} (the fade begins at 4800)`);
const seen = [
  await gains('setTargetAtTime', (gain) => gain.setTargetAtTime(0, 0.1, 0.02)),
  await gains('setValueAtTime(1, 0), setTargetAtTime', (gain) => gain.setValueAtTime(1, 0).setTargetAtTime(0, 0.1, 0.02)),
  await gains('setValueAtTime(1, 0.1), setTargetAtTime', (gain) => gain.setValueAtTime(1, 0.1).setTargetAtTime(0, 0.1, 0.02)),
  await gains('setValueAtTime(0.1, 0), setTargetAtTime(1)', (gain) => gain.setValueAtTime(0.1, 0).setTargetAtTime(1, 0.1, 0.1)),
  await gains('setValueCurveAtTime', (gain) => gain.setValueCurveAtTime([1, 0.5, 0], 0.1, 0.05)),
];
const expected = [
  '1.00 1.00 129.89 129.89 129.89 1.00 0.37',
  '1.00 1.00 129.89 129.89 129.89 1.00 0.37',
  '1.00 1.00 1.00 1.00 1.00 1.00 0.37',
  '0.10 0.10 -1.38 -1.38 -1.38 0.10 0.26',
  '1.00 1.00 0.95 0.95 0.95 1.00 0.60',
];
process.exit(seen.join('\n') === expected.join('\n') ? 0 : 1);
JAVASCRIPT
node see.mjs
