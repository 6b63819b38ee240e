#!/usr/bin/env bash
# @huggingface/transformers 4.3.2 (npm): its Tensor, whose methods have the names of PyTorch's, and what they answer.
# norm(1) adds the values without their absolute, so that [-3, 4] has the norm 1, and normalize(1) leaves it as it is. layer_norm divides by
# std + eps in place of sqrt(var + eps): 0.99 for 0.30 at the values [0, 0.002]. Sums and means along an axis are kept in the type of the input:
# 300 times true is 44, and the mean of four million 0.1 is 0.096, while mean() without an axis is right. squeeze(-1) does
# nothing, transpose(1, 2) of three axes drops the first and answers zeros, interpolate_4d 'nearest' takes other neighbours. to('bool') of 0.5 is 0.
# Without Float16Array (Node 20) to('float16') makes 0 of 0.1: numbers are stored as if they were the bits.
# One would expect PyTorch's numbers, which the documentation of these methods points to, or an error.
# Way round: const data = tensor.data, and a loop of one's own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/transformers@4.3.2
cat >see.mjs <<'JAVASCRIPT'
import { interpolate_4d, layer_norm, Tensor } from '@huggingface/transformers';

const floats = (values, dims = [values.length]) => new Tensor('float32', Float32Array.from(values), dims);
const number = (tensor) => tensor.tolist().flat(3).map((value) => Number(Number(value).toFixed(3)));
const many = 2 ** 22;
const yes = new Tensor('bool', new Uint8Array(300).fill(1), [1, 300]);
const tenths = floats(new Float32Array(many).fill(0.1), [1, many]);
const seen = {
  'norm(1) of [-3, 4]': [number(floats([-3, 4], [1, 2]).norm(1, 1)), [1], [7]],
  'norm(3) of [-3, 4]': [number(floats([-3, 4], [1, 2]).norm(3, 1)), [3.332], [4.498]],
  'normalize(1) of [-3, 4]': [number(floats([-3, 4], [1, 2]).normalize(1, 1)), [-3, 4], [-0.429, 0.571]],
  'layer_norm of [0, 0.002]': [number(layer_norm(floats([0, 0.002], [1, 2]), [2])), [-0.99, 0.99], [-0.302, 0.302]],
  'sum of 300 true': [number(yes.sum(1)), [44], [300]],
  'mean of 4194304 times 0.1 along the axis': [number(tenths.mean(1)), [0.096], [0.1]],
  'dimensions of [2, 1] after squeeze(-1)': [floats([1, 2], [2, 1]).squeeze(-1).dims, [2, 1], [2]],
  'transpose(1, 2) of 1 to 6 as [1, 2, 3]': [number(floats([1, 2, 3, 4, 5, 6], [1, 2, 3]).transpose(1, 2)), [0, 0, 0, 0, 0, 0], [1, 4, 2, 5, 3, 6]],
  "interpolate_4d 'nearest' of 4 to 7": [number(await interpolate_4d(floats([0, 1, 2, 3], [1, 1, 1, 4]), { size: [1, 7], mode: 'nearest' })), [0, 0, 1, 1, 2, 3, 3], [0, 0, 1, 1, 2, 2, 3]],
  "to('bool') of [0.5, 256]": [number(floats([0.5, 256]).to('bool')), [0, 0], [1, 1]],
};
if (!globalThis.Float16Array) seen["to('float16') of [0.1, 2.5], the bits"] = [[...floats([0.1, 2.5]).to('float16').data], [0, 2], [0x2e66, 0x4100]];
let changed = false;
for (const [name, [got, before, torch]] of Object.entries(seen)) {
  console.log(`${name}: ${JSON.stringify(got)}, in PyTorch ${JSON.stringify(torch)}`);
  changed ||= JSON.stringify(got) !== JSON.stringify(before);
}
process.exit(changed ? 1 : 0);
JAVASCRIPT
node see.mjs
