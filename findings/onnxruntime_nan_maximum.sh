#!/usr/bin/env bash
# onnxruntime 1.32.0 (CPU), onnx 1.23.2.
# ReduceMax, ReduceMin and ArgMax see a NaN only where it is the first number: the maximum of [NaN, 1, 3] is NaN, that of [1, NaN, 3] is 3.
# It depends on the axis too: of [[1, NaN], [2, 3]], rows give [1, 3], but columns give [2, NaN]. Max and Softmax of the same numbers
# give NaN, and so does onnx's reference evaluator for all. One would expect NaN everywhere, as numpy and PyTorch have it, or nowhere:
# a greedy decoder goes on with a token where its logits are broken. Way round: look for NaN with ReduceSum, or IsNaN, before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import numpy, onnx, onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

nan = float("nan")


def run(operator, numbers, kind=TensorProto.FLOAT, **attributes):
    """What onnxruntime and the reference evaluator answer."""
    array = numpy.array(numbers, numpy.float32)
    node = helper.make_node(operator, ["x"], ["y"], **attributes)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, array.shape)]
    graph = helper.make_graph([node], "g", inputs, [helper.make_tensor_value_info("y", kind, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answers = session.run(None, {"x": array})[0], ReferenceEvaluator(model).run(None, {"x": array})[0]
    seen, reference = (str(numpy.asarray(answer).tolist()) for answer in answers)
    print(f"{operator} {attributes.get('axes', '')} of {numbers}: onnxruntime {seen}, reference {reference}")
    return seen


largest = [run("ReduceMax", numbers, keepdims=0) for numbers in ([nan, 1, 3], [1, nan, 3], [1, 3, nan])]
smallest = [run("ReduceMin", numbers, keepdims=0) for numbers in ([nan, 1, 3], [1, nan, 3])]
place = [run("ArgMax", numbers, TensorProto.INT64, axis=0, keepdims=0) for numbers in ([nan, 1, 3], [1, nan, 3])]
axes = [run("ReduceMax", [[1, nan], [2, 3]], keepdims=0, axes=[axis]) for axis in (1, 0)]
softmax = run("Softmax", [1, nan, 3])
sys.exit(not (
    largest == ["nan", "3.0", "3.0"] and smallest == ["nan", "1.0"] and place == ["0", "2"]
    and axes == ["[1.0, 3.0]", "[2.0, nan]"] and softmax == "[nan, nan, nan]"
))
PYTHON
