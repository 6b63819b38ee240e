#!/usr/bin/env bash
# onnxruntime 1.32.0 (CPU), onnx 1.23.2.
# `Unique` lets a NaN swallow other numbers. At the start it takes them all: of [NaN, 5, 5, 7] there is one value, NaN, four times, and of
# [NaN, 3, 1] too. Later it is dropped and counted as a number that was there: of [3, 1, NaN, 3] the values are [1, 3], and the third place
# points at 1, of [3, NaN, 1, 3] at 3. So the answer depends on the order, and values[inverse] is not the input, which is what `inverse` is for.
# One would expect one NaN beside the numbers, as numpy and onnx's reference evaluator have it.
# Way round: put a number that does not occur in place of NaN, before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import numpy, onnx.parser, onnxruntime

nan = float("nan")
model = onnx.parser.parse_model(
    '<ir_version: 10, opset_import: ["" : 17]> g (float[N] x) => (float[M] y, int64[M] first, int64[N] inverse, int64[M] counts)'
    "{ y, first, inverse, counts = Unique <sorted = 1> (x) }"
)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
seen = []
for numbers in ([nan, 5, 5, 7], [nan, 3, 1], [3, 1, nan, 3], [3, nan, 1, 3]):
    values, _, inverse, counts = session.run(None, {"x": numpy.float32(numbers)})
    print(f"{numbers}: values {values.tolist()}, counts {counts.tolist()}, values[inverse] {values[inverse].tolist()}; numpy {numpy.unique(numbers).tolist()}")
    seen.append(str((values.tolist(), counts.tolist(), values[inverse].tolist())))
expected = [([nan], [4], [nan] * 4), ([nan], [3], [nan] * 3), ([1.0, 3.0], [2, 2], [3.0, 1.0, 1.0, 3.0]), ([1.0, 3.0], [1, 3], [3.0, 3.0, 1.0, 3.0])]
sys.exit(seen != [str(answer) for answer in expected])
PYTHON
