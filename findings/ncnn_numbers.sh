#!/usr/bin/env bash
# ncnn 1.0.20261020 (CPU with x86 instructions), numpy 2.4.6.
# Layers that run 4 to 16 numbers at a time compute powers as exp(b * log(a)), and their exp makes a number of NaN: (-3)^2 and 0^2 are 2.4e38,
# (-3)^3 too. What is left over at the end of a row is computed one by one and right, so that of 11 times -3 squared 8 are 2.4e38 and 3 are 9.
# The logarithm of 0 is NaN in place of -infinity, which a silent frame of a mel spectrogram has; Exp, Sigmoid and TanH of NaN are numbers,
# so that a fault no longer shows; 1 / 0 and atan(infinity) are NaN, Softplus is infinity from 89 on, and the logarithm of a sum of
# exponentials is infinity for [100, 101, 102] and -infinity for [-200, -201, -202].
# One would expect numpy's numbers; the layers' list names the functions without limits. Powers are known since 2020 (ncnn's issues 2139, 4393).
# Way round, shown: multiply in place of a power, clip before a logarithm, and take the largest number out before a sum of exponentials.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check ncnn==1.0.20261020 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import math
import sys
import ncnn
import numpy


def layers(numbers, *kinds):
    """What a chain of layers answers to one row of numbers."""
    lines = [f"{kind.split()[0]} layer{i} 1 1 x{i} x{i + 1} {' '.join(kind.split()[1:])}" for i, kind in enumerate(kinds)]
    with open("net.param", "w") as file:
        file.write("\n".join(["7767517", f"{len(kinds) + 1} {len(kinds) + 1}", "Input in 0 1 x0", *lines, ""]))
    open("net.bin", "wb").close()
    net = ncnn.Net()
    net.opt.num_threads = 1
    net.load_param("net.param")
    net.load_model("net.bin")
    run = net.create_extractor()
    run.input("x0", ncnn.Mat(numpy.float32(numbers)).clone())
    return numpy.array(run.extract(f"x{len(kinds)}")[1])


SQUARE, CUBE, LOG, LOG10, EXP = "BinaryOp 0=6 1=1 2=2", "BinaryOp 0=6 1=1 2=3", "UnaryOp 0=8", "UnaryOp 0=17", "UnaryOp 0=7"
RECIPROCAL, ARCTANGENT, PRODUCT = "UnaryOp 0=15", "UnaryOp 0=14", "UnaryOp 0=4"
nan, inf = math.nan, math.inf
seen = {}
for name, number, expected, *kinds in [
    ("(-3)^2", -3, 9, SQUARE), ("0^2", 0, 0, SQUARE), ("(-3)^3", -3, -27, CUBE), ("3^3", 3, 27, CUBE),
    ("log(0)", 0, -inf, LOG), ("log10(0)", 0, -inf, LOG10), ("1 / 0", 0, inf, RECIPROCAL), ("atan(inf)", inf, math.pi / 2, ARCTANGENT),
    ("exp(NaN)", nan, nan, EXP), ("sigmoid(NaN)", nan, nan, "Sigmoid"), ("tanh(NaN)", nan, nan, "TanH"), ("softplus(100)", 100, 100, "Softplus"),
    ("-3 squared by the layer of squares", -3, 9, PRODUCT), ("log of 0 clipped to 1e-10", 0, math.log(1e-10), "Clip 0=1e-10 1=1e30", LOG),
]:
    answers = layers([number] * 8, *kinds)
    assert len({str(answer) for answer in answers}) == 1
    seen[name] = "a number" if "NaN" in name and not math.isnan(answers[0]) else f"{answers[0]:.3g}"
    print(f"{name}: {answers[0]:.3g}, expected {expected:.3g}")
row = layers([-3] * 11, SQUARE)
print(f"11 times -3, squared: {int((row > 1e38).sum())} are {row[0]:.3g}, the last three {row[8:].tolist()}")
SUM_OF_EXPONENTIALS = "Reduction 0=10 1=1"
sums = []
for numbers in ([100, 101, 102], [-200, -201, -202]):
    largest = max(numbers)
    sums.append((float(layers(numbers, SUM_OF_EXPONENTIALS)[0]), round(largest + float(layers([x - largest for x in numbers], SUM_OF_EXPONENTIALS)[0]), 3)))
    print(f"log of the sum of exponentials of {numbers}: {sums[-1][0]}, with the largest taken out {sums[-1][1]}")
sys.exit((seen, int((row > 1e38).sum()), row[8:].tolist(), sums) != (
    {
        "(-3)^2": "2.41e+38", "0^2": "2.41e+38", "(-3)^3": "2.41e+38", "3^3": "27", "log(0)": "nan", "log10(0)": "nan", "1 / 0": "nan",
        "atan(inf)": "nan", "exp(NaN)": "a number", "sigmoid(NaN)": "a number", "tanh(NaN)": "a number", "softplus(100)": "inf",
        "-3 squared by the layer of squares": "9", "log of 0 clipped to 1e-10": "-23",
    }, 8, [9, 9, 9], [(math.inf, 102.408), (-math.inf, -199.592)],
))
PYTHON
