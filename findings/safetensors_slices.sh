#!/usr/bin/env bash
# safetensors 0.8.0, numpy 2.4.6.
# get_slice() reads a part of a tensor from a file and looks like numpy's index, but is another one. -1 is the last row, and -2: an OverflowError
# ("can't convert negative int to unsigned"). A slice that ends behind the tensor, 3:6 of 4 rows, is an error, where numpy has the one row. Steps
# work, ::2 for instance; lists and None are refused. So code that reads a file in blocks of 3 rows fails on the last block, and code for the
# last two layers on any file, though both pass with load_file() and the same index.
# One would expect numpy's rules for slices. Way round: slice(start, stop).indices(length) before get_slice(), with the length of get_shape(),
# and nothing read where the result is empty.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check safetensors==0.8.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import numpy
from safetensors import safe_open
from safetensors.numpy import save_file

array = numpy.arange(24, dtype=numpy.float32).reshape(4, 6)
save_file({"x": array}, "x.safetensors")
indices = {
    "-1": -1, "1:3": slice(1, 3), "::2": slice(None, None, 2), "..., 1": (..., 1), "-2:": slice(-2, None),
    "0:100": slice(0, 100), "3:6": slice(3, 6), "[1, 3]": [1, 3], "None": None,
}
seen = {}
with safe_open("x.safetensors", "numpy") as file:
    for name, index in indices.items():
        expected = array[index]
        try:
            found = file.get_slice("x")[index]
            seen[name] = "same" if found.shape == expected.shape and (found == expected).all() else "other"
        except Exception as error:
            seen[name] = type(error).__name__
        print(f"[{name}]: numpy has the shape {expected.shape}, get_slice {seen[name]}")
works = dict.fromkeys(("-1", "1:3", "::2", "..., 1"), "same")
refused = dict.fromkeys(("0:100", "3:6", "[1, 3]", "None"), "SafetensorError")
sys.exit(seen != works | refused | {"-2:": "OverflowError"})
PYTHON
