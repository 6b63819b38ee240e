#!/usr/bin/env bash
# binaryen 132.0.0, against wabt 1.0.39.
# In the text of a WebAssembly module `f32.const` holds a decimal or hexadecimal number, which the specification rounds once, to the nearest
# 32-bit float. binaryen rounds it to 64 bits first and then to 32: 1.0000000596046448, which lies above the middle of 1 and the next
# float and is what Python and JavaScript print for 1 + 2 ** -24, becomes 1, 0x1.000001000000001p0 too, 7.006492321624086e-46 becomes 0, and
# 3.4028235677973366e+38 becomes Infinity, where the largest float is meant. wabt has the nearest float each time.
# One would expect wasm-as and wat2wasm to make the same module: tables written as 17 digits, and tests of rounding, differ by a bit.
# Way round: round in the program that writes the text (Math.fround, numpy.float32) and print that.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund binaryen@132.0.0 wabt@1.0.39
cat >see.mjs <<'JAVASCRIPT'
import binaryen from 'binaryen';
import makeWabt from 'wabt';

const wabt = await makeWabt();
const run = (bytes) => new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.f();
const seen = ['1.0000000596046448', '0x1.000001000000001p0', '7.006492321624086e-46', '3.4028235677973366e+38', '0.1'].map((number) => {
  const text = `(module (func (export "f") (result f32) (f32.const ${number})))`;
  const values = [run(wabt.parseWat('f', text).toBinary({}).buffer), run(binaryen.parseText(text).emitBinary())];
  console.log(`f32.const ${number}: wabt ${values[0]}, binaryen ${values[1]}`);
  return values.join();
});
const one = Math.fround(1 + 2 ** -23);
const expected = [[one, 1], [one, 1], [2 ** -149, 0], [Math.fround(3.4028234e38), Infinity], [Math.fround(0.1), Math.fround(0.1)]];
process.exit(seen.join(' ') === expected.join(' ') ? 0 : 1);
JAVASCRIPT
node see.mjs
