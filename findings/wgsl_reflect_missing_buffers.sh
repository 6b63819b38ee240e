#!/usr/bin/env bash
# wgsl_reflect 1.6.0.
# entry.resources tells which bindings an entry point uses, to make a bind group layout of it. A buffer that is read only in the selector of a
# `switch`, or only in `break if`, is not in that list, so that the layout lacks a binding and WebGPU refuses the pipeline; if, while, for, calls
# and pointers are followed well. And valid lines are refused: `@binding(1 + 1)`, `@workgroup_size(N * 32)` and `@id(N + 5)` ("Expected ')'"),
# a comma after the value of an attribute, and const_assert in a function.
# One would expect each of those, as WGSL has constant expressions in attributes. webgpu-utils has this parser in it.
# Way round: read such a buffer into a `let` first, and give expressions a name: `const B = 1 + 1; @binding(B)` is read well.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund wgsl_reflect@1.6.0
cat >see.mjs <<'JAVASCRIPT'
import { WgslReflect } from 'wgsl_reflect/wgsl_reflect.module.js';

const before = `const N = 2; const B = 1 + 1;
@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@group(0) @binding(1) var<storage> mode: array<u32>;
fn twice(x: u32) -> u32 { return 2 * x; }
`;
const bodies = { // of a function that uses both buffers
  if: 'if mode[0] > 1 { out[0] = 1; }',
  while: 'while out[0] < mode[0] { out[0] += 1; }',
  for: 'for (var i = 0u; i < mode[0]; i++) { out[i] = 1; }',
  call: 'out[0] = twice(mode[0]);',
  pointer: 'let p = &mode; out[0] = (*p)[0];',
  switch: 'switch mode[0] { case 1: { out[0] = 1; } default: { out[0] = 2; } }',
  'let and switch': 'let chosen = mode[0]; switch chosen { case 1: { out[0] = 1; } default: { out[0] = 2; } }',
  'break if': 'loop { out[0] += 1; continuing { break if out[0] > mode[0]; } }',
};
const lines = {
  '@binding(B)': '@group(0) @binding(B) var<uniform> u: vec4f;',
  '@binding(1 + 1)': '@group(0) @binding(1 + 1) var<uniform> u: vec4f;',
  '@binding(2,)': '@group(0) @binding(2,) var<uniform> u: vec4f;',
  '@workgroup_size(N * 32)': '@compute @workgroup_size(N * 32) fn other() {}',
  '@id(N + 5)': '@id(N + 5) override level = 1.0;',
  'const_assert N == 2': 'fn checked() { const_assert N == 2; }',
};
function outcome(code, show) {
  try {
    return show(new WgslReflect(before + code));
  } catch (error) {
    return `refused (${error.message})`;
  }
}
const seen = {};
for (const [name, body] of Object.entries(bodies))
  seen[name] = outcome(`@compute @workgroup_size(1) fn main() { ${body} }`, ({ entry }) => entry.compute[0].resources.map((used) => used.name).sort().join(' '));
for (const [name, line] of Object.entries(lines)) seen[name] = outcome(line, () => 'read').replace(/ \(.*/, '');
for (const [name, what] of Object.entries(seen)) console.log(`${name}: ${what}`);
const missing = Object.keys(bodies).filter((name) => seen[name] === 'out');
const right = Object.keys(bodies).filter((name) => seen[name] === 'mode out');
const refused = Object.keys(lines).filter((name) => seen[name] === 'refused');
const known = missing.join() === 'switch,break if' && right.length === 6 && refused.length === 5 && seen['@binding(B)'] === 'read';
process.exit(known ? 0 : 1);
JAVASCRIPT
node see.mjs
