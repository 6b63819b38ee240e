#!/usr/bin/env bash
# onnxslim 0.1.98, onnxsim 0.8.1, onnxoptimizer 0.4.2, onnx 1.23.2, onnxruntime 1.32.0 (CPU).
# All three simplifiers merge equal nodes, generators of random numbers among them: two RandomNormalLike without a seed, whose numbers are
# independent by the specification, become one, and so do two RandomUniformLike, and in onnxsim and onnxoptimizer two RandomNormal of a given
# shape. The simplified model still loads and draws noise: its stereo noise is mono, and the steps of a sampler add the same noise again.
# onnxsim reports that its check passed. onnxruntime itself, at its highest level of optimisation, keeps the two apart.
# One would expect a generator to be left alone, as it has another result each time. Way round: a `seed` of its own for each; or make the
# noise outside and hand it in, which is also what makes a piece repeatable.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check \
  onnxslim==0.1.98 onnxsim==0.8.1 onnxoptimizer==0.4.2 onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy, onnx.parser, onnxoptimizer, onnxruntime, onnxsim, onnxslim


def simplify(model):
    simple, passed = onnxsim.simplify(model)
    return simple if passed else None


def correlation(model):
    """How alike the two channels of noise are: 1 for the same numbers."""
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    left, right = session.run(None, {"x": numpy.full((1, 4096), 0.5, numpy.float32)})
    return round(float(numpy.corrcoef(left.ravel(), right.ravel())[0, 1]))


tools = {
    "as it was": lambda model: model,
    "onnxslim": onnxslim.slim,
    "onnxsim": simplify,
    "onnxoptimizer": onnxoptimizer.optimize,
}
generators = {
    "RandomNormalLike": "RandomNormalLike (x)",
    "RandomUniformLike": "RandomUniformLike (x)",
    "RandomNormal": "RandomNormal <shape = [1, 4096]> ()",
    "with seeds": "RandomNormalLike <seed = SEED> (x)",
}
seen = {}
for name, call in generators.items():
    text = (
        '<ir_version: 8, opset_import: ["" : 17]> g (float[1,4096] x) => (float[1,4096] l, float[1,4096] r) '
        f"{{ p = {call.replace('SEED', '1.0')} l = Add (p, x) q = {call.replace('SEED', '2.0')} r = Add (q, x) }}"
    )
    seen[name] = [correlation(tool(onnx.parser.parse_model(text))) for tool in tools.values()]
print("correlation of two draws:", ", ".join(tools))
for name, found in seen.items():
    print(f"  {name}: {', '.join(map(str, found))}")
sys.exit(seen != {"RandomNormalLike": [0, 1, 1, 1], "RandomUniformLike": [0, 1, 1, 1], "RandomNormal": [0, 0, 1, 1], "with seeds": [0] * 4})
PYTHON
