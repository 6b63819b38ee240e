#!/usr/bin/env bash
# typegpu 0.12.5.
# Functions written for TypeGPU run in JavaScript too, with its own vectors and `std`, which is good for tests and for simulations on the CPU.
# Some operators are other ones there than in the WGSL that the same function becomes: pack4x8unorm cuts off and wraps, so that 0.5 is byte 127,
# 0.1 is 25 and 1.005 is 0 (WGSL rounds and clamps: 128, 26 and 255); u32(5e9) is 705032704 and i32(3e9) is negative
# (WGSL clamps: 4294967040, 2147483520); a product of u32 vectors is made in doubles (0xffffffff * 0xffffffff is 0, not 1), and dot() of
# i32 vectors does not wrap at all. round, mod, half floats and products with matrices, beside them, are right.
# One would expect the standard's result or "not implemented", as ldexp says. Way round: run such a function on a GPU, clamp and round before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund typegpu@0.12.5
cat >see.mjs <<'JAVASCRIPT'
import * as d from 'typegpu/data';
import * as std from 'typegpu/std';

const bytes = (packed) => [0, 8, 16, 24].map((at) => (packed >>> at) & 255).join(' ');
const table = [ // what, seen, by the standard, with this version
  ['pack4x8unorm(0.5, 0.1, 1, 1.005)', bytes(std.pack4x8unorm(d.vec4f(0.5, 0.1, 1, 1.005))), '128 26 255 255', '127 25 255 0'],
  ['pack4x8unorm(0, 2, -0.1, 0.999)', bytes(std.pack4x8unorm(d.vec4f(0, 2, -0.1, 0.999))), '0 255 0 255', '0 254 231 254'],
  ['u32(5e9)', d.u32(5e9), 4294967040, 705032704],
  ['i32(3e9)', d.i32(3e9), 2147483520, -1294967296],
  ['vec2u(0xffffffff) * vec2u(0xffffffff)', std.mul(d.vec2u(0xffffffff), d.vec2u(0xffffffff)).x, 1, 0],
  ['dot(vec2i(65536, 1), vec2i(65536, 1))', std.dot(d.vec2i(65536, 1), d.vec2i(65536, 1)), 1, 4294967297],
  ['round(2.5)', std.round(2.5), 2, 2],
  ['-7 mod 3', std.mod(-7, 3), -1, -1],
  ['vec2f(1, 1) * mat2x2f(1, 2, 3, 4)', std.mul(d.vec2f(1, 1), d.mat2x2f(1, 2, 3, 4)).x, 3, 3],
  ['f16(1.0009277)', d.f16(1.0009277), 1.0009765625, 1.0009765625],
];
for (const [what, seen, standard] of table) console.log(`${what}: ${seen}, by the standard ${standard}${seen === standard ? '' : '  <--'}`);
process.exit(table.every(([, seen, , known]) => seen === known) ? 0 : 1);
JAVASCRIPT
node see.mjs
