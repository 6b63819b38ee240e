#!/usr/bin/env bash
# binaryen 132.0.0, wabt 1.0.39, Node, on x86-64.
# WebAssembly leaves sign and payload of a NaN that an operation makes to the engine. The processor answers 0/0 and sqrt(-1) with ffc00000
# and keeps the payload of a NaN that it multiplies; binaryen's optimiser computes constants with 7fc00000. So the same module gives other
# bytes after wasm-opt, at the same settings of everything else, and other signs: copysign of 1 by such a NaN is -1 before and 1 after.
# One would expect an optimiser to keep the bits that a program gave. Way round: replace NaN by one of its own kind before hashing bytes,
# and take no sign from it.
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo "needs an x86-64 processor"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund binaryen@132.0.0 wabt@1.0.39
cat >see.mjs <<'JAVASCRIPT'
import binaryen from 'binaryen';
import makeWabt from 'wabt';

const bits = (name, value) => `(func (export "${name}") (result i32) (i32.reinterpret_f32 ${value}))`;
const text = `(module
  ${bits('0/0', '(f32.div (f32.const 0) (f32.const 0))')}
  ${bits('sqrt(-1)', '(f32.sqrt (f32.const -1))')}
  ${bits('1 * nan:0x200001', '(f32.mul (f32.const 1) (f32.const nan:0x200001))')}
  ${bits('copysign(1, 0/0)', '(f32.copysign (f32.const 1) (f32.div (f32.const 0) (f32.const 0)))')}
  ${bits('nan:0x200001', '(f32.const nan:0x200001)')})`;
const bytes = new Uint8Array((await makeWabt()).parseWat('m.wat', text).toBinary({}).buffer);
const module = binaryen.readBinary(bytes);
module.optimize();

async function run(binary) {
  const { instance } = await WebAssembly.instantiate(binary);
  return Object.entries(instance.exports).map(([name, answer]) => [name, (answer() >>> 0).toString(16)]);
}
const before = await run(bytes);
const after = await run(module.emitBinary());
for (const [i, [name, seen]] of before.entries()) console.log(`${name}: ${seen}, after optimising ${after[i][1]}`);
const values = (answers) => answers.map(([, seen]) => seen).join();
const expected = values(before) === 'ffc00000,ffc00000,7fe00001,bf800000,7fa00001' && values(after) === '7fc00000,7fc00000,7fc00000,3f800000,7fa00001';
process.exit(expected ? 0 : 1);
JAVASCRIPT
node see.mjs
