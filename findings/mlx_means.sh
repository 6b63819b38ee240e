#!/usr/bin/env bash
# mlx 0.32.4 on the CPU (x86-64 under Linux), numpy 2.4.6.
# `mx.mean` is a sum in the type of the array, divided afterwards. In float16 the sum overflows: the mean of 1000 times 100 is infinity, and so
# are var and std of [300, -300]. In float32 it is added up one after another: the mean of 0.1 over a minute of stereo at 48 kHz is 0.0969, the
# mean of |x| of a tone as long is half a percent too high. cumsum of ones in float16 stays at 2048, while their sum is right.
# One would expect 100, 300, 0.1 and what numpy gives (it adds float16 up in float32, and float32 in pairs): all fit in their types.
# Way round: astype(mx.float32) first, and means of means over blocks of some thousand.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check "mlx[cpu]==0.32.4" numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import mlx.core as mx, numpy

mx.set_default_device(mx.cpu)
tone = numpy.abs(0.5 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(5_760_000) / 96_000)).astype(numpy.float32)
arrays = {
    "mean of 1000 times 100, float16": ("mean", numpy.full(1000, 100, numpy.float16)),
    "std of [300, -300], float16": ("std", numpy.array([300, -300], numpy.float16)),
    "mean of 5760000 times 0.1, float32": ("mean", numpy.full(5_760_000, 0.1, numpy.float32)),
    "mean of |x| of a tone, float32": ("mean", tone),
}
seen = {}
for name, (what, array) in arrays.items():
    seen[name] = (getattr(mx, what)(mx.array(array)).item(), float(getattr(numpy, what)(array, dtype=numpy.float32)))
    print(f"{name}: mlx {seen[name][0]:.4f}, numpy {seen[name][1]:.4f}")
last = mx.cumsum(mx.ones((5000,), mx.float16))[-1].item()
print(f"last of cumsum of 5000 ones, float16: {last:.0f}; their sum: {mx.sum(mx.ones((5000,), mx.float16)).item():.0f}")
(hundred, spread, tenth, level) = seen.values()
sys.exit(not (
    hundred == (numpy.inf, 100) and spread == (numpy.inf, 300) and abs(tenth[0] - 0.1) > 1e-3 and abs(tenth[1] - 0.1) < 1e-6
    and level[0] / level[1] > 1.003 and last == 2048
))
PYTHON
