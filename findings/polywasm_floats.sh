#!/usr/bin/env bash
# polywasm 0.2.0, wabt 1.0.39.
# polywasm runs WebAssembly where a browser has none, in Safari's Lockdown Mode for instance, by turning it into JavaScript. Its f32 are
# doubles there: a result is rounded when it leaves a function for JavaScript or goes to memory, and what comes in between is not. So
# (1e8 + 1) - 1e8 is 1 in place of 0, demoting and promoting 0.1 changes nothing, 1e30 squared and divided again does not overflow, 16777217
# goes through f32 unharmed, and 0.1 added up 100,000 times is 10000 in place of 9998.56. Compensated sums, and code that rounds by adding a
# large number, do not work. f32.nearest and f64.nearest are Math.round: 2.5 becomes 3 and 0.5 becomes 1, where WebAssembly rounds halves to
# even. Its README names traps and the bits of NaN as what differs, and the specification's core tests as what it runs.
# One would expect the bits of WebAssembly. Way round: store an f32 and load it again where its rounding matters.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund polywasm@0.2.0 wabt@1.0.39
cat >see.mjs <<'JAVASCRIPT'
import { WebAssembly as Polywasm } from 'polywasm';
import start from 'wabt';

const text = `(module
  (func (export "there and back") (param f32 f32) (result f32)
    (f32.sub (f32.add (local.get 0) (local.get 1)) (local.get 0)))
  (func (export "demote") (param f64) (result f64) (f64.promote_f32 (f32.demote_f64 (local.get 0))))
  (func (export "square and divide") (param f32) (result f32)
    (f32.div (f32.mul (local.get 0) (local.get 0)) (local.get 0)))
  (func (export "through f32") (param i32) (result i32) (i32.trunc_f32_s (f32.convert_i32_s (local.get 0))))
  (func (export "sum of tenths") (param i32) (result f32) (local f32)
    (loop $again
      (local.set 1 (f32.add (local.get 1) (f32.const 0.1)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 1))
  (func (export "nearest f32") (param f32) (result f32) (f32.nearest (local.get 0)))
  (func (export "nearest f64") (param f64) (result f64) (f64.nearest (local.get 0))))`;
const bytes = (await start()).parseWat('floats.wat', text).toBinary({}).buffer;
const [engine, polyfill] = await Promise.all([WebAssembly, Polywasm].map((one) => one.instantiate(bytes)));
const differ = [];
for (const [name, ...args] of [
  ['there and back', 1e8, 1], ['there and back', 1, 1], ['demote', 0.1], ['square and divide', 1e30], ['through f32', 16777217],
  ['sum of tenths', 100000], ['nearest f32', 2.5], ['nearest f32', 1.5], ['nearest f64', 0.5], ['nearest f64', -0.5],
]) {
  const [a, b] = [engine, polyfill].map(({ instance }) => instance.exports[name](...args));
  console.log(`${name} (${args.join(', ')}): WebAssembly ${a}, polywasm ${b}`);
  if (!Object.is(a, b)) differ.push(b);
}
process.exit(differ.map((number) => Number(number.toPrecision(8))).join() === '1,0.1,1e+30,16777217,10000,3,1' ? 0 : 1);
JAVASCRIPT
node see.mjs
