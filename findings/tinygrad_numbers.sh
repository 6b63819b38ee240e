#!/usr/bin/env bash
# tinygrad 0.14.0 (device PYTHON, which needs no compiler), onnx 1.23.2, onnxruntime 1.32.0 (CPU), numpy 2.4.6.
# Numbers and layers of tinygrad that differ from numpy's and onnxruntime's. asinh of -1000 is -7.625 in place of -7.601, and of -10000 minus
# infinity, while the positive numbers are right; atan of infinity is NaN. Between two tensors of bytes, lerp takes the difference for a signed
# byte: halfway from 200 to 0, as in a cross-fade of 8-bit samples, is 228. In ONNX files, Attention with fewer key than query heads gives the
# query heads to the keys in turn (0 1 0 1) and not in groups (0 0 1 1), and QuantizeLinear to bytes rounds halves up in place of to even.
# One would expect the others' numbers. Way round: sign(x) * asinh(|x|), lerp in floats, keys and values repeated in the model.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check tinygrad==0.14.0 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cat >see.py <<'PYTHON'
import sys
import numpy, onnx, onnxruntime
from onnx import parser
from tinygrad import Tensor
from tinygrad.nn.onnx import OnnxRunner


def see(what, *both):
    both = [[float(f"{float(number):.4g}") for number in numpy.ravel(numbers)] for numbers in both]
    print(f"{what}: tinygrad {both[0]}; expected {both[1]}")
    return [str(numbers) for numbers in both]


def layer(what, text, **inputs):
    """The output of an ONNX model of one layer, here and in onnxruntime."""
    model = parser.parse_model(f'<ir_version: 10, opset_import: ["" : 23]> {text}')
    onnx.save(model, f"{what}.onnx")
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return see(what, OnnxRunner(f"{what}.onnx")(inputs)["y"].numpy(), session.run(None, inputs)[0])


large = numpy.float32([-10000, -1000, -10, 10, 1000, 10000])
infinite = numpy.float32([-numpy.inf, 1, numpy.inf])
loud, silent = numpy.uint8([100, 200, 255, 0]), numpy.uint8([0, 0, 128, 200])
keys = numpy.zeros((1, 2, 1, 1), numpy.float32)  # two heads of one frame, so that an answer is the value of its head
values = numpy.float32([10, 20]).reshape(1, 2, 1, 1)
queries = numpy.zeros((1, 4, 1, 1), numpy.float32)
steps = numpy.float32([-1.5, -0.5, 0.5, 1.5, 2.5, 3.5])
seen = [
    see("asinh of -10000 -1000 -10 10 1000 10000", Tensor(large).asinh().numpy(), numpy.arcsinh(large)),
    see("atan of -infinity 1 infinity", Tensor(infinite).atan().numpy(), numpy.arctan(infinite)),
    see("bytes halfway from 100 200 255 0 to 0 0 128 200", Tensor(loud).lerp(Tensor(silent), Tensor([0.5] * 4)).numpy(),
        numpy.ceil((loud.astype(float) + silent) / 2)),
    layer("Attention", "a (float[1,4,1,1] q, float[1,2,1,1] k, float[1,2,1,1] v) => (float[1,4,1,1] y) { y = Attention (q, k, v) }",
          q=queries, k=keys, v=values),
    layer("QuantizeLinear", "a (float[6] x, float s, uint8 z) => (uint8[6] y) { y = QuantizeLinear (x, s, z) }",
          x=steps, s=numpy.array(1, numpy.float32), z=numpy.array(128, numpy.uint8)),
]
sys.exit(seen != [[str(numbers) for numbers in pair] for pair in (
    ([-numpy.inf, -7.625, -2.998, 2.998, 7.601, 9.903], [-9.903, -7.601, -2.998, 2.998, 7.601, 9.903]),
    ([numpy.nan, 0.7854, numpy.nan], [-1.571, 0.7854, 1.571]),
    ([50.0, 228.0, 192.0, 228.0], [50.0, 100.0, 192.0, 100.0]),
    ([10.0, 20.0, 10.0, 20.0], [10.0, 10.0, 20.0, 20.0]),
    ([127.0, 128.0, 129.0, 130.0, 131.0, 132.0], [126.0, 128.0, 128.0, 130.0, 130.0, 132.0]),
)])
PYTHON
DEV=PYTHON env/bin/python -W ignore see.py
