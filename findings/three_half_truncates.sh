#!/usr/bin/env bash
# three 0.187.0, @petamoriken/float16 3.9.3 (a ponyfill of Float16Array).
# DataUtils.toHalfFloat of three, which fills half-float textures, cuts off the bits that do not fit, where Float16Array, GPUs and numpy round
# to the nearest: 1 + 1.9 / 2048 becomes 1, not 1 + 2 / 2048. Of random numbers half come out a step too near to zero, so that sums shrink,
# which rounding does not do. Infinity becomes 65504 (with a warning), as do numbers beyond it.
# One would expect the nearest half float, as `new Float16Array([x])` gives. Way round: Float16Array, where there is one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund three@0.187.0 @petamoriken/float16@3.9.3
cat >see.mjs <<'JAVASCRIPT'
import { f16round } from '@petamoriken/float16';
import { DataUtils } from 'three';

const byThree = (x) => DataUtils.fromHalfFloat(DataUtils.toHalfFloat(x));
const near = 1 + 1.9 / 2048;
console.log(`${near}: three ${byThree(near)}, Float16Array ${f16round(near)}`);
let [state, other, sum, three, rounded] = [1, 0, 0, 0, 0];
const count = 100_000;
for (let i = 0; i < count; i++) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  const x = Math.fround(state / 2 ** 32 + 2 ** -20);
  other += byThree(x) !== f16round(x);
  sum += x;
  three += byThree(x);
  rounded += f16round(x);
}
const parts = (value) => (((value - sum) / sum) * 1e6).toFixed(1);
console.log(`${count} numbers: ${other} differ; sum off by ${parts(three)} parts in a million in three, ${parts(rounded)} in Float16Array`);
const infinite = byThree(Infinity);
console.log(`Infinity: three ${infinite}, Float16Array ${f16round(Infinity)}`);
const half = Math.abs(other / count - 0.5) < 0.02 && Number(parts(three)) < -100 && Math.abs(Number(parts(rounded))) < 10;
process.exit(byThree(near) === 1 && f16round(near) === 1 + 2 / 2048 && half && infinite === 65504 ? 0 : 1);
JAVASCRIPT
node see.mjs
