#!/usr/bin/env bash
# openvino 2026.4.1 (CPU, x86-64), onnx 1.23.2, onnxruntime 1.32.0.
# On OpenVINO a NaN is gone after many a layer, and so is infinity: Relu(NaN) is 0, Celu 0, HardSigmoid 1, Exp infinity, the largest of
# [NaN, 1] is 1, and the largest of [-inf, -inf] is -3.4e38. Elu, Sigmoid, Tanh, Gelu and Softplus keep a NaN. onnxruntime gives NaN for all of
# them, and -inf. One would expect the same of OpenVINO, as of IEEE 754: a network with one broken weight makes plain silence here, and a check
# of the output for NaN passes. Way round: look for NaN before the first Relu, or in the weights.
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo "needs an x86-64 processor"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy, onnx.parser, onnxruntime, openvino

core = openvino.Core()
nan, infinity = float("nan"), float("inf")


def run(numbers, body):
    """The first number that OpenVINO and onnxruntime answer."""
    x = numpy.float32(numbers)
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21]> g (float[{x.size}] x) => (float[] y) {body}')
    model.graph.output[0].type.tensor_type.ClearField("shape")
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    compiled = core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    seen = [f"{float(answer.ravel()[0]):.4g}" for answer in (compiled({"x": x})[0], session.run(None, {"x": x})[0])]
    print(f"{body} of {numbers}: openvino {seen[0]}, onnxruntime {seen[1]}")
    return seen


changed = {operator: run([nan, 1], f"{{ y = {operator} (x) }}") for operator in ("Relu", "Celu", "HardSigmoid", "Exp")}
kept = [run([nan, 1], f"{{ y = {operator} (x) }}") for operator in ("Elu", "Sigmoid", "Tanh", "Gelu", "Softplus")]
largest = run([nan, 1], "<int64[1] axes = {0}> { y = ReduceMax (x, axes) }")
lowest = run([-infinity, -infinity], "<int64[1] axes = {0}> { y = ReduceMax (x, axes) }")
sys.exit(not (
    changed == {"Relu": ["0", "nan"], "Celu": ["0", "nan"], "HardSigmoid": ["1", "nan"], "Exp": ["inf", "nan"]}
    and kept == [["nan", "nan"]] * 5 and largest == ["1", "nan"] and lowest == ["-3.403e+38", "-inf"]
))
PYTHON
