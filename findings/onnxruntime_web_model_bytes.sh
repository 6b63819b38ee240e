#!/usr/bin/env bash
# onnxruntime-web 1.30.0, and onnxruntime-node 1.30.0 to write the model (npm): one layer (y = x w + b) of a model in ORT's own format.
# With the session options use_ort_model_bytes_directly and use_ort_model_bytes_for_initializers, which save the copy of a large model's weights,
# the weights stay in the bytes of the model; onnxruntime-web gives those bytes back to the allocator once the session is made. The first run
# is right. As soon as another session is opened the same input gives other numbers, up to NaN, and no error.
# In C the caller keeps the bytes, as its documentation says; in JavaScript the copy belongs to the library, so that one would expect the
# library to keep it. Way round: leave use_ort_model_bytes_for_initializers out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-web@1.30.0 onnxruntime-node@1.30.0
cat >see.mjs <<'JAVASCRIPT'
import { readFileSync } from 'node:fs';
import * as node from 'onnxruntime-node';
import * as web from 'onnxruntime-web';

// y = x w + b, as an ONNX file: a few fields of protobuf are enough.
const size = 64;
const weights = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i));
const bias = Float32Array.from({ length: size }, (_, i) => i);
const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
const int = (field, n) => [...varint(field * 8), ...varint(n)];
const raw = (field, bytes) => [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
const text = (field, string) => raw(field, Buffer.from(string));
const value = (name) => {
  const shape = [1, size].flatMap((n) => raw(1, int(1, n)));
  return [...text(1, name), ...raw(2, raw(1, [...int(1, 1), ...raw(2, shape)]))];
};
const graph = [
  ...raw(1, [...text(1, 'x'), ...text(1, 'w'), ...text(2, 'product'), ...text(4, 'MatMul')]),
  ...raw(1, [...text(1, 'product'), ...text(1, 'b'), ...text(2, 'y'), ...text(4, 'Add')]),
  ...text(2, 'layer'),
  ...raw(5, [...int(1, size), ...int(1, size), ...int(2, 1), ...text(8, 'w'), ...raw(9, new Uint8Array(weights.buffer))]),
  ...raw(5, [...int(1, size), ...int(2, 1), ...text(8, 'b'), ...raw(9, new Uint8Array(bias.buffer))]),
  ...raw(11, value('x')),
  ...raw(12, value('y')),
];
const onnx = Uint8Array.from([...int(1, 8), ...raw(8, int(2, 17)), ...raw(7, graph)]);
await node.InferenceSession.create(onnx, { optimizedModelFilePath: 'model.ort', extra: { session: { save_model_format: 'ORT' } } });
const model = new Uint8Array(readFileSync('model.ort'));

web.env.wasm.numThreads = 1;
const x = new web.Tensor('float32', Float32Array.from({ length: size }, (_, i) => Math.cos(i)), [1, size]);
const expected = Array.from({ length: size }, (_, column) => x.data.reduce((sum, v, row) => sum + v * weights[row * size + column], bias[column]));
async function see(name, options) {
  const session = await web.InferenceSession.create(model, { executionProviders: ['wasm'], extra: { session: options } });
  const right = [];
  for (let others = 0; others < 3; others++) {
    const { y } = await session.run({ x });
    right.push(y.data.every((v, i) => Math.abs(v - expected[i]) < 1e-3));
    console.log(`${name}, ${others} sessions opened since: ${Array.from(y.data.slice(0, 3), (v) => v.toFixed(3))}, expected ${expected.slice(0, 3).map((v) => v.toFixed(3))}`);
    await web.InferenceSession.create(onnx);
  }
  return right.join();
}
const direct = { use_ort_model_bytes_directly: '1' };
const initializers = { ...direct, use_ort_model_bytes_for_initializers: '1' };
const kept = await see('bytes directly', direct);
const used = await see('for initializers', initializers);
const plain = await see('for initializers, disable_prepacking', { ...initializers, disable_prepacking: '1' });
process.exit(kept === 'true,true,true' && [used, plain].every((right) => right === 'true,false,false') ? 0 : 1);
JAVASCRIPT
node see.mjs
