#!/usr/bin/env bash
# wgpu 0.32.0 (naga) and webgpu 0.6.2 (Dawn); seen on Mesa 25.0.7 llvmpipe, whose Vulkan driver must be installed.
# WGSL marks most built-in functions @const: a `const`, the size of an array or a `const_assert` may be made of them. Of the 32 calls below naga
# takes 7 there and refuses 25, "Not implemented as constant expression": bitcast, with which a constant is written by its bits, mix, modf,
# transpose, quantizeToF16, all that pack and unpack. mix and smoothstep of literals are refused in a `let` as well. Dawn takes all of them.
# One would expect a shader that runs in Chrome to run in Firefox, whose WGSL is naga's; it fails when it is loaded there.
# Way round: `let` in a function, with the type on the literals of mix (1.0f), or the number itself.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export XDG_RUNTIME_DIR=$folder
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund webgpu@0.6.2
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check wgpu==0.32.0
cat >expressions <<'TEXT'
bitcast<f32>(0x3f800000u)
mix(1.0, 3.0, 0.25)
smoothstep(0.0, 1.0, 0.25)
extractBits(0xff00u, 8u, 4u)
insertBits(0u, 1u, 4u, 4u)
ldexp(1.5, 3i)
frexp(6.0).fract
modf(1.25).fract
transpose(mat2x2f(1.0, 2.0, 3.0, 4.0))[0].y
determinant(mat2x2f(1.0, 2.0, 3.0, 4.0))
reflect(vec2f(1.0, -1.0), vec2f(0.0, 1.0)).y
refract(vec2f(0.6, -0.8), vec2f(0.0, 1.0), 0.5).y
faceForward(vec2f(1.0, -1.0), vec2f(0.0, 1.0), vec2f(0.0, 1.0)).y
quantizeToF16(0.5)
pack2x16float(vec2f(1.0, 0.5))
pack2x16snorm(vec2f(1.0, 0.5))
pack2x16unorm(vec2f(1.0, 0.5))
pack4x8snorm(vec4f(1.0))
pack4x8unorm(vec4f(1.0))
pack4xI8(vec4i(1))
pack4xU8Clamp(vec4u(300))
unpack2x16float(0x3c00u).x
unpack2x16snorm(0x7fffu).x
unpack4x8unorm(0xffu).x
unpack4xU8(0xffu).x
clamp(3.0, 0.0, 1.0)
select(1.0, 2.0, true)
dot4U8Packed(1u, 1u)
countOneBits(255u)
sqrt(2.0)
round(2.5)
length(vec2f(3.0, 4.0))
TEXT
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
for (const expression of readFileSync('expressions', 'utf8').trim().split('\n')) {
  device.pushErrorScope('validation');
  device.createShaderModule({ code: `const c = ${expression};` });
  console.log(`${expression.split(/[<(]/)[0]}: ${(await device.popErrorScope()) ? 'refused' : 'taken'}`);
}
process.exit(0);
JAVASCRIPT
cat >see.py <<'PYTHON'
import wgpu

device = wgpu.gpu.request_adapter_sync().request_device_sync()
for expression in open("expressions").read().split("\n")[:-1]:
    outcome = []
    for code in (f"const c = {expression};", f"fn f() {{ let c = {expression}; }}"):
        try:
            device.create_shader_module(code=code)
            outcome.append("taken")
        except wgpu.GPUValidationError as error:
            outcome.append("not implemented" if "Not implemented as constant expression" in str(error) else "refused")
    print(f"{expression.split('<')[0].split('(')[0]}: const {outcome[0]}, let {outcome[1]}")
PYTHON
node see.mjs 2>/dev/null >dawn
env/bin/python see.py | tee naga
counts="$(grep -c taken dawn) $(grep -c 'const taken' naga) $(grep -c 'const not implemented' naga) $(grep -c 'let taken' naga)"
echo "of 32: Dawn takes, naga takes, naga has not implemented, naga takes in let: $counts"
[ "$counts" = "32 7 25 30" ]
