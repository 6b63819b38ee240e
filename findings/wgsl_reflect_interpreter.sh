#!/usr/bin/env bash
# wgsl_reflect 1.6.0.
# WgslExec runs compute shaders in JavaScript, which is good for tests without a GPU, but parts of it are not WGSL: `&&` and `||` evaluate
# their right side always; a u32 is shifted right with its sign (0xffffffff >> 31 is 0xffffffff, not 1) and multiplied in doubles
# (0xffffffff * 0xffffffff is 0, not 1); a row times a matrix is computed as the matrix times a column; round(2.5) is 3 (WGSL: 2); u32(-1.5)
# and u32(5e9) wrap instead of clamping. No error is given. i32 arithmetic, structs and control flow, beside them, are right.
# One would expect what the standard says, or an error. Way round: a software adapter (Mesa llvmpipe, SwiftShader).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund wgsl_reflect@1.6.0
cat >see.mjs <<'JAVASCRIPT'
import { WgslExec, WgslParser } from 'wgsl_reflect/wgsl_reflect.module.js';

function run(expression, type = 'u32', before = '') {
  const shader = `@group(0) @binding(0) var<storage, read_write> out: array<${type}>;
fn count(calls: ptr<function, u32>) -> bool { *calls += 1u; return true; }
@compute @workgroup_size(1) fn main() { ${before} out[0] = ${expression}; }`;
  const out = { u32: new Uint32Array(1), i32: new Int32Array(1), f32: new Float32Array(1) }[type];
  new WgslExec(new WgslParser().parse(shader)).dispatchWorkgroups('main', 1, { 0: { 0: out } });
  return out[0];
}
const calls = (test) => run('calls', 'u32', `var calls = 0u; let both = ${test};`);
const table = [ // what, seen, by the standard, with this version
  ['calls of f in false && f()', calls('false && count(&calls)'), 0, 1],
  ['calls of f in true || f()', calls('true || count(&calls)'), 0, 1],
  ['0xffffffffu >> 31u', run('a >> 31u', 'u32', 'var a = 0xffffffffu;'), 1, 0xffffffff],
  ['0xffffffffu * 0xffffffffu', run('a * a', 'u32', 'var a = 0xffffffffu;'), 1, 0],
  ['(vec2f(1, 1) * mat2x2f(1, 2, 3, 4)).x', run('(v * m).x', 'f32', 'var v = vec2f(1, 1); var m = mat2x2f(1, 2, 3, 4);'), 3, 4],
  ['round(2.5)', run('round(a)', 'f32', 'var a = 2.5f;'), 2, 3],
  ['u32(-1.5f)', run('u32(a)', 'u32', 'var a = -1.5f;'), 0, 0xffffffff],
  ['u32(5e9f)', run('u32(a)', 'u32', 'var a = 5e9f;'), 0xffffff00 >>> 0, 705032704],
  ['2147483647 + 1', run('a + 1', 'i32', 'var a = 2147483647;'), -2147483648, -2147483648],
  ['-7 / 2', run('a / 2', 'i32', 'var a = -7;'), -3, -3],
];
for (const [what, seen, standard] of table) console.log(`${what}: ${seen}, by the standard ${standard}${seen === standard ? '' : '  <--'}`);
process.exit(table.every(([, seen, , known]) => seen === known) ? 0 : 1);
JAVASCRIPT
node see.mjs
