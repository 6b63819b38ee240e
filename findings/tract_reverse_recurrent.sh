#!/usr/bin/env bash
# tract 0.23.9 (Sonos' ONNX engine in Rust, from Python), onnx 1.23.2, onnxruntime 1.32.0.
# LSTM, GRU and RNN with direction "reverse" are computed forward, without a word: the result is that of the same node without the attribute.
# "bidirectional" is right, its second half is the one that "reverse" should give. `clip` of the three is ignored too, and a ConvTranspose with
# `output_shape` takes all that is too much from the end, so that its sound is one or two samples late.
# One would expect what the operators' specification says and onnxruntime does, or an error for what is not supported, which tract gives for
# sequence_lens.
# Way round: Slice with a step of -1 before and behind a forward node; pads in place of output_shape.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check tract==0.23.9 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import numpy, onnx, onnxruntime, tract
from onnx import helper, numpy_helper

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
HIDDEN = 4


def both(kind, x, shape, weights, **attributes):
    """What onnxruntime and tract make of one node."""
    names = ["x", *weights]
    graph = helper.make_graph(
        [helper.make_node(kind, names, ["y"], **attributes)],
        "graph",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, list(shape))],
        [numpy_helper.from_array(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, "model.onnx")
    there = onnxruntime.InferenceSession("model.onnx", providers=["CPUExecutionProvider"]).run(None, {"x": x})[0]
    here = tract.onnx().load("model.onnx").into_model().into_runnable().run([x])[0].to_numpy()
    return there, numpy.array(here)


def recurrent(kind, directions=1, **attributes):
    source = numpy.random.default_rng(2)
    gates = GATES[kind] * HIDDEN
    shapes = {"w": (2, gates, 3), "r": (2, gates, HIDDEN), "b": (2, 2 * gates)}
    weights = {name: source.standard_normal(shape, dtype=numpy.float32)[:directions] for name, shape in shapes.items()}
    x = source.standard_normal((6, 1, 3), dtype=numpy.float32)
    return both(kind, x, (6, directions, 1, HIDDEN), weights, hidden_size=HIDDEN, **attributes)


far = lambda a, b: float(numpy.abs(a - b).max())
fine = True
for kind in GATES:
    forward, reverse = recurrent(kind, direction="forward"), recurrent(kind, direction="reverse")
    pair, clipped = recurrent(kind, 2, direction="bidirectional"), recurrent(kind, clip=0.1)
    print(
        f"{kind}: tract is off by {far(*forward):.0e} forward, {far(*reverse):.2f} in reverse, {far(*pair):.0e} in both, {far(*clipped):.2f} with clip; "
        f"its reverse differs from its forward by {far(reverse[1], forward[1]):.0e}"
    )
    fine &= max(far(*forward), far(*pair)) < 1e-5 and far(*reverse) > 0.1 and far(*clipped) > 0.1 and far(reverse[1], forward[1]) == 0
click = numpy.zeros((1, 1, 8), numpy.float32)
click[0, 0, 4] = 1
kernel = {"k": numpy.float32([[[1, 2, 3, 2, 1]]])}
at = [out[0, 0].argmax().item() for out in both("ConvTranspose", click, (1, 1, 16), kernel, strides=[2], output_shape=[16])]
print(f"a click through a ConvTranspose to 16 samples: at {at[0]} in onnxruntime, at {at[1]} in tract")
sys.exit(not (fine and at == [8, 10]))
PYTHON
