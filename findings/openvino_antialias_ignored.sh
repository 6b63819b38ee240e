#!/usr/bin/env bash
# openvino 2026.4.1 (CPU), onnx 1.23.2, onnxruntime 1.32.0.
# `Resize` with antialias=1 is what PyTorch's interpolate(antialias=True) becomes in ONNX: made smaller, the signal is filtered first.
# OpenVINO takes such a model and leaves the filter out: 480 samples of a tone at 0.45 of the rate, made 160, come out as a tone of full level
# that was not there; onnxruntime brings it down by 21 dB (linear) or 45 dB (cubic). One would expect the filter, or a refusal, which is what
# OpenVINO answers to a coordinate mode that it does not have. Way round: an AveragePool or a Conv in front of the Resize.
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
tone = numpy.sin(2 * numpy.pi * 0.45 * numpy.arange(480)).astype(numpy.float32).reshape(1, 1, 1, 480)
seen = {}
for mode in ("linear", "cubic"):
    for antialias in (0, 1):
        resize = f'Resize <mode = "{mode}", antialias = {antialias}> (x, , , sizes)'
        text = f"g (float[1,1,1,480] x) => (float[1,1,1,160] y) <int64[4] sizes = {{1, 1, 1, 160}}> {{ y = {resize} }}"
        data = onnx.parser.parse_model('<ir_version: 10, opset_import: ["" : 19]> ' + text).SerializeToString()
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        compiled = core.compile_model(core.read_model(data), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        for name, answer in (("onnxruntime", session.run(None, {"x": tone})[0]), ("openvino", compiled({"x": tone})[0])):
            inner = answer.ravel()[4:-4].astype(float)  # without the edges
            seen[mode, antialias, name] = level = round(20 * numpy.log10(numpy.sqrt(numpy.mean(inner**2)) * 2**0.5))
            print(f"{mode}, antialias={antialias}: {name} {level} dB")
plain = [seen[mode, 0, name] for mode in ("linear", "cubic") for name in ("onnxruntime", "openvino")]
ignored = all(seen[mode, 1, "openvino"] == seen[mode, 0, "openvino"] for mode in ("linear", "cubic"))
filtered = all(seen[mode, 1, "onnxruntime"] < seen[mode, 0, "onnxruntime"] - 15 for mode in ("linear", "cubic"))
sys.exit(not (plain[0] == plain[1] and plain[2] == plain[3] and ignored and filtered))
PYTHON
