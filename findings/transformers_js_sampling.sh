#!/usr/bin/env bash
# @huggingface/transformers 4.3.2 (npm): generate() with a model of one table, whose next token is always drawn from the probabilities
# 0.5, 0.2, 0.1, 0.08, 0.05, 0.04, 0.02, 0.01.
# temperature and top_k are heeded. top_p, min_p and typical_p are not: with the same seed the same 400 tokens come as without them, although
# top_p stands in the documented options. num_return_sequences 3 returns one sequence. Nothing is reported. A model's
# generation_config.json that asks for top_p is sampled from its whole tail here, and sounds or reads worse than in Python.
# One would expect top_p 0.6 to leave the first two tokens, as in Python, or an error. (TopPLogitsWarper is exported; calling it is an error.)
# Way round: top_k, or a LogitsProcessor of one's own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/transformers@4.3.2
mkdir -p model/onnx
cat >see.mjs <<'JAVASCRIPT'
import { writeFileSync } from 'node:fs';
import { AutoModelForCausalLM, env, random, Tensor } from '@huggingface/transformers';

// The model, as an ONNX file: a few fields of protobuf are enough.
const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >>> 7)]);
const int = (field, n) => [...varint(field * 8), ...varint(n)];
const raw = (field, bytes) => [...varint(field * 8 + 2), ...varint(bytes.length), ...bytes];
const text = (field, string) => raw(field, Buffer.from(string));
const FLOAT = 1;
const INT64 = 7;
const tensor = (name, dims, values) =>
  [...dims.flatMap((n) => int(1, n)), ...int(2, FLOAT), ...text(8, name), ...raw(9, new Uint8Array(Float32Array.from(values).buffer))];
const value = (name, type, dims) => {
  const shape = dims.flatMap((n) => raw(1, typeof n === 'number' ? int(1, n) : text(2, n)));
  return [...text(1, name), ...raw(2, raw(1, [...int(1, type), ...raw(2, shape)]))];
};
const node = (type, inputs, output, attribute = []) =>
  [...inputs.flatMap((name) => text(1, name)), ...text(2, output), ...text(4, type), ...attribute];
const along = (axis) => raw(5, [...text(1, 'axis'), ...int(3, axis), ...int(20, 2)]);
const probabilities = [0.5, 0.2, 0.1, 0.08, 0.05, 0.04, 0.02, 0.01];
const kinds = ['key', 'value'];
const graph = [
  ...raw(1, node('Gather', ['table', 'input_ids'], 'logits')),
  ...kinds.flatMap((kind) => raw(1, node('Concat', [`past_key_values.0.${kind}`, 'one'], `present.0.${kind}`, along(2)))),
  ...text(2, 'table'),
  ...raw(5, tensor('table', [8, 8], Array(8).fill(probabilities.map(Math.log)).flat())),
  ...raw(5, tensor('one', [1, 1, 1, 4], [0, 0, 0, 0])),
  ...raw(11, value('input_ids', INT64, ['batch', 'length'])),
  ...raw(11, value('attention_mask', INT64, ['batch', 'all'])),
  ...kinds.flatMap((kind) => raw(11, value(`past_key_values.0.${kind}`, FLOAT, ['batch', 1, 'past', 4]))),
  ...raw(12, value('logits', FLOAT, ['batch', 'length', 8])),
  ...kinds.flatMap((kind) => raw(12, value(`present.0.${kind}`, FLOAT, ['batch', 1, 'all', 4]))),
];
writeFileSync('model/onnx/model.onnx', Uint8Array.from([...int(1, 8), ...raw(8, int(2, 17)), ...raw(7, graph)]));
writeFileSync('model/config.json', '{"model_type":"gpt2","architectures":["GPT2LMHeadModel"],"n_layer":1,"n_head":1,"n_embd":4,"vocab_size":8}');
writeFileSync('model/generation_config.json', '{"pad_token_id":0}');

env.allowRemoteModels = false;
env.localModelPath = process.cwd();
const model = await AutoModelForCausalLM.from_pretrained('model', { dtype: 'fp32' });
const start = () => new Tensor('int64', BigInt64Array.of(1n), [1, 1]);
async function generate(options) {
  random.seed(1);
  const tokens = await model.generate({ input_ids: start(), attention_mask: start(), max_new_tokens: 400, ...options });
  return tokens.tolist().map((row) => row.slice(1).map(Number));
}
const counts = {};
for (const option of [{}, { top_k: 2 }, { temperature: 0.1 }, { top_p: 0.6 }, { min_p: 0.3 }, { typical_p: 0.3 }]) {
  const [row] = await generate({ do_sample: true, top_k: 0, ...option });
  counts[Object.keys(option)[0] ?? 'none'] = row.join('');
  console.log(`${JSON.stringify(option)}: how often each token came: ${probabilities.map((_, token) => row.filter((t) => t === token).length)}`);
}
const sequences = await generate({ do_sample: true, num_return_sequences: 3 });
console.log(`num_return_sequences 3: ${sequences.length} sequence`);
const ignored = ['top_p', 'min_p', 'typical_p'].every((name) => counts[name] === counts.none);
const heeded = !/[2-7]/.test(counts.top_k) && counts.temperature !== counts.none;
process.exit(ignored && heeded && sequences.length === 1 ? 0 : 1);
JAVASCRIPT
node see.mjs
