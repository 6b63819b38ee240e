#!/usr/bin/env bash
# mlx 0.32.4 on the CPU (the Metal side draws in the same way), numpy 2.4.6.
# `mx.random.randint` draws a float32 and cuts it off: beyond 2^24 most integers never come. From [0, 2^31 - 1) 0.3 % of the numbers are odd,
# of [2^24, 2^24 + 4) the second never comes and the third twice as often as it should, of 100 numbers from 1e9 on only three come, of four
# from 2^30 on one. Its documentation says "sampled with equal probability". Known (mlx issue 4190), and so in the newest version.
# Who draws where a crop begins in the samples of a data set (2^24 of them are six minutes at 44.1 kHz), or seeds, draws few of them.
# Way round: numpy's Generator.integers, or two draws below 2^24 that are put together.
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
mx.random.seed(1)


def draw(low, high):
    return numpy.array(mx.random.randint(low, high, (100_000,)))


odd = {f"[0, {name})": (draw(0, high) % 2).mean() for name, high in (("1e6", 10**6), ("2e8", 2 * 10**8), ("2^31 - 1", 2**31 - 1))}
print("share of odd numbers:", ", ".join(f"{name} {share:.4f}" for name, share in odd.items()))
ranges = {f"[{name}, {name} + {n})": (start, n) for name, start, n in (("2^24", 2**24, 4), ("1e9", 10**9, 100), ("2^30", 2**30, 4))}
seen = {}
for name, (start, n) in ranges.items():
    numbers, counts = numpy.unique(draw(start, start + n) - start, return_counts=True)
    seen[name] = numbers.tolist()
    print(f"{name}: start + {numbers.tolist()}, {counts.tolist()} times of 100000")
right = numpy.random.default_rng(1).integers(10**9, 10**9 + 100, 100_000)
print(f"numpy from [1e9, 1e9 + 100): {len(numpy.unique(right))} numbers")
sys.exit(not (
    [0.48 < odd["[0, 1e6)"] < 0.52, odd["[0, 2e8)"] < 0.1, odd["[0, 2^31 - 1)"] < 0.01] == [True] * 3
    and list(seen.values()) == [[0, 2, 3], [0, 64, 99], [0]] and len(numpy.unique(right)) == 100
))
PYTHON
