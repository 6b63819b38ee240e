#!/usr/bin/env bash
# onnxoptimizer 0.4.2, onnx 1.23.2, onnxruntime 1.32.0 (CPU, itself without optimisations).
# Two of the fusions that optimize() does by default change what a model computes. Zeros that Pad lays around a signal become the padding of a
# MaxPool behind it, which is of minus infinity: where the signal is below 0 at its end, the maximum with the 0 beside it was 0 and becomes
# negative. And of two Reshape in a row only the second is left, whose 0, "keep this dimension", then means the dimension of another shape:
# (2, 2, 12) becomes (1, 2, 24). The second model still passes the checker. AveragePool and Conv behind Pad are fused rightly.
# One would expect the same numbers in the same shape. Way round: optimize(model, passes) without fuse_pad_into_pool and
# eliminate_consecutive_idempotent_ops; or onnxsim or onnxslim, which have the same numbers here.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check \
  onnxoptimizer==0.4.2 onnxsim==0.8.1 onnxslim==0.1.98 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >see.py <<'PYTHON'
import sys
import numpy, onnx, onnxoptimizer, onnxruntime, onnxsim, onnxslim
from onnx import parser

WRONG = ("fuse_pad_into_pool", "eliminate_consecutive_idempotent_ops")
PASSES = [name for name in onnxoptimizer.get_fuse_and_elimination_passes() if name not in WRONG]
TOOLS = {
    "as it was": lambda model: model,
    "onnxoptimizer": onnxoptimizer.optimize,
    "without two passes": lambda model: onnxoptimizer.optimize(model, PASSES),
    "onnxsim": lambda model: onnxsim.simplify(model)[0],
    "onnxslim": onnxslim.slim,
}
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL


def answers(title, shape, body, out):
    text = f'<ir_version: 8, opset_import: ["" : 17]> g (float[{shape}] x) => (float[{out}] y) {body}'
    sizes = [int(size) for size in shape.split(",")]
    x = -numpy.arange(1, 1 + numpy.prod(sizes), dtype=numpy.float32).reshape(sizes)
    seen = []
    for name, tool in TOOLS.items():
        model = tool(parser.parse_model(text))
        onnx.checker.check_model(model)
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        y = session.run(None, {"x": x})[0]
        print(f"{title}, {name}: {y.shape} {y.ravel()[:6].tolist()}")
        seen.append((y.shape, y.ravel()[:6].tolist()))
    return seen


pads = "p = Constant <value = int64[6] {0, 0, 1, 0, 0, 1}> () q = Pad (x, p)"
highest = answers("Pad, MaxPool", "1,1,4", f"{{ {pads} y = MaxPool <kernel_shape = [2]> (q) }}", "1,1,5")
mean = answers("Pad, AveragePool", "1,1,4", f"{{ {pads} y = AveragePool <kernel_shape = [2]> (q) }}", "1,1,5")
first, second = "a = Constant <value = int64[3] {2, -1, 6}> ()", "b = Constant <value = int64[3] {0, 2, -1}> ()"
shapes = answers("Reshape, Reshape", "1,2,4,6", f"{{ {first} {second} t = Reshape (x, a) y = Reshape (t, b) }}", "2,2,12")
plain, optimised = [0, -1, -2, -3, 0], [-1, -1, -2, -3, -4]
sys.exit(not (
    [found[1] for found in highest] == [plain, optimised, plain, plain, plain] and all(found == mean[0] for found in mean)
    and [found[0] for found in shapes] == [(2, 2, 12), (1, 2, 24), (2, 2, 12), (2, 2, 12), (2, 2, 12)]
))
PYTHON
env/bin/python -W ignore see.py 2>/dev/null
