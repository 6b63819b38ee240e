#!/usr/bin/env bash
# webgpu 0.6.2 (Dawn) and wgpu 0.32.0 (naga), both on Mesa 25.0.7 llvmpipe, whose Vulkan driver must be installed.
# What a rounded sum loses, b - ((a + b) - a), is 0 in a shader, whatever a and b: the driver takes (a + b) - a for b. With it go Kahan's sum
# (100,000,000 and a thousand times 1 stays 100,000,000), two-sum and double-single arithmetic, and rounding by adding and taking away
# 12582912, which gives 2.3 back. A bitcast to u32 and back between the steps is no barrier. Of constants the same lines are right.
# WGSL lets an implementation reassociate, so it is no fault; one would expect what C compilers do unless they are told to be fast, since the
# usual cure for sums in f32 is gone without a word.
# Way round: an exclusive or of the bits with a zero that comes from a buffer, integers, or partial sums.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export XDG_RUNTIME_DIR=$folder
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund webgpu@0.6.2
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check wgpu==0.32.0
cat >sums.wgsl <<'WGSL'
@group(0) @binding(0) var<storage, read_write> out: array<f32, 6>;
@group(0) @binding(1) var<storage> x: array<f32, 4>; // 1e8, 1, 2.3, 0

fn kahan(zero: u32, steps: u32) -> f32 {
  var sum = x[0];
  var lost = 0.0;
  for (var i = 0u; i < steps; i++) {
    let next = x[1] - lost;
    let total = bitcast<f32>(bitcast<u32>(sum + next) ^ zero);
    lost = (total - sum) - next;
    sum = total;
  }
  return sum;
}

@compute @workgroup_size(1) fn main() {
  let sum = x[0] + x[1];
  out[0] = x[1] - (sum - x[0]);
  const a = f32(1e8);
  const b = f32(1);
  const constant = a + b;
  out[1] = b - (constant - a);
  out[2] = (x[2] + 12582912.0) - 12582912.0;
  out[3] = kahan(0u, u32(x[1]) * 1000u);
  out[4] = kahan(bitcast<u32>(x[3]), u32(x[1]) * 1000u);
  let barrier = bitcast<f32>(bitcast<u32>(x[0] + x[1]) ^ bitcast<u32>(x[3]));
  out[5] = x[1] - (barrier - x[0]);
}
WGSL
cat >see.mjs <<'JAVASCRIPT'
import { readFileSync } from 'node:fs';
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
const gpu = create([]);
const adapter = await gpu.requestAdapter();
if (!adapter) {
  console.error('needs a WebGPU adapter (apt-get install mesa-vulkan-drivers)');
  process.exit(2);
}
const device = await adapter.requestDevice();
const module = device.createShaderModule({ code: readFileSync('sums.wgsl', 'utf8') });
const pipeline = device.createComputePipeline({ layout: 'auto', compute: { module } });
const make = (usage) => device.createBuffer({ size: 24, usage });
const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
const [out, x, read] = [make(STORAGE | COPY_SRC), make(STORAGE | COPY_DST), make(COPY_DST | MAP_READ)];
device.queue.writeBuffer(x, 0, new Float32Array([1e8, 1, 2.3, 0]));
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
console.log([...new Float32Array(read.getMappedRange())].map((value) => value.toFixed(1)).join(' '));
process.exit(0);
JAVASCRIPT
cat >see.py <<'PYTHON'
import array, wgpu

device = wgpu.gpu.request_adapter_sync().request_device_sync()
pipeline = device.create_compute_pipeline(layout="auto", compute={"module": device.create_shader_module(code=open("sums.wgsl").read())})
usage = wgpu.BufferUsage
out = device.create_buffer(size=24, usage=usage.STORAGE | usage.COPY_SRC)
x = device.create_buffer_with_data(data=array.array("f", [1e8, 1, 2.3, 0]), usage=usage.STORAGE)
entries = [{"binding": place, "resource": {"buffer": buffer}} for place, buffer in enumerate((out, x))]
encoder = device.create_command_encoder()
step = encoder.begin_compute_pass()
step.set_pipeline(pipeline)
step.set_bind_group(0, device.create_bind_group(layout=pipeline.get_bind_group_layout(0), entries=entries))
step.dispatch_workgroups(1)
step.end()
device.queue.submit([encoder.finish()])
print(*(f"{value:.1f}" for value in device.queue.read_buffer(out).cast("f")))
PYTHON
echo "lost by 1e8 + 1, the same of constants, 2.3 rounded, Kahan's sum, the same with a barrier, what is lost with a barrier"
dawn=$(node see.mjs)
naga=$(env/bin/python see.py)
echo "Dawn: $dawn"
echo "naga: $naga"
expected="0.0 1.0 2.3 100000000.0 100001000.0 1.0"
[ "$dawn" = "$expected" ] && [ "$naga" = "$expected" ]
