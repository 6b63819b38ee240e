#!/usr/bin/env bash
# onnxruntime 1.32.0 (CPU), onnx 1.23.2 (its reference evaluator gives the same matrix).
# MelWeightMatrix, the operator that makes mel bands inside a model, does not give the bands of HTK, librosa or TensorFlow, though it takes the
# same five arguments. It steps by 1/(bands + 2) of the range where bands + 2 points have bands + 1 steps between them, so that all bands lie
# too low and the highest ends short of the upper edge: of 20 bands up to 24 kHz the last peaks at 17.2 kHz in place of 20.1, and 20.3 kHz and
# above are in none. Corners are cut down to whole bins: of 80 bands on 400 samples at 16 kHz 26 have a single bin and five pairs are equal.
# One would expect a model that was trained on librosa's or TensorFlow's bands to hear the same ones. Way round: put the matrix into the model
# as a constant, librosa.filters.mel(..., htk=True, norm=None) for instance.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy, onnxruntime
from onnx import parser, reference


def of_onnx(bands, size, rate, low, high):
    """The matrix, bins by bands, as onnxruntime and as the reference evaluator make it."""
    model = parser.parse_model(
        f'<ir_version: 8, opset_import: ["" : 17]> g (float[1] x) => (float[{size // 2 + 1}, {bands}] y) '
        f"<int64 a = {{{bands}}}, int64 b = {{{size}}}, int64 c = {{{rate}}}, float d = {{{low}}}, float e = {{{high}}}> "
        "{ w = MelWeightMatrix (a, b, c, d, e) y = Add (w, x) }"
    )
    zero = {"x": numpy.zeros(1, numpy.float32)}
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, zero)[0], reference.ReferenceEvaluator(model).run(None, zero)[0]


def corners(bands, low, high):
    """The corners and peaks of the bands by HTK's formula, in Hz."""
    mel = lambda hertz: 2595 * numpy.log10(1 + hertz / 700)
    return 700 * (10 ** (numpy.linspace(mel(low), mel(high), bands + 2) / 2595) - 1)


seen = []
for setting in ((20, 1024, 48000, 0.0, 24000.0), (40, 512, 22050, 0.0, 11025.0), (80, 400, 16000, 0.0, 8000.0)):
    bands, size, rate, low, high = setting
    matrix, other = of_onnx(*setting)
    hertz = numpy.arange(size // 2 + 1) * rate / size
    peaks = hertz[matrix.argmax(axis=0)]
    expected = corners(bands, low, high)[1:-1]
    top = hertz[matrix.any(axis=1)].max()
    single = int((numpy.count_nonzero(matrix, axis=0) == 1).sum())
    equal = sum(numpy.array_equal(matrix[:, i], matrix[:, i + 1]) for i in range(bands - 1))
    print(f"{bands} bands up to {high:.0f} Hz, {size} samples: the last peaks at {peaks[-1]:.0f}, by the formula {expected[-1]:.0f}; "
          f"the highest bin in any is {top:.0f} Hz; {single} of a single bin, {equal} equal to the next")
    seen.append((round(float(peaks[-1])), round(float(expected[-1])), round(float(top)), single, equal, bool((matrix == other).all())))
sys.exit(seen != [(17156, 20145, 20250, 0, 0, True), (9561, 10246, 10207, 2, 0, True), (7480, 7734, 7680, 26, 5, True)])
PYTHON
