#!/usr/bin/env bash
# webgpu 0.6.2 (Dawn), wgpu 0.32.0 (wgpu-native with naga); seen on Mesa 25.0.7 llvmpipe, whose Vulkan driver must be installed.
# With a NaN from a buffer, `x != x` is false, and `x == x` is false as well: the usual test for NaN never finds one, in Dawn and in naga.
# `x - x` is 0 for NaN and for infinity, so that `x - x == 0` calls both finite. `!(abs(x) <= 3.4028234e38)` does find NaN here, and bits do
# everywhere.
# One would expect IEEE 754: WGSL's f32 has infinities and NaN, but lets an implementation assume that there are none, which this driver uses.
# Way round: (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u, on the words of the buffer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export XDG_RUNTIME_DIR=$folder
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund webgpu@0.6.2
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check wgpu==0.32.0
cat >nan.wgsl <<'WGSL'
@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@group(0) @binding(1) var<storage> x: array<f32>; // NaN, infinity
@compute @workgroup_size(1) fn main() {
  let nan = x[0];
  let inf = x[1];
  out[0] = u32(nan != nan);
  out[1] = u32(nan == nan);
  out[2] = u32(nan - nan == 0.0);
  out[3] = u32(inf - inf == 0.0);
  out[4] = u32(abs(nan) < inf);
  out[5] = u32(!(abs(nan) <= 3.4028234e38));
  out[6] = u32((bitcast<u32>(nan) & 0x7fffffffu) > 0x7f800000u);
}
WGSL
cat >see.mjs <<'JAVASCRIPT'
import { readFileSync } from 'node:fs';
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
const gpu = create([]);
const adapter = await gpu.requestAdapter();
if (!adapter) process.exit(2);
const device = await adapter.requestDevice();
const code = readFileSync('nan.wgsl', 'utf8');
const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module: device.createShaderModule({ code }) } });
const make = (usage) => device.createBuffer({ size: 32, usage });
const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
const [out, x, read] = [make(STORAGE | COPY_SRC), make(STORAGE | COPY_DST), make(COPY_DST | MAP_READ)];
device.queue.writeBuffer(x, 0, new Uint32Array([0x7fc00000, 0x7f800000]));
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
console.log([...new Uint32Array(read.getMappedRange(), 0, 7)].join(' '));
process.exit(0);
JAVASCRIPT
cat >see.py <<'PYTHON'
import struct
import wgpu

device = wgpu.gpu.request_adapter_sync().request_device_sync()
usage = wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC
out = device.create_buffer(size=32, usage=usage)
x = device.create_buffer_with_data(data=struct.pack("<2I", 0x7FC00000, 0x7F800000), usage=usage)
module = device.create_shader_module(code=open("nan.wgsl").read())
pipeline = device.create_compute_pipeline(layout="auto", compute={"module": module, "entry_point": "main"})
entries = [{"binding": i, "resource": {"buffer": buffer}} for i, buffer in enumerate((out, x))]
encoder = device.create_command_encoder()
run = encoder.begin_compute_pass()
run.set_pipeline(pipeline)
run.set_bind_group(0, device.create_bind_group(layout=pipeline.get_bind_group_layout(0), entries=entries))
run.dispatch_workgroups(1)
run.end()
device.queue.submit([encoder.finish()])
print(*struct.unpack("<8I", device.queue.read_buffer(out))[:7])
PYTHON
dawn=$(node see.mjs 2>/dev/null) || { echo "needs a WebGPU adapter (apt-get install mesa-vulkan-drivers)"; exit 2; }
naga=$(env/bin/python see.py 2>/dev/null)
echo "nan != nan, nan == nan, nan - nan == 0, inf - inf == 0, abs(nan) < inf, !(abs(nan) <= largest), by bits"
echo "Dawn: $dawn"
echo "naga: $naga"
[ "$dawn" = "0 0 1 1 0 1 1" ] && [ "$naga" = "0 0 1 1 0 1 1" ]
