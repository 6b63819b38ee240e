#!/usr/bin/env bash
# onnxconverter-common 1.16.0, onnxruntime 1.32.0 (CPU, and its own copy of the converter), onnx 1.23.2.
# convert_float_to_float16 keeps constants between 1e-7 and 1e4 in size, though half floats go from 6e-8 to 65504. A model that brings samples
# to 16 bits with a factor of 32768, as features of Kaldi need it, multiplies by 10000 afterwards: 0.1 becomes 1000 in place of 3277, 10 dB too
# quiet. What is smaller than 1e-7 is made larger: 1e-12 becomes 1.2e-7, not 0, and 3e-8 four times what it was. Infinities stay, though its
# warning says that they become 10000. The copy of the same function in onnxruntime.transformers has the bounds of half floats.
# One would expect each constant to be rounded to the half that is nearest. Way round: max_finite_val=65504, min_positive_val=5.96e-8; tiny
# constants are still not rounded to 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnxconverter-common==1.16.0 onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy, onnx, onnxruntime
from onnx import numpy_helper, parser
from onnxconverter_common import float16
from onnxruntime.transformers import float16 as its_own


def model(constants):
    size = len(constants)
    body = f"g (float[{size}] x) => (float[{size}] y) <float[1] c = {{0.0}}> {{ y = Mul (x, c) }}"
    made = parser.parse_model(f'<ir_version: 8, opset_import: ["" : 17]> {body}')
    made.graph.initializer[0].CopyFrom(numpy_helper.from_array(numpy.float32(constants), "c"))
    return made


def constants_of(converted):
    return [float(f"{number:.2g}") for number in numpy_helper.to_array(converted.graph.initializer[0]).astype(float)]


def louder(converted):
    """What 0.1 times 32768 is."""
    session = onnxruntime.InferenceSession(converted.SerializeToString(), providers=["CPUExecutionProvider"])
    return round(float(session.run(None, {"x": numpy.full(1, 0.1, numpy.float16)})[0][0]))


NUMBERS = [32768, -60000, numpy.inf, 0.1, 3e-8, 1e-12, 0]
seen = {}
for name, convert in (
    ("onnxconverter-common", float16.convert_float_to_float16),
    ("with the bounds of half floats", lambda m: float16.convert_float_to_float16(m, max_finite_val=65504, min_positive_val=5.96e-8)),
    ("onnxruntime.transformers", its_own.convert_float_to_float16),
):
    seen[name] = constants_of(convert(model(NUMBERS))), louder(convert(model([32768])))
    print(f"{name}: {NUMBERS} become {seen[name][0]}, 0.1 * 32768 is {seen[name][1]}")
with numpy.errstate(all="ignore"):
    print("numpy:", [float(f"{number:.2g}") for number in numpy.float16(NUMBERS).astype(float)])
halves = [33000, -60000, numpy.inf, 0.1, 6e-8, 6e-8, 0], 3276
sys.exit(list(seen.values()) != [([10000, -10000, numpy.inf, 0.1, 1.2e-7, 1.2e-7, 0], 1000), halves, halves])
PYTHON
