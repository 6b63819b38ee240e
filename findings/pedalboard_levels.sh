#!/usr/bin/env bash
# pedalboard 0.9.26 (JUCE inside).
# Three effects change the level where nothing says so. `Limiter(threshold_db=-20)` makes a quiet sound 23.75 dB louder and lets a loud one
# come out at 1.0, not at -20 dB: a lower threshold is louder. `Convolution` scales every impulse response to the same energy, so that [1]
# and [0.5] both give a copy at 0.125 (-18 dB), and a room measured at another distance is as loud. `Reverb(wet_level=0, dry_level=1)` is 6
# dB louder than the input; 0.5 is unity. One would expect a limiter that only turns down, a convolution, and a dry level that is a factor.
# Way round: Compressor with a high ratio, scipy.signal.fftconvolve, half the dry level.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pedalboard==0.9.26 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import numpy
from pedalboard import Convolution, Limiter, Reverb

rate = 48000
sine = numpy.sin(2 * numpy.pi * 997 * numpy.arange(2 * rate) / rate).astype(numpy.float32)


def gain(effect, level):
    """How much louder, in dB, the second second of a sine comes out, and its peak."""
    out = effect(level * sine, rate)[rate:]
    return round(float(20 * numpy.log10(numpy.abs(out).max() / level)), 2), round(float(numpy.abs(out).max()), 3)


seen = {}
for threshold in (-10, -20):
    for level in (0.001, 1.0):
        seen[f"Limiter({threshold} dB) of a sine of peak {level}"] = gain(Limiter(threshold_db=threshold), level)
for value in (1.0, 0.5):
    response = numpy.zeros((1, 64), numpy.float32)
    response[0, 0] = value
    seen[f"Convolution with [{value}]"] = gain(Convolution(response, 1.0, sample_rate=rate), 0.1)
for dry in (1.0, 0.5):
    seen[f"Reverb, dry {dry}, wet 0"] = gain(Reverb(wet_level=0, dry_level=dry), 0.1)
for name, (decibels, peak) in seen.items():
    print(f"{name}: {decibels:+.2f} dB, peak {peak}")
decibels = [value[0] for value in seen.values()]
peaks = [value[1] for value in seen.values()]
near = numpy.allclose([decibels[i] for i in (0, 2, 4, 5, 6, 7)], [13.75, 23.75, -18.06, -18.06, 6.02, 0], atol=0.05)
sys.exit(not (near and peaks[1] > 0.99 and peaks[3] > 0.99))
PYTHON
