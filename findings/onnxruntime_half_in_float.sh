#!/usr/bin/env bash
# onnxruntime 1.32.0 (CPU, x86-64), onnx 1.23.2.
# A graph in float16 is computed in float32: the casts around operators that have no kernel for halves are taken out in pairs, with them a Cast
# to float16 that the model itself has, and with all optimisations disabled too. With h = half(x), a = h * h and b = a / h, 300 stays 300 though
# its square is infinite, and 70000, which is no half at all, stays 70000. Asked for as a second output, a is infinite, while b, that is a / h,
# is 300 in the same run. Only casts with nothing, or an Identity, between them do round. One would expect halves, as in onnx's reference
# evaluator and on a GPU: a model that was tried here can still overflow there.
# Way round: to look for overflow, make every intermediate an output and read those.
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo "needs an x86-64 processor"; exit 2; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy, onnx.parser, onnxruntime
from onnx.reference import ReferenceEvaluator

numbers = numpy.float32([1.0001, 300, 70000])


def run(title, outputs, body):
    """What onnxruntime, with all and with no optimisations, and the reference evaluator answer."""
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21]> g (float[3] x) => ({outputs}) {{ h = Cast <to = 10> (x) {body} }}')
    levels = onnxruntime.GraphOptimizationLevel
    seen = []
    for level in (levels.ORT_ENABLE_ALL, levels.ORT_DISABLE_ALL):
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = level
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        seen.append(session.run(None, {"x": numbers}))
    with numpy.errstate(all="ignore"):
        seen.append(ReferenceEvaluator(model).run(None, {"x": numbers}))
    seen = [[[f"{number:.5g}" for number in answer] for answer in answers] for answers in seen]
    for name, answers in zip(("onnxruntime", "without optimisations", "reference"), seen):
        print(f"{title}: {name} {answers}")
    return seen


ratio = "a = Mul (h, h) b = Div (a, h) y = Cast <to = 1> (b)"
one = run("h * h / h", "float[3] y", ratio)
two = run("h * h / h, h * h", "float[3] y, float16[3] a", ratio)
same = run("h", "float[3] y", "a = Identity (h) y = Cast <to = 1> (a)")
floats, halves = ["1.0001", "300", "70000"], ["1", "inf", "nan"]
squares = ["1", "inf", "inf"]
sys.exit(not (
    one == [[floats], [floats], [halves]] and two == [[floats, squares], [floats, squares], [halves, squares]]
    and same == [[["1", "300", "inf"]]] * 3
))
PYTHON
