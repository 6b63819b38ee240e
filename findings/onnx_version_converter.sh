#!/usr/bin/env bash
# onnx 1.23.2 (version_converter), onnxruntime 1.32.0 (CPU).
# `convert_version` brings a model to another opset and says nothing of operators whose meaning changed in between. Resize of opset 10 takes
# position i / scale; from 11 on the default is half_pixel, (i + 0.5) / scale - 0.5, and the converter leaves it out: an envelope that a model
# of opset 10 upsamples by 4 comes 1.5 samples of the output later. By a third with "nearest", samples 1 4 7 are taken in place of 0 3 6.
# Hardmax was over all later axes together and becomes one over the last (Softmax from 12 to 13 is rewritten, and right). Softmax of opset 17
# brought down to 12 becomes one over all later axes: columns that summed to 1 sum to 0.03 and more.
# One would expect the same numbers, or an error; the checker passes each model. Way round: export again at the opset that is wanted, or set
# coordinate_transformation_mode="asymmetric" (and nearest_mode="floor") after the conversion, and compare.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy, onnx, onnxruntime
from onnx import parser, version_converter


def numbers(model, x):
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})[0].ravel().astype(float).round(3).tolist()


def compare(title, before, after, shape, body):
    count = int(numpy.prod(shape))
    x = numpy.arange(count, dtype=numpy.float32).reshape(shape)
    text = f'<ir_version: 8, opset_import: ["" : {before}]> g (float[{",".join(map(str, shape))}] x) => (float[] y) {body}'
    model = parser.parse_model(text)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    converted = version_converter.convert_version(model, after)
    onnx.checker.check_model(converted)
    seen = numbers(model, x), numbers(converted, x)
    print(f"{title}\n  opset {before}: {seen[0]}\n  opset {after}: {seen[1]}")
    return seen


scale = "<float[3] s = {1.0, 1.0, SCALE}>"
linear = compare("Resize, linear, by 4", 10, 17, (1, 1, 3), scale.replace("SCALE", "4.0") + ' { y = Resize <mode = "linear"> (x, s) }')
nearest = compare("Resize, nearest, by a third", 10, 17, (1, 1, 9), scale.replace("SCALE", "0.3334") + " { y = Resize (x, s) }")
hard = compare("Hardmax", 12, 13, (1, 2, 4), "{ y = Hardmax (x) }")
up = compare("Softmax, axis 1", 12, 13, (1, 2, 4), "{ y = Softmax <axis = 1> (x) }")
down = compare("Softmax, axis 1", 17, 12, (1, 2, 4), "{ y = Softmax <axis = 1> (x) }")
columns = [round(down[1][i] + down[1][i + 4], 2) for i in range(4)]
print("columns then sum to", columns)
sys.exit(not (
    linear[0][:9] == [i / 4 for i in range(9)] and linear[1][2:10] == [(i + 0.5) / 4 - 0.5 for i in range(2, 10)]
    and nearest == ([0, 3, 6], [1, 4, 7]) and hard == ([0] * 7 + [1], [0, 0, 0, 1] * 2)
    and up[0] == up[1] and down[0] == [0.018] * 4 + [0.982] * 4 and columns[0] == 0.03
))
PYTHON
