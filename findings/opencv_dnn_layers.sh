#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 (its dnn module, on the CPU), onnx 1.23.2, onnxruntime 1.32.0 (CPU).
# Layers of audio models that OpenCV reads from ONNX and computes as something else, without a word. A GRU with direction "reverse" is computed
# forward; the last state of a reversed LSTM is the one after the first frame it read; bidirectional ones are right. The LSTM's `clip` is ignored.
# ConvTranspose ignores auto_pad and output_shape: 3 frames by a stride of 2 become 5 and 9 samples in place of 6. Conv with auto_pad SAME_LOWER
# pads as with SAME_UPPER, so that a filter is one sample early. MatMul of [batch, 1, time, in] with constant weights [heads, in, out] takes
# other weights; where the weights come in as an input, it is right.
# One would expect onnxruntime's numbers, or an error. Way round: explicit pads and a Slice behind, "bidirectional" with one half thrown away,
# and constant weights of as many dimensions as the signal.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import cv2, numpy, onnxruntime
from onnx import numpy_helper, parser


def answers(what, call, x, constants, inputs=None, rank=3):
    """The first output of a layer in OpenCV and in onnxruntime."""
    inputs = {"x": numpy.float32(x), **(inputs or {})}
    shapes = ", ".join(f"float[{','.join(map(str, value.shape))}] {name}" for name, value in inputs.items())
    sizes = ",".join("KLMN"[:rank])
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> g ({shapes}) => (float[{sizes}] y) {{ {call} }}')
    model.graph.initializer.extend(numpy_helper.from_array(value, name) for name, value in constants.items())
    model = model.SerializeToString()
    network = cv2.dnn.readNetFromONNX(numpy.frombuffer(model, numpy.uint8))
    for name, value in inputs.items():
        network.setInput(value, name)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    both = [[round(float(number), 2) + 0 for number in numpy.ravel(y)] for y in (network.forward(["y"])[0], session.run(None, inputs)[0])]
    print(f"{what}: OpenCV {both[0]}; onnxruntime {both[1]}")
    return both


def recurrent(kind, gates, attributes):
    """The last state of one recurrent unit, with a weight of 1 everywhere."""
    sides = 2 if "bidirectional" in attributes else 1
    weights = {name: numpy.ones((sides, gates, 1), numpy.float32) for name in "wr"}
    return answers(f"{kind}, {attributes}", f"_, y = {kind} <hidden_size = 1, {attributes}> (x, w, r)", frames, weights)


print("OpenCV", cv2.__version__)
frames = numpy.float32([-1, 0.5, 2]).reshape(3, 1, 1)
impulse = numpy.float32([[[1, 0, 0]]])
kernel = {"w": numpy.float32([[[1, 2, 3, 4]]])}
ramp = numpy.float32([[[1, 2, 3, 4]]])
batch = numpy.arange(4, dtype=numpy.float32).reshape(2, 1, 1, 2)
heads = {"w": numpy.arange(6, dtype=numpy.float32).reshape(3, 2, 1)}
seen = [
    recurrent("LSTM", 4, 'direction = "forward"'),
    recurrent("LSTM", 4, 'direction = "reverse"'),
    recurrent("LSTM", 4, 'direction = "bidirectional"'),
    recurrent("GRU", 3, 'direction = "reverse"'),
    recurrent("GRU", 3, 'direction = "bidirectional"'),
    recurrent("LSTM", 4, "clip = 0.5"),
    answers("ConvTranspose, SAME_UPPER", 'y = ConvTranspose <strides = [2], auto_pad = "SAME_UPPER"> (x, w)', impulse, kernel),
    answers("ConvTranspose, output_shape 6", "y = ConvTranspose <strides = [2], output_shape = [6]> (x, w)", impulse, kernel),
    answers("Conv, SAME_LOWER", 'y = Conv <auto_pad = "SAME_LOWER"> (x, w)', ramp, {"w": numpy.float32([[[1, 0]]])}),
    answers("MatMul with constant heads", "y = MatMul (x, w)", batch, heads, rank=4),
    answers("MatMul with heads as input", "y = MatMul (x, w)", batch, {}, heads, 4),
]
sys.exit(seen != [
    [[0.67], [0.67]],
    [[0.61], [0.14]],
    [[0.67, 0.14], [0.67, 0.14]],
    [[0], [-0.41]],
    [[0, -0.41], [0, -0.41]],
    [[0.67], [0.22]],
    [[2, 3, 4, 0, 0], [2, 3, 4, 0, 0, 0]],
    [[1, 2, 3, 4, 0, 0, 0, 0, 0], [2, 3, 4, 0, 0, 0]],
    [[1, 2, 3, 4], [0, 1, 2, 3]],
    [[1, 2, 3, 3, 8, 13], [1, 3, 5, 3, 13, 23]],
    [[1, 3, 5, 3, 13, 23], [1, 3, 5, 3, 13, 23]],
])
PYTHON
