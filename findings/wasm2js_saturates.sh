#!/usr/bin/env bash
# binaryen 132.0.0 (npm): `wasm2js`, which makes JavaScript of WebAssembly for where that cannot run, with --all-features and with -O3.
# i32.trunc_sat_f32_s and its kin stop at the largest and smallest integer. wasm2js writes `| 0` or `>>> 0` for them: a sample that is too loud
# wraps round (1e10 becomes 1410065408 for 2147483647), a little below zero becomes 4294967295 for 0, and nothing is reported. C, C++ and Rust
# compile each cast of a float with these instructions. A 64-bit integer is made a float by way of a double, and so rounded twice.
# All other float instructions that were tried (nearest, min and max of NaN and -0, copysign, u32) have the bits of WebAssembly.
# One would expect the same numbers, or a refusal, as for what it cannot translate. Way round: compare and select before the cast.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts binaryen@132.0.0
cat >casts.wat <<'TEXT'
(module
  (func (export "signed") (param f32) (result i32) (i32.trunc_sat_f32_s (local.get 0)))
  (func (export "unsigned") (param f64) (result i32) (i32.trunc_sat_f64_u (local.get 0)))
  (func (export "wide") (param i32 i32) (result f32)
    (f32.convert_i64_s (i64.or (i64.shl (i64.extend_i32_s (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1)))))
  (func (export "nearest") (param f32) (result f32) (f32.nearest (local.get 0)))
  (func (export "least") (param f32 f32) (result f32) (f32.min (local.get 0) (local.get 1)))
)
TEXT
tools=node_modules/binaryen/bin
node $tools/wasm-as --all-features casts.wat -o casts.wasm
node $tools/wasm2js --all-features casts.wat -o plain.js
node $tools/wasm2js --all-features -O3 casts.wat -o optimised.js
cat >see.mjs <<'JAVASCRIPT'
import { readFileSync } from 'node:fs';
import * as optimised from './optimised.js';
import * as plain from './plain.js';

const wasm = (await WebAssembly.instantiate(readFileSync('casts.wasm'))).instance.exports;
const calls = [
  ['signed', 1e10], ['signed', -1e10], ['signed', 32768.7], ['signed', NaN],
  ['unsigned', -1.5], ['unsigned', 2 ** 33 + 2], ['unsigned', 7.9],
  ['wide', 2 ** 24 + 1, 1], ['wide', 3, 0],
  ['nearest', 2.5], ['nearest', -0.5], ['least', 0, -0], ['least', 1, NaN],
];
const differs = [];
let same = true;
for (const [name, ...args] of calls) {
  const answers = [wasm, plain, optimised].map((module) => module[name](...args));
  console.log(`${name}(${args.map((x) => (Object.is(x, -0) ? '-0' : x))}): WebAssembly ${answers[0]}, wasm2js ${answers[1]}`);
  if (!Object.is(answers[0], answers[1])) differs.push(`${name} ${args[0]}`);
  same &&= Object.is(answers[1], answers[2]);
}
const expected = ['signed 10000000000', 'signed -10000000000', 'unsigned -1.5', 'unsigned 8589934594', 'wide 16777217'];
process.exit(same && JSON.stringify(differs) === JSON.stringify(expected) ? 0 : 1);
JAVASCRIPT
node see.mjs
