"""One decode step of MusicGen's decoder as ONNX, for bench/musicgen_step.ts: batch 2 (condition and none), keys and values are given.

    node tools/run.mjs tools/full_size.ts musicgen-small FOLDER
    python tools/musicgen_onnx.py FOLDER OUT          # pip install onnx onnxruntime numpy safetensors sympy

Writes OUT/f32/model.onnx and OUT/int8/model.onnx (weights as bytes, a scale a column, by onnxruntime's own quantize_dynamic), weights
within. The graph is what an export gives, in the newest ops (LayerNormalization, Gelu), which is in ONNX Runtime's favour.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import safe_open

folder, out = Path(sys.argv[1]), Path(sys.argv[2])
config = json.loads((folder / 'config.json').read_text())['decoder']
width, heads, layers = config['hidden_size'], config['num_attention_heads'], config['num_hidden_layers']
books, vocab = config['num_codebooks'], config['vocab_size']
head = width // heads

file = safe_open(folder / 'model.safetensors', 'np')
nodes, initializers, inputs, outputs = [], [], [], []


def constant(name: str, value: np.ndarray) -> str:
    kind = helper.np_dtype_to_tensor_dtype(value.dtype)
    initializers.append(helper.make_tensor(name, kind, value.shape, value.tobytes(), raw=True))
    return name


def op(kind: str, *ins: str, name: str, **attributes) -> str:
    nodes.append(helper.make_node(kind, list(ins), [name], name=name, **attributes))
    return name


def weight(name: str) -> np.ndarray:
    return file.get_tensor(f'decoder.{name}')


def linear(x: str, name: str, to: str) -> str:
    return op('MatMul', x, constant(f'{name}.weight', weight(f'{name}.weight').T), name=to)


def norm(x: str, name: str, to: str) -> str:
    parts = [constant(f'{name}.{part}', weight(f'{name}.{part}')) for part in ('weight', 'bias')]
    return op('LayerNormalization', x, *parts, name=to, axis=-1, epsilon=1e-5)


def given(name: str, kind: int, shape: list) -> str:
    inputs.append(helper.make_tensor_value_info(name, kind, shape))
    return name


def attend(q: str, k: str, v: str, to: str) -> str:
    scaled = op('Mul', q, 'scale', name=f'{to}.scaled')
    scores = op('MatMul', scaled, op('Transpose', k, name=f'{to}.kt', perm=[0, 1, 3, 2]), name=f'{to}.scores')
    weighted = op('MatMul', op('Softmax', scores, name=f'{to}.softmax', axis=-1), v, name=f'{to}.weighted')
    return op('Reshape', op('Transpose', weighted, name=f'{to}.turned', perm=[0, 2, 1, 3]), 'flat', name=to)


def split(x: str, to: str) -> str:
    return op('Transpose', op('Reshape', x, 'split', name=f'{to}.parts'), name=to, perm=[0, 2, 1, 3])


constant('scale', np.array(head**-0.5, np.float32))
constant('flat', np.array([2, 1, width], np.int64))
constant('split', np.array([2, 1, heads, head], np.int64))
x = given('position', TensorProto.FLOAT, [1, 1, width])
ids = given('ids', TensorProto.INT64, [books, 2, 1])
for book in range(books):
    one = op('Gather', ids, constant(f'book{book}', np.array(book, np.int64)), name=f'ids{book}', axis=0)
    table = constant(f'embed{book}', weight(f'model.decoder.embed_tokens.{book}.weight'))
    x = op('Add', x, op('Gather', table, one, name=f'embedded{book}'), name=f'sum{book}')
for layer in range(layers):
    own = f'model.decoder.layers.{layer}'
    past = [given(f'{part}{layer}', TensorProto.FLOAT, [2, heads, 'past', head]) for part in 'kv']
    words = [given(f'text_{part}{layer}', TensorProto.FLOAT, [2, heads, 'words', head]) for part in 'kv']
    y = norm(x, f'{own}.self_attn_layer_norm', f'l{layer}.n1')
    q, k, v = [split(linear(y, f'{own}.self_attn.{part}_proj', f'l{layer}.{part}'), f'l{layer}.{part}h') for part in 'qkv']
    kv = []
    for before, new, part in zip(past, (k, v), 'kv', strict=True):
        kv.append(op('Concat', before, new, name=f'new_{part}{layer}', axis=2))
        outputs.append(helper.make_tensor_value_info(kv[-1], TensorProto.FLOAT, [2, heads, 'keys', head]))
    a = linear(attend(q, *kv, f'l{layer}.a'), f'{own}.self_attn.out_proj', f'l{layer}.o')
    x = op('Add', x, a, name=f'l{layer}.x1')
    y = norm(x, f'{own}.encoder_attn_layer_norm', f'l{layer}.n2')
    q = split(linear(y, f'{own}.encoder_attn.q_proj', f'l{layer}.cq'), f'l{layer}.cqh')
    a = linear(attend(q, *words, f'l{layer}.c'), f'{own}.encoder_attn.out_proj', f'l{layer}.co')
    x = op('Add', x, a, name=f'l{layer}.x2')
    y = linear(norm(x, f'{own}.final_layer_norm', f'l{layer}.n3'), f'{own}.fc1', f'l{layer}.f1')
    x = op('Add', x, linear(op('Gelu', y, name=f'l{layer}.gelu'), f'{own}.fc2', f'l{layer}.f2'), name=f'l{layer}.x3')
y = norm(x, 'model.decoder.layer_norm', 'last')
every = np.concatenate([weight(f'lm_heads.{book}.weight') for book in range(books)])
op('MatMul', y, constant('heads', every.T), name='logits')
outputs.insert(0, helper.make_tensor_value_info('logits', TensorProto.FLOAT, [2, 1, books * vocab]))

graph = helper.make_graph(nodes, 'musicgen step', inputs, outputs, initializers)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 20)], ir_version=9)
for name in ('f32', 'int8'):
    (out / name).mkdir(parents=True, exist_ok=True)
large = out / 'f32' / 'model.onnx'
onnx.save(model, large)
small = out / 'int8' / 'model.onnx'
quantize_dynamic(large, small, weight_type=QuantType.QInt8, per_channel=True, op_types_to_quantize=['MatMul'])
for name in ('f32', 'int8'):
    print(name, sum(f.stat().st_size for f in (out / name).iterdir()) / 1e6, 'MB')
