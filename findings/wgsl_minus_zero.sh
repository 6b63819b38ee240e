#!/usr/bin/env bash
# webgpu 0.6.2 (Dawn), wgpu 0.32.0 (wgpu-native with naga); seen on Mesa 25.0.7 llvmpipe, whose Vulkan driver must be installed.
# -0.0 written in a shader is +0 in Dawn: bitcast<u32>(-0.0) is 0, in naga 0x80000000, though both take the sign of a zero from a buffer
# (-x, x * -1.0). So a mask of signs made as bitcast<u32>(-0.0) does nothing in Chrome, and a start of -0.0 for a sum or a maximum is another
# in Firefox. WGSL allows it: an implementation may ignore the sign of a zero. One would expect IEEE 754, which numpy, C and GLSL have here.
# Way round: 0x80000000u for the mask, bitcast<f32> of a value from a buffer for the number.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export XDG_RUNTIME_DIR=$folder
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund webgpu@0.6.2
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check wgpu==0.32.0
cat >zero.wgsl <<'WGSL'
@group(0) @binding(0) var<storage, read_write> out: array<u32>;
@group(0) @binding(1) var<storage> x: array<f32>;
fn start() -> f32 { return -0.0; }
@compute @workgroup_size(1) fn main() {
  out[0] = bitcast<u32>(-0.0);
  out[1] = bitcast<u32>(0.0 * -1.0);
  out[2] = bitcast<u32>(vec2f(-0.0, 1.0).x);
  out[3] = bitcast<u32>(start());
  out[4] = bitcast<u32>(-x[0]);
  out[5] = bitcast<u32>(x[0] * -1.0);
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
const code = readFileSync('zero.wgsl', 'utf8');
const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module: device.createShaderModule({ code }) } });
const make = (usage) => device.createBuffer({ size: 32, usage });
const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
const [out, x, read] = [make(STORAGE | COPY_SRC), make(STORAGE), make(COPY_DST | MAP_READ)]; // x is zeros
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
console.log([...new Uint32Array(read.getMappedRange(), 0, 6)].map((value) => value.toString(16)).join(' '));
process.exit(0);
JAVASCRIPT
cat >see.py <<'PYTHON'
import struct
import wgpu

device = wgpu.gpu.request_adapter_sync().request_device_sync()
out, x = (device.create_buffer(size=32, usage=wgpu.BufferUsage.STORAGE | wgpu.BufferUsage.COPY_SRC) for _ in range(2))
module = device.create_shader_module(code=open("zero.wgsl").read())
pipeline = device.create_compute_pipeline(layout="auto", compute={"module": module, "entry_point": "main"})
entries = [{"binding": i, "resource": {"buffer": buffer}} for i, buffer in enumerate((out, x))]
encoder = device.create_command_encoder()
run = encoder.begin_compute_pass()
run.set_pipeline(pipeline)
run.set_bind_group(0, device.create_bind_group(layout=pipeline.get_bind_group_layout(0), entries=entries))
run.dispatch_workgroups(1)
run.end()
device.queue.submit([encoder.finish()])
print(*(f"{value:x}" for value in struct.unpack("<8I", device.queue.read_buffer(out))[:6]))
PYTHON
dawn=$(node see.mjs 2>/dev/null) || { echo "needs a WebGPU adapter (apt-get install mesa-vulkan-drivers)"; exit 2; }
naga=$(env/bin/python see.py 2>/dev/null)
echo "bits of -0.0, 0.0 * -1.0, vec2f(-0.0, 1.0).x, -0.0 from a function; of -x, x * -1.0 with x = 0 from a buffer"
echo "Dawn: $dawn"
echo "naga: $naga"
[ "$dawn" = "0 0 0 0 80000000 80000000" ] && [ "$naga" = "80000000 80000000 80000000 80000000 80000000 80000000" ]
