#!/usr/bin/env bash
# onnxruntime-web 1.30.0, webgpu 0.6.2 (Dawn), onnx 1.23.2 to write the models; seen on Mesa 25.0.7 llvmpipe, whose Vulkan driver must be installed.
# Layers that give other numbers with "webgpu" than with "wasm" in the same package. Slice with a negative step begins at the last element,
# wherever it is told to begin: [5:2:-1] of 0 to 7 is 7 6 5 in place of 5 4 3. Pad that wraps at one end and cuts off at the other takes what
# was cut off. ReduceLogSumExp is infinity from 88.7 on and minus infinity below -103, since it sums exp(x) as it is.
# One would expect the numbers of "wasm", which are those of ONNX. Way round, shown: cut from the end first, [2:6] and then [::-1]; a slice
# before the Pad; the maximum taken out before ReduceLogSumExp.
# Node's Dawn takes no views of shared memory, in which onnxruntime-web keeps its numbers: the script copies them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export XDG_RUNTIME_DIR=$folder
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-web@1.30.0 webgpu@0.6.2
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnx==1.23.2 numpy==2.4.6
env/bin/python - <<'PYTHON'
import onnx
from onnx import parser


def ints(name, *numbers):
    return f"{name} = Constant <value_ints = [{', '.join(map(str, numbers))}]> ()\n"


def cut(start, end, step):
    return ints("start", start) + ints("end", end) + ints("axis", 0) + ints("step", step)


for name, layers in {
    "[5:2:-1]": cut(5, 2, -1) + "y = Slice (x, start, end, axis, step)",
    "[-2::-2]": cut(-2, -100, -2) + "y = Slice (x, start, end, axis, step)",
    "[3:6][::-1]": cut(3, 6, 1) + ints("last", -1) + ints("past", -100) + ints("back", -1)
    + "part = Slice (x, start, end, axis, step)\ny = Slice (part, last, past, axis, back)",
    "wrap 2 in front, without the last 3": ints("pads", 2, -3) + 'y = Pad <mode = "wrap"> (x, pads)',
    "[:-3] and wrap 2": cut(0, -3, 1) + ints("pads", 2, 0) + 'part = Slice (x, start, end, axis, step)\ny = Pad <mode = "wrap"> (part, pads)',
    "log of the sum of exp": ints("axis", 0) + "y = ReduceLogSumExp <keepdims = 1> (x, axis)",
    "the same, maximum first": ints("axis", 0) + "top = ReduceMax <keepdims = 1> (x, axis)\nlow = Sub (x, top)\n"
    "sum = ReduceLogSumExp <keepdims = 1> (low, axis)\ny = Add (sum, top)",
}.items():
    onnx.save(parser.parse_model(f'<ir_version: 10, opset_import: ["" : 20]> a (float[N] x) => (float[M] y) {{ {layers} }}'), f"{name}.onnx")
PYTHON
cat >see.mjs <<'JAVASCRIPT'
import { readFileSync } from 'node:fs';
import { create, globals } from 'webgpu';
import * as ort from 'onnxruntime-web/webgpu';

Object.assign(globalThis, globals);
const gpu = create([]);
Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
const write = GPUQueue.prototype.writeBuffer;
GPUQueue.prototype.writeBuffer = function (buffer, offset, data, ...rest) {
  return write.call(this, buffer, offset, data.buffer instanceof SharedArrayBuffer ? Uint8Array.from(data) : data, ...rest);
};
ort.env.wasm.numThreads = 1;

async function run(name, numbers, provider) {
  const session = await ort.InferenceSession.create(readFileSync(`${name}.onnx`), { executionProviders: [provider], logSeverityLevel: 3 });
  const { y } = await session.run({ x: new ort.Tensor('float32', numbers, [numbers.length]) });
  return Array.from(y.data, (number) => Number(number.toPrecision(5))).join(' ');
}

const count = [0, 1, 2, 3, 4, 5, 6, 7];
let right = true;
for (const [name, numbers, onGpu, inWasm] of [
  ['[5:2:-1]', count, '7 6 5', '5 4 3'],
  ['[-2::-2]', count, '7 5 3 1', '6 4 2 0'],
  ['[3:6][::-1]', count, '5 4 3', '5 4 3'],
  ['wrap 2 in front, without the last 3', count, '6 7 0 1 2 3 4', '3 4 0 1 2 3 4'],
  ['[:-3] and wrap 2', count, '3 4 0 1 2 3 4', '3 4 0 1 2 3 4'],
  ['log of the sum of exp', [80, 80], '80.693', '80.693'],
  ['log of the sum of exp', [90, 90], 'Infinity', '90.693'],
  ['log of the sum of exp', [-120, -120], '-Infinity', '-119.31'],
  ['the same, maximum first', [90, 90], '90.693', '90.693'],
]) {
  const [found, expected] = [await run(name, numbers, 'webgpu'), await run(name, numbers, 'wasm')];
  console.log(`${name} of ${numbers.join(' ')}: webgpu ${found}, wasm ${expected}`);
  right &&= found === onGpu && expected === inWasm;
}
process.exit(right ? 0 : 1);
JAVASCRIPT
node --liftoff-only see.mjs 2>&1 | grep -v '^Warning: max'
