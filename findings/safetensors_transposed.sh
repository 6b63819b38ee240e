#!/usr/bin/env bash
# safetensors 0.8.0 with numpy 2.4.6.
# `safetensors.numpy.save` writes the memory of an array as it lies, with the shape that the array has: a transposed view (or any array in
# Fortran order) comes back with its shape and the numbers in another order. Nothing warns.
# One would expect the array that was saved, or an error, as the PyTorch side gives for tensors that are not contiguous.
# Way round: numpy.ascontiguousarray before saving.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import numpy
from safetensors.numpy import load, save

saved = numpy.arange(6, dtype=numpy.float32).reshape(2, 3).T
loaded = load(save({"weight": saved}))["weight"]
print(f"saved {saved.tolist()}, loaded {loaded.tolist()}")
contiguous = load(save({"weight": numpy.ascontiguousarray(saved)}))["weight"]
print(f"made contiguous first: {contiguous.tolist()}")
sys.exit(not (loaded.shape == saved.shape and loaded.ravel().tolist() == [0, 1, 2, 3, 4, 5] and (contiguous == saved).all()))
PYTHON
