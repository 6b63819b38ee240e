#!/usr/bin/env bash
# webgpu 0.6.2 (Dawn); seen on Mesa 25.0.7 llvmpipe, whose Vulkan driver must be installed.
# Within one shader a number becomes one half float as a constant and another as a value. 1.0009277 lies 0.95 of a step above 1. As a constant
# Dawn cuts it off to 1, however it is written: 1.0009277h, f16(c), quantizeToF16(c), pack2x16float(c). Read from a buffer,
# quantizeToF16 gives the nearest half, 1.0009766, and so do the tools that make half weights: Float16Array, numpy, naga for constants.
# WGSL leaves the direction to the implementation; one would expect one answer from one. A table of filter taps or weights that is written
# into a shader as literals is nearer to zero, by half a step on average, than the same table uploaded.
# Way round: upload halves, or write literals that are halves already (Math.f16round, the exact decimal).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export XDG_RUNTIME_DIR=$folder
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund webgpu@0.6.2
cat >see.mjs <<'JAVASCRIPT'
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
const gpu = create([]);
const adapter = await gpu.requestAdapter();
if (!adapter?.features.has('shader-f16')) {
  console.error('needs a WebGPU adapter with shader-f16 (apt-get install mesa-vulkan-drivers)');
  process.exit(2);
}
const device = await adapter.requestDevice({ requiredFeatures: ['shader-f16'] });
const code = `enable f16;
@group(0) @binding(0) var<storage, read_write> out: array<f32>;
@group(0) @binding(1) var<storage> x: array<f32>;
@compute @workgroup_size(1) fn main() {
  out[0] = f32(1.0009277h);
  out[1] = f32(f16(1.0009277));
  out[2] = quantizeToF16(1.0009277);
  out[3] = unpack2x16float(pack2x16float(vec2f(1.0009277, 0.0))).x;
  out[4] = quantizeToF16(x[0]);
}`;
const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module: device.createShaderModule({ code }) } });
const make = (usage) => device.createBuffer({ size: 32, usage });
const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
const [out, x, read] = [make(STORAGE | COPY_SRC), make(STORAGE | COPY_DST), make(COPY_DST | MAP_READ)];
device.queue.writeBuffer(x, 0, new Float32Array([1.0009277]));
const entries = [out, x].map((buffer, binding) => ({ binding, resource: { buffer } }));
const encoder = device.createCommandEncoder();
const pass = encoder.beginComputePass();
pass.setPipeline(pipeline);
pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
pass.dispatchWorkgroups(1);
pass.end();
encoder.copyBufferToBuffer(out, read);
device.queue.submit([encoder.finish()]);
await read.mapAsync(GPUMapMode.READ);
const seen = [...new Float32Array(read.getMappedRange(), 0, 5)].map((value) => value.toFixed(7)).join(' ');
console.log(`1.0009277h, f16(c), quantizeToF16(c), pack2x16float(c), quantizeToF16(from a buffer):\n${seen}`);
process.exit(seen === '1.0000000 1.0000000 1.0000000 1.0000000 1.0009766' ? 0 : 1);
JAVASCRIPT
node see.mjs
