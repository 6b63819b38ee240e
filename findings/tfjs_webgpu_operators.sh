#!/usr/bin/env bash
# @tensorflow/tfjs-core, tfjs-backend-webgpu and tfjs-backend-cpu 4.22.0, webgpu 0.6.2 (Dawn). Seen on Mesa 25.0.7 llvmpipe, whose Vulkan driver
# must be installed.
# Numbers of the backend "webgpu" that differ from those of "cpu", for tensors of 1000 numbers and more (smaller ones it leaves to the CPU).
# A reversed cumsum is right for the length that is run first and stays at that length: the shader is kept under a name without the length.
# Transposing whole numbers or booleans with three axes or more gives other numbers, as their shader is not valid WGSL; so do sum, max and any
# along any axis but the last, which transpose first, and of whole numbers cast to float32 until true floats went the same way.
# Whole numbers go through float32: 16777217 equals 16777216, and 5 to the power of 3 is 124.
# One would expect the numbers of "cpu", or an error: WebGPU's error only goes to the console. Way round, shown: reverse, cumsum, reverse;
# tensors made of a Float32Array.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export XDG_RUNTIME_DIR=$folder
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @tensorflow/tfjs-core@4.22.0 @tensorflow/tfjs-backend-webgpu@4.22.0 \
  @tensorflow/tfjs-backend-cpu@4.22.0 webgpu@0.6.2
cat >see.cjs <<'JAVASCRIPT'
async function see() {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals, { self: globalThis });
  Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
  const tf = require('@tensorflow/tfjs-core');
  require('@tensorflow/tfjs-backend-cpu');
  require('@tensorflow/tfjs-backend-webgpu');

  const ones = (length) => tf.ones([length]);
  const whole = (value) => tf.fill([2000], value, 'int32');
  const counted = () => tf.tensor(Int32Array.from({ length: 2400 }, (_, i) => i % 7), [20, 30, 4], 'int32');
  const marked = () => tf.tensor(Uint8Array.from({ length: 2400 }, (_, i) => i % 5 === 0), [20, 30, 4], 'bool');
  const floats = () => tf.tensor(Float32Array.from({ length: 2400 }, (_, i) => i % 7), [20, 30, 4]);
  const cases = [
    ['reversed cumsum of 2000 ones', true, () => tf.cumsum(ones(2000), 0, false, true)],
    ['reversed cumsum of 3000 ones', false, () => tf.cumsum(ones(3000), 0, false, true)],
    ['reverse, cumsum, reverse', true, () => tf.reverse(tf.cumsum(tf.reverse(ones(3000), 0), 0), 0)],
    ['transposed whole numbers', false, () => tf.transpose(counted(), [2, 0, 1])],
    ['transposed booleans', false, () => tf.transpose(marked(), [2, 0, 1])],
    ['sum of whole numbers, first axis', false, () => tf.sum(counted(), 0)],
    ['sum of whole numbers, last axis', true, () => tf.sum(counted(), 2)],
    ['sum of them cast to float32, first axis', false, () => tf.sum(tf.cast(counted(), 'float32'), 0)],
    ['sum of the same made as floats, first axis', true, () => tf.sum(floats(), 0)],
    ['sum of them cast to float32, once more', true, () => tf.sum(tf.cast(counted(), 'float32'), 0)],
    ['any of booleans, middle axis', false, () => tf.any(marked(), 1)],
    ['16777217 + 0', false, () => tf.add(whole(16777217), whole(0))],
    ['16777217 equals 16777216', false, () => tf.equal(whole(16777217), whole(16777216))],
    ['5 to the power of 3', false, () => tf.pow(whole(5), whole(3))],
  ];
  const answers = {};
  for (const backend of ['webgpu', 'cpu']) {
    await tf.setBackend(backend);
    answers[backend] = [];
    for (const [, , run] of cases) answers[backend].push(Array.from(await run().data()));
  }
  let right = true;
  for (const [i, [name, same]] of cases.entries()) {
    const [gpu, cpu] = [answers.webgpu[i], answers.cpu[i]];
    console.log(`${name}: webgpu ${gpu.slice(0, 4).join(' ')} …, cpu ${cpu.slice(0, 4).join(' ')} …`);
    right &&= gpu.every((value, at) => value === cpu[at]) === same;
  }
  process.exit(right ? 0 : 1);
}
see();
JAVASCRIPT
node see.cjs 2>/dev/null | grep ': webgpu '
