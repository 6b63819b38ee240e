#!/usr/bin/env bash
# @elemaudio/offline-renderer 3.2.2 with its @elemaudio/core 3.2.1 (Elementary Audio).
# Offline rendering fades the first 50 ms in, at each rate: a file that is processed with the graph `el.in({channel: 0})`, which should change
# nothing, comes back without its first sample and with the second at -68 dB, and a drum at the start loses its stroke. And `el.bleptriangle` swings from 0
# to 2 in place of -1 to 1: a constant of 1 is added to the tone, which a 16-bit file then clips. `el.triangle`, `el.blepsaw` and
# `el.blepsquare` have none.
# One would expect the samples from the first one on, as the package is for "file-based processing", and a triangle about 0.
# Way round: process 50 ms of silence first (an option came with core 4, which has no offline renderer); el.sub(el.bleptriangle(f), 1).
# The renderer assigns to globalThis.crypto, which Node has made read-only since version 19, so the script makes it writable first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @elemaudio/offline-renderer@3.2.2 @elemaudio/core@3.2.1
cat >see.mjs <<'JAVASCRIPT'
Object.defineProperty(globalThis, 'crypto', { value: globalThis.crypto, writable: true, configurable: true });
const { el } = await import('@elemaudio/core');
const { default: OfflineRenderer } = await import('@elemaudio/offline-renderer');

async function render(graph, rate, input) {
  const core = new OfflineRenderer();
  await core.initialize({ numInputChannels: 1, numOutputChannels: 1, sampleRate: rate });
  await core.render(graph);
  const output = [new Float32Array(input.length)];
  core.process([input], output);
  return output[0];
}

const starts = [];
for (const rate of [44_100, 48_000, 96_000]) {
  const heard = await render(el.in({ channel: 0 }), rate, new Float32Array(rate).fill(1));
  starts.push({ first: 20 * Math.log10(heard[1]), whole: (1000 * heard.findIndex((x) => x === 1)) / rate });
  console.log(`ones at ${rate} Hz: sample 1 at ${starts.at(-1).first.toFixed(1)} dB, 1 from ${starts.at(-1).whole.toFixed(1)} ms on`);
}
const means = {};
for (const name of ['triangle', 'blepsaw', 'blepsquare', 'bleptriangle']) {
  const heard = (await render(el[name](110), 48_000, new Float32Array(96_000))).subarray(48_000);
  means[name] = heard.reduce((sum, x) => sum + x, 0) / heard.length;
  console.log(`${name} of 110 Hz, its second second: ${Math.min(...heard).toFixed(2)} to ${Math.max(...heard).toFixed(2)}, mean ${means[name].toFixed(3)}`);
}
const { bleptriangle, ...others } = means;
process.exit(
  starts.every(({ first, whole }) => first < -60 && Math.abs(whole - 50) < 1) && bleptriangle > 0.9
  && Object.values(others).every((mean) => Math.abs(mean) < 0.01) ? 0 : 1,
);
JAVASCRIPT
node see.mjs
