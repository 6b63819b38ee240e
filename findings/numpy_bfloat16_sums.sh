#!/usr/bin/env bash
# numpy 2.4.6 with ml_dtypes 0.6.0 (pip), whose bfloat16 and 8-bit floats JAX, safetensors and ONNX hand out as numpy arrays.
# sum, mean, var, std, norm and cumsum keep their total in the type itself: the sum of 1000 ones is 256 and their mean 0.256, the deviation of a
# constant 0.5. numpy's own float16 takes the mean in float32. `@` and dot are right. float8_e4m3fn stops at 16: the mean of 1000 ones is 0.016.
# With a NaN among them np.sort leaves the others unsorted, so that np.unique and np.median count on a wrong order.
# From float64 values are rounded twice, by way of float32: 1 + 2^-8 + 2^-40 becomes 1 and not 1.0078125; half of all numbers close to the middle
# of two 8-bit floats go to the wrong one. NaN becomes -0 in float4 and float6, which have no NaN, and 0 in int4.
# One would expect float16's care for types that are narrower yet. Way round: astype(numpy.float32) before any reduction or sort.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check numpy==2.4.6 ml_dtypes==0.6.0
env/bin/python -W ignore - <<'PYTHON'
import sys
import ml_dtypes, numpy

ones = numpy.ones(1000)
seen = {}
for kind in (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, numpy.float16):
    name = numpy.dtype(kind).name
    narrow = ones.astype(kind)
    seen[name] = [float(f(narrow)) for f in (numpy.sum, numpy.mean, numpy.std, lambda x: numpy.cumsum(x)[-1], lambda x: x @ x)]
    print(f"{name}: of 1000 ones the sum is {seen[name][0]:g}, the mean {seen[name][1]:g}, the deviation {seen[name][2]:g},",
          f"the last of cumsum {seen[name][3]:g}, x @ x {seen[name][4]:g}")
values = numpy.array([1, numpy.nan, 3, -2, 5, 0])
order = {}
for kind in (numpy.float16, ml_dtypes.bfloat16):
    order[kind] = [float(v) for v in numpy.sort(values.astype(kind))]
    print(f"sorted as {numpy.dtype(kind).name}: {order[kind]}")
once = numpy.float64(1 + 2**-8 + 2**-40)
rounded = float(once.astype(ml_dtypes.bfloat16))
print(f"{float(once)!r} as bfloat16: {rounded}, nearest is 1.0078125")
grid = numpy.arange(256, dtype=numpy.uint8).view(ml_dtypes.float8_e4m3fn).astype(numpy.float64)
grid = numpy.unique(grid[numpy.isfinite(grid)])
middles = (grid[1:] + grid[:-1]) / 2
near = numpy.concatenate([middles * (1 + 2.0**-40), middles * (1 - 2.0**-40)])
near = near[near != 0]
best = grid[numpy.abs(near[:, None] - grid).argmin(axis=1)]
wrong = int((near.astype(ml_dtypes.float8_e4m3fn).astype(numpy.float64) != best).sum())
print(f"float8_e4m3fn: {wrong} of {len(near)} numbers next to a middle are rounded to the farther neighbour")
nothing = [float(numpy.float32("nan").astype(kind)) for kind in (ml_dtypes.float4_e2m1fn, ml_dtypes.float6_e2m3fn, ml_dtypes.int4)]
print(f"NaN as float4_e2m1fn, float6_e2m3fn, int4: {nothing}")
sys.exit(not (
    seen["bfloat16"][0] == 256 and seen["bfloat16"][1] < 0.26 and seen["bfloat16"][2] > 0.4 and seen["bfloat16"][4] == 1000
    and seen["float8_e4m3fn"][0] == 16 and seen["float16"][:3] == [1000, 1, 0]
    and order[numpy.float16][:5] == [-2, 0, 1, 3, 5] and order[ml_dtypes.bfloat16][:5] != [-2, 0, 1, 3, 5]
    and rounded == 1 and wrong > len(near) / 3 and nothing == [0, 0, 0]
))
PYTHON
