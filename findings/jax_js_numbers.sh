#!/usr/bin/env bash
# @jax-js/jax 0.1.25 (JAX for browsers and Node), its devices "wasm" and "cpu".
# softplus is log(1 + exp(x)) as it stands: Infinity from 89 on, where JAX has 89. logsumexp and logaddexp of impossible events only are NaN in
# place of -Infinity, the sum of [true, true, false] is true in place of 2, and the largest of [1, NaN, 3] is at 3, where the array has no
# element. On "wasm" the sine of 1e5, a phase that 440 Hz reach after 36 s, is 0.0400 (0.0357 on "cpu", which is right), that of 1e6 is
# -0.366 (-0.350), and exp(88.5), 2.7e38, is Infinity.
# One would expect what JAX gives, to some units in the last place, and the same on both devices.
# Way round: where(x > 20, x, softplus(x)); phases that are wrapped to one period first; numbers in place of booleans.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @jax-js/jax@0.1.25
cat >see.mjs <<'JAVASCRIPT'
globalThis.navigator ??= { hardwareConcurrency: 1 }; // Node 20 has none
const { defaultDevice, init, nn, numpy: np } = await import('@jax-js/jax');

await init('wasm');
const text = (array) => JSON.stringify(array.js(), (_, x) => (typeof x === 'number' ? (Number.isFinite(x) ? +x.toPrecision(3) : `${x}`) : x));
const impossible = [-Infinity, -Infinity];
const ask = {
  'softplus([50, 88, 89])': () => nn.softplus(np.array([50, 88, 89])),
  'logsumexp([-inf, -inf])': () => nn.logsumexp(np.array(impossible)),
  'logaddexp(-inf, -inf)': () => np.logaddexp(np.array(-Infinity), np.array(-Infinity)),
  'sum([true, true, false])': () => np.sum(np.array([true, true, false])),
  'argmax([1, nan, 3])': () => np.argmax(np.array([1, NaN, 3])),
  'sin([1e3, 1e4, 1e5, 1e6])': () => np.sin(np.array([1e3, 1e4, 1e5, 1e6])),
  'exp([88, 88.5])': () => np.exp(np.array([88, 88.5])),
};
const seen = {};
for (const device of ['wasm', 'cpu']) {
  defaultDevice(device);
  seen[device] = Object.entries(ask).map(([name, make]) => {
    const answer = text(make());
    console.log(`${device}: ${name} is ${answer}`);
    return answer;
  });
}
console.log(`in double precision: the sines are ${[1e3, 1e4, 1e5, 1e6].map((x) => Math.sin(x).toPrecision(3))}, exp(88.5) ${Math.exp(88.5).toPrecision(3)}`);
const same = ['[50,88,"Infinity"]', '"NaN"', '"NaN"', 'true', '3'];
const [wasm, cpu] = [[...same, '[0.827,-0.306,0.04,-0.366]', '[1.65e+38,"Infinity"]'], [...same, '[0.827,-0.306,0.0357,-0.35]', '[1.65e+38,2.72e+38]']];
process.exit(JSON.stringify([seen.wasm, seen.cpu]) === JSON.stringify([wasm, cpu]) ? 0 : 1);
JAVASCRIPT
node see.mjs
