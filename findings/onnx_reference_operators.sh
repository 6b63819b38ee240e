#!/usr/bin/env bash
# onnx 1.23.2 (ReferenceEvaluator), onnxruntime 1.32.0 (CPU).
# Three operators of ONNX's own reference evaluator are not those of its specification. LRN normalises as many channels as the batch has
# examples, and passes the others through (onnx pull request 7805): of 4 channels in a batch of one, 3 stay as they were. Resize with
# align_corners and a scale whose product is not whole (6 samples by 1.7) ends before the last sample, 5.89 in place of 6. LogSoftmax of
# [1000, 0] is [0, -inf], as it takes the logarithm of a rounded softmax. One would expect the results of onnxruntime, 6 and -1000, since test
# data is made with this evaluator. Way round: compare with onnxruntime, and give Resize `sizes` in place of `scales`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy, onnx.parser, onnxruntime
from onnx.reference import ReferenceEvaluator


def run(title, shape, numbers, body):
    """What the reference evaluator and onnxruntime answer, in short."""
    array = numpy.float32(numbers).reshape(shape)
    kind = f"float[{','.join(map(str, shape))}]"
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : 21]> g ({kind} x) => (float[] y) {body}')
    model.graph.output[0].type.tensor_type.ClearField("shape")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    with numpy.errstate(all="ignore"):
        answers = ReferenceEvaluator(model).run(None, {"x": array})[0], session.run(None, {"x": array})[0]
    seen = [" ".join(f"{number:.2f}" for number in answer.ravel()) for answer in answers]
    print(f"{title}: reference {seen[0]}; onnxruntime {seen[1]}")
    return seen


local = "{ y = LRN <size = 3, alpha = 1.0, beta = 1.0, bias = 1.0> (x) }"
one = run("LRN, one example", (1, 4, 1, 1), [1, 2, 3, 4], local)
two = run("LRN, two examples", (2, 4, 1, 1), [1, 2, 3, 4] * 2, local)
aligned = 'Resize <mode = "linear", coordinate_transformation_mode = "align_corners">'
scales = run("6 samples by 1.7", (1, 1, 1, 6), range(1, 7), f"<float[4] s = {{1.0, 1.0, 1.0, 1.7}}> {{ y = {aligned} (x, , s) }}")
sizes = run("6 samples to 10", (1, 1, 1, 6), range(1, 7), f"<int64[4] s = {{1, 1, 1, 10}}> {{ y = {aligned} (x, , , s) }}")
logarithm = run("LogSoftmax", (1, 2), [1000, 0], "{ y = LogSoftmax (x) }")
sys.exit(not (
    one == ["0.38 2.00 3.00 4.00", "0.38 0.35 0.28 0.43"] and two == [" ".join([row] * 2) for row in ("0.38 0.35 3.00 4.00", one[1])]
    and scales[0].endswith(" 5.89") and scales[1].endswith(" 6.00") and sizes[0] == sizes[1] == scales[1]
    and logarithm == ["0.00 -inf", "0.00 -1000.00"]
))
PYTHON
