#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 (its dnn module, on the CPU), onnx 1.23.2, onnxruntime 1.32.0 (CPU).
# Activations that level off become infinite or NaN in OpenCV once an exponential in them overflows. Tanh of 45 and more is NaN where a vector
# register is full, and 1 in a short rest of the tensor, so that the same number has two answers in one tensor. Softplus is infinite from 89 on.
# LogSoftmax of [0, 10, 100, 150] begins with two -infinity in place of -150 and -140, and ReduceLogSumExp of them is infinity in place of 150.
# Sigmoid, Softmax, Mish and Erf come out well. Of Tanh, negative numbers do too. The older engine (ENGINE_CLASSIC) has the same Tanh.
# One would expect onnxruntime's numbers: loud samples go through Tanh to be limited. Way round: Clip to -20 and 20 before Tanh, and write
# x - max - log(sum(exp(x - max))) and Where(x > 20, x, Softplus(x)) into the model.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import cv2, numpy, onnxruntime
from onnx import parser


def answers(operator, numbers, show=slice(None)):
    """What OpenCV and onnxruntime answer, to four digits."""
    x = numpy.float32([numbers])
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> g (float[1,{x.size}] x) => (float[1,N] y) {{ y = {operator} (x) }}')
    model = model.SerializeToString()
    network = cv2.dnn.readNetFromONNX(numpy.frombuffer(model, numpy.uint8))
    network.setInput(x, "x")
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found = [numpy.ravel(y)[show] for y in (network.forward(["y"])[0], session.run(None, {"x": x})[0])]
    both = [[f"{number:.4g}" for number in y] for y in found]
    print(f"{operator}, {', '.join(f'{number:.4g}' for number in x[0][show])}: OpenCV {', '.join(both[0])}; onnxruntime {', '.join(both[1])}")
    return both


print("OpenCV", cv2.__version__)
levels = [-100, -45, 1, 20, 44, 45, 60, 100]
seen = [
    answers("Tanh", levels * 8 + [100], slice(56, 65)),
    answers("Softplus", [1, 20, 88, 89, 100, 1000] * 8, slice(6)),
    answers("LogSoftmax", [0, 10, 100, 150]),
    answers("ReduceLogSumExp <axes = [1]>", [0, 10, 100, 150]),
]
sys.exit(seen != [
    [["-1", "-1", "0.7616", "1", "1", "nan", "nan", "nan", "1"], ["-1", "-1", "0.7616", "1", "1", "1", "1", "1", "1"]],
    [["1.313", "20", "88", "inf", "inf", "inf"], ["1.313", "20", "88", "89", "100", "1000"]],
    [["-inf", "-inf", "-50", "0"], ["-150", "-140", "-50", "0"]],
    [["inf"], ["150"]],
])
PYTHON
