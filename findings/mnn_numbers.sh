#!/usr/bin/env bash
# MNN 3.6.1 (CPU), onnx 1.23.2, onnxruntime 1.32.0 (CPU).
# Four operators of ONNX compute something else once a model is converted to MNN, without a word. Round takes halves away from 0, 2.5 to 3 and
# 0.5 to 1, where ONNX takes them to even numbers: an audio codec with a rounding quantiser picks another level. Softplus is never above 87:
# 100 becomes 87. Exp holds its argument between -87 and 87: exp(88) is 6.1e37 in place of 1.7e38, exp(-100) 1.6e-38. Relu of -inf is NaN.
# One would expect onnxruntime's numbers. Way round: round outside the model, Where(x > 20, x, Softplus(x)), and Max(x, -1e30) before Relu.
# The command mnnconvert also installs a package for reports of its use, with the first pip of the PATH, so the script calls what lies under it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check MNN==3.6.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >see.py <<'PYTHON'
import sys
import _tools, numpy, onnx, onnxruntime
from MNN import expr, nn
from onnx import parser


def answers(operator, numbers):
    """What MNN and onnxruntime answer, to three digits."""
    x = numpy.float32([numbers])
    shape = f"float[1,{len(numbers)}]"
    model = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> g ({shape} x) => ({shape} y) {{ y = {operator} (x) }}')
    onnx.save(model, "model.onnx")
    _tools.mnnconvert("mnnconvert -f ONNX --modelFile model.onnx --MNNModel model.mnn --bizCode none".split())
    network = nn.load_module_from_file("model.mnn", ["x"], ["y"])
    found = network.forward([expr.const(x, list(x.shape), expr.NCHW)])[0].read()
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    both = [[f"{number:.3g}" for number in numpy.ravel(y)] for y in (found, session.run(None, {"x": x})[0])]
    print(f"seen: {operator} of {numbers}: MNN {', '.join(both[0])}; onnxruntime {', '.join(both[1])}", flush=True)
    return both


seen = [
    answers("Round", [0.5, 1.5, 2.5, -2.5]),
    answers("Softplus", [20, 87, 100, 1000]),
    answers("Exp", [10, 88, -100]),
    answers("Relu", [float("-inf"), float("inf"), -1]),
]
sys.exit(seen != [
    [["1", "2", "3", "-3"], ["0", "2", "2", "-2"]],
    [["20", "87", "87", "87"], ["20", "87", "100", "1e+03"]],
    [["2.2e+04", "6.08e+37", "1.65e-38"], ["2.2e+04", "1.65e+38", "3.78e-44"]],
    [["nan", "inf", "0"], ["0", "inf", "0"]],
])
PYTHON
env/bin/python -W ignore see.py | grep '^seen: '
