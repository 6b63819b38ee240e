#!/usr/bin/env bash
# onnx 1.23.2 (ReferenceEvaluator), onnxruntime 1.32.0 (CPU).
# The reference evaluator of ONNX takes `sequence_lens` and `clip` of LSTM and GRU and does nothing with them: a batch of sequences of 5 and 3
# steps is run over all the padding, so that the last state is that of the padding, and in reverse direction the short sequence is read from
# the padding on, wrong from its first step. One would expect what the specification says, as onnxruntime does it, or an error: the evaluator
# is there to compare with.
# Way round: compare with onnxruntime, or give the evaluator one sequence at a time, without padding.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy, onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

random = numpy.random.default_rng(1)
make = lambda *shape: random.standard_normal(shape).astype(numpy.float32)


def run(operator, gates, feed, **attributes):
    """All states, and the last one, of the reference evaluator and of onnxruntime."""
    feed = feed | {"w": make(1, gates * 4, 3), "r": make(1, gates * 4, 4)}
    names = ["x", "w", "r", "", "lens"] if "lens" in feed else ["x", "w", "r"]
    node = helper.make_node(operator, names, ["y", "last"], hidden_size=4, **attributes)
    kinds = {"float32": TensorProto.FLOAT, "int32": TensorProto.INT32}
    inputs = [helper.make_tensor_value_info(name, kinds[str(array.dtype)], array.shape) for name, array in feed.items()]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("y", "last")]
    model = helper.make_model(helper.make_graph([node], "g", inputs, outputs), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return ReferenceEvaluator(model).run(None, feed), session.run(None, feed)


close = lambda a, b: bool(numpy.allclose(a, b, atol=1e-5))
sound, lengths = make(5, 2, 3), numpy.int32([5, 3])
sound[3:, 1] = 9  # padding
seen = []
for operator, gates in (("LSTM", 4), ("GRU", 3)):
    for direction in ("forward", "reverse"):
        (states, last), (right, right_last) = run(operator, gates, {"x": sound, "lens": lengths}, direction=direction)
        answer = [close(states[:, 0, 0], right[:, 0, 0]), close(states[:3, 0, 1], right[:3, 0, 1]), close(last[0, 1], right_last[0, 1])]
        print(f"{operator} {direction}, lengths 5 and 3: long sequence as in onnxruntime {answer[0]}, short one {answer[1]}, its last state {answer[2]}")
        seen.append(answer)
loud = {"x": make(5, 2, 3) * 5}
for operator, gates, attributes in (("LSTM", 4, {}), ("LSTM", 4, {"clip": 0.5}), ("GRU", 3, {"clip": 0.5})):
    (_, last), (_, right) = run(operator, gates, loud, **attributes)
    print(f"{operator} {attributes}: last state as in onnxruntime {close(last, right)}")
    seen.append(close(last, right))
sys.exit(seen != [[True, True, False], [True, False, False], [True, True, False], [True, False, False], True, False, False])
PYTHON
