#!/usr/bin/env bash
# safetensors 0.8.0 with numpy 2.4.6 and ml_dtypes 0.6.0.
# `safetensors.numpy.save` writes arrays of ml_dtypes' bfloat16 and 8-bit floats, well and with the right names (BF16, F8_E4M3). But `load`, its
# counterpart for bytes, has no such names and raises KeyError: 'BF16', while `load_file` reads the same bytes from a file as bfloat16.
# 8-bit floats are read by neither: load_file looks for them in numpy (AttributeError) and not in ml_dtypes, where it finds bfloat16.
# One would expect both to read what save has written, or save to refuse it.
# Way round: keep such weights as numpy.uint8 or uint16 views (array.view), and look at the header for the dtype.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6 ml_dtypes==0.6.0
env/bin/python - <<'PYTHON' | tee seen
import json
import ml_dtypes
import numpy
from safetensors.numpy import load, load_file, save


def attempt(read, source):
    """What reading gives, as its dtype and numbers, or the error."""
    try:
        weight = read(source)["weight"]
    except (KeyError, AttributeError) as error:
        return f"{type(error).__name__} {error}"
    return f"{weight.dtype} {weight.astype(float).tolist()}"


for dtype in numpy.float16, ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn:
    data = save({"weight": numpy.array([1, 2, 3.5]).astype(dtype)})
    with open("weight.safetensors", "wb") as file:
        file.write(data)
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    print(f"{header['weight']['dtype']}: load {attempt(load, data)}; load_file {attempt(load_file, 'weight.safetensors')}")
PYTHON
expected="F16: load float16 [1.0, 2.0, 3.5]; load_file float16 [1.0, 2.0, 3.5]
BF16: load KeyError 'BF16'; load_file bfloat16 [1.0, 2.0, 3.5]
F8_E4M3: load KeyError 'F8_E4M3'; load_file AttributeError module 'numpy' has no attribute 'float8_e4m3fn'"
[[ "$(cat seen)" == "$expected" ]]
