#!/usr/bin/env bash
# bun 1.4.5 (JavaScriptCore) and node 22.23.3 (V8) from npm, wabt 1.0.39, on x86-64.
# In Bun, relaxed_trunc_f32x4_s(NaN) is -2147483648 in a fresh program and 0 once the function was compiled again by the optimising
# compiler; of 3e9 -2147483648, then 2147483647; relaxed_laneselect with mask 0x0f between 255 and 0 is 0, then 15. Node keeps its answers.
# relaxed_madd is fused in Node and rounded twice in Bun. One would expect differences between engines, which the standard allows, but
# the standard fixes the choice for the whole of an execution: the same call cannot answer otherwise later.
# Way round: masks of whole lanes, numbers that fit, and no use of the last bit of a relaxed_madd.
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo "needs an x86-64 processor"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund bun@1.4.5 node@22.23.3 wabt@1.0.39
cat >make.mjs <<'JAVASCRIPT'
import { writeFileSync } from 'node:fs';
import wabt from 'wabt';

const text = `(module
  (func (export "trunc") (param f32) (result i32)
    (i32x4.extract_lane 0 (i32x4.relaxed_trunc_f32x4_s (f32x4.splat (local.get 0)))))
  (func (export "select") (result i32)
    (i8x16.extract_lane_u 0 (i8x16.relaxed_laneselect (i8x16.splat (i32.const 255)) (i8x16.splat (i32.const 0)) (i8x16.splat (i32.const 15)))))
  (func (export "madd") (param f32 f32 f32) (result f32)
    (f32x4.extract_lane 0 (f32x4.relaxed_madd (f32x4.splat (local.get 0)) (f32x4.splat (local.get 1)) (f32x4.splat (local.get 2))))))`;
writeFileSync('m.wasm', (await wabt()).parseWat('m.wat', text, { relaxed_simd: true, simd: true }).toBinary({}).buffer);
JAVASCRIPT
cat >see.mjs <<'JAVASCRIPT'
import { readFileSync } from 'node:fs';

const { instance } = await WebAssembly.instantiate(readFileSync('m.wasm'));
const { trunc, select, madd } = instance.exports;
const answers = () => [trunc(NaN), trunc(3e9), select(), madd(1 + 2 ** -12, 1 + 2 ** -12, -1 - 2 ** -11) === 0 ? 'rounded' : 'fused'].join(' ');
const first = answers();
for (let i = 0; i < 200_000; i++) trunc(1), select(), madd(1, 1, 1);
console.log(`${first} | ${answers()}`);
JAVASCRIPT
node make.mjs
in_bun=$(node_modules/.bin/bun see.mjs)
in_node=$(node_modules/.bin/node see.mjs)
echo "at first: trunc(NaN), trunc(3e9), select, madd | after 200,000 calls"
echo "bun:  $in_bun"
echo "node: $in_node"
[ "$in_bun" = "-2147483648 -2147483648 0 rounded | 0 2147483647 15 rounded" ] && [ "$in_node" = "-2147483648 -2147483648 0 fused | -2147483648 -2147483648 0 fused" ]
