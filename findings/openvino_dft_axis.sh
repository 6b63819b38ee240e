#!/usr/bin/env bash
# openvino 2026.4.1 (CPU), onnx 1.23.2, onnxruntime 1.32.0.
# Since opset 20 the operator DFT takes its axis as an input. OpenVINO does not read it and takes axis 1, the default of the attribute that
# opset 17 had: of stereo [1, 2, samples, 1] it transforms the two channels (sum and difference) in place of the samples, without a word.
# With `onesided` the result has a dimension too many, [1, 6, 1, 2] in place of [1, 6, 2], in both opsets, against the shape that the model
# declares. One would expect the spectrum of onnxruntime and of the specification, or a refusal; mono models in opset 20 happen to be right.
# Way round: opset 17 with the attribute (or channels folded into the batch), a Reshape behind a one-sided DFT, or STFT, which is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check openvino==2026.4.1 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy, onnx.parser, onnxruntime, openvino

core = openvino.Core()
stereo = numpy.arange(1, 11, dtype=numpy.float32).reshape(1, 1, 10, 1) * numpy.float32([1, 3]).reshape(1, 2, 1, 1)


def run(title, opset, body, sound):
    """Shape of the answers, and whether both are the spectrum over the samples."""
    kind = f"float[{','.join(map(str, sound.shape))}]"
    model = onnx.parser.parse_model(f'<ir_version: 10, opset_import: ["" : {opset}]> g ({kind} x) => (float[] y) {body}')
    model.graph.output[0].type.tensor_type.ClearField("shape")
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    answers = session.run(None, {"x": sound})[0], core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})({"x": sound})[0]
    spectrum = numpy.fft.fft(sound[..., 0]) if "onesided" not in body else numpy.fft.rfft(sound[..., 0])
    expected = numpy.stack([spectrum.real, spectrum.imag], -1)
    seen = [(answer.shape, answer.size == expected.size and bool(numpy.allclose(answer.ravel(), expected.ravel(), atol=1e-3))) for answer in answers]
    for name, answer, (shape, right) in zip(("onnxruntime", "openvino"), answers, seen):
        print(f"{title}: {name} {shape}, {'the spectrum' if right else 'no spectrum: ' + str(answer.ravel()[:6].tolist())}")
    return seen


in_20 = run("stereo, axis 2 as an input", 20, "<int64 axis = {2}> { y = DFT (x, , axis) }", stereo)
default = run("stereo, no axis (-2 by the specification)", 20, "{ y = DFT (x) }", stereo)
in_17 = run("stereo, axis 2 as an attribute", 17, "{ y = DFT <axis = 2> (x) }", stereo)
mono = run("mono, axis 1", 20, "<int64 axis = {1}> { y = DFT (x, , axis) }", stereo[:, 0])
half = run("mono, one-sided", 17, "{ y = DFT <axis = 1, onesided = 1> (x) }", stereo[:, 0])
whole = (1, 2, 10, 2)
sys.exit(not (
    in_20 == default == [(whole, True), (whole, False)] and in_17 == [(whole, True)] * 2
    and mono == [((1, 10, 2), True)] * 2 and half == [((1, 6, 2), True), ((1, 6, 1, 2), True)]
))
PYTHON
