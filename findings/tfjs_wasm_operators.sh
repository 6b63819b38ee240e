#!/usr/bin/env bash
# @tensorflow/tfjs-core, -backend-cpu and -backend-wasm 4.22.0.
# The same graph has other numbers with the backend "wasm" than with "cpu". A cast to bool takes the lowest byte of the whole number: 0.25 and
# 256 are false, and 2 is true for where() but not for logicalAnd() with true. log1p(1e-8) is 0, and log1p(1e-5) wrong from the fourth digit, as
# 1 is added before the logarithm. The mean of 20 million times 0.1 is 0.1049: all are added up in one float. dilation2d, the maximum of
# neighbours, is never below 1.2e-38, the smallest normal float. The largest of [NaN, 1, 2, 3] in maxPool is -infinity.
# One would expect the numbers of "cpu", within rounding: those are right in each case but the last, where it says 3.
# Way round: notEqual(x, 0) in place of the cast, means of parts, "cpu" to compare with.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-cpu@4.22.0 @tensorflow/tfjs-backend-wasm@4.22.0
cat >see.cjs <<'JAVASCRIPT'
const tf = require('@tensorflow/tfjs-core');
require('@tensorflow/tfjs-backend-cpu');
require('@tensorflow/tfjs-backend-wasm');

console.warn = () => {}; // that tfjs-node would be faster
const signal = (values) => tf.tensor(values, [1, values.length, 1, 1]);
const table = [ // what, how, on "cpu", on "wasm" with this version
  ['cast [0.25, 2, 256, 0] to bool', () => tf.where(tf.cast([0.25, 2, 256, 0], 'bool'), tf.ones([4]), tf.zeros([4])), '1 1 1 0', '0 1 0 0'],
  ['cast the integers [1, 256, 0] to bool', () => tf.where(tf.cast(tf.tensor([1, 256, 0], [3], 'int32'), 'bool'), tf.ones([3]), tf.zeros([3])), '1 1 0', '1 0 0'],
  ['logicalAnd of it and true', () => tf.where(tf.logicalAnd(tf.cast([0.25, 2, 256, 0], 'bool'), true), tf.ones([4]), tf.zeros([4])), '1 1 1 0', '0 0 0 0'],
  ['notEqual([0.25, 2, 256, 0], 0)', () => tf.where(tf.notEqual([0.25, 2, 256, 0], 0), tf.ones([4]), tf.zeros([4])), '1 1 1 0', '1 1 1 0'],
  ['log1p([1e-5, 1e-8])', () => tf.log1p([1e-5, 1e-8]), '0.00001000 1.000e-8', '0.00001001 0'],
  ['mean of 20,000,000 times 0.1', () => tf.mean(tf.fill([20_000_000], 0.1)), '0.1000', '0.1049'],
  ['dilation2d of [-1, -3, -2] by [0, 0, 0]', () => tf.dilation2d(signal([-1, -3, -2]), tf.zeros([3, 1, 1]), 1, 'same'), '-1 -1 -2', '1.175e-38 1.175e-38 1.175e-38'],
  ['maxPool of [NaN, 1, 2, 3] by 4', () => tf.maxPool(signal([NaN, 1, 2, 3]), [4, 1], 1, 'valid'), '3', '-Infinity'],
  ['maxPool of [0, 1, 2, 3] by 4', () => tf.maxPool(signal([0, 1, 2, 3]), [4, 1], 1, 'valid'), '3', '3'],
];
const shown = (value) => (Number.isInteger(value) || !Number.isFinite(value) ? String(value) : value.toPrecision(4));

async function main() {
  const seen = table.map(() => []);
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    await tf.ready();
    for (const [row, [, run]] of table.entries()) seen[row].push([...(await run().data())].map(shown).join(' '));
  }
  for (const [row, [what]] of table.entries()) console.log(`${what}: cpu ${seen[row][0]}; wasm ${seen[row][1]}`);
  process.exit(table.every(([, , cpu, wasm], row) => seen[row][0] === cpu && seen[row][1] === wasm) ? 0 : 1);
}
main();
JAVASCRIPT
node see.cjs
