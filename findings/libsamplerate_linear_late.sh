#!/usr/bin/env bash
# samplerate 0.2.4 (libsamplerate 0.2.2), against soxr 1.1.0.
# libsamplerate's converters "linear" and "zero_order_hold" are one input sample late: 1 2 3 4 at twice the rate are 1 1 1 1.5 2 2.5, and even
# at an unchanged rate, where nothing is to be done, they are 1 1 2 3. The first sample is doubled and the last lost. The sinc converters are
# on time, so that a sound converted fast for a preview lies beside the one converted well, and the length does not tell.
# One would expect 1 1.5 2 2.5 3 3.5, as between any two points, and at an unchanged rate what came in.
# Way round: convert x[1:] with its last sample repeated, or take a sinc converter.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check samplerate==0.2.4 soxr==1.1.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import numpy
import samplerate
import soxr

steps = numpy.arange(1, 7, dtype=numpy.float32)
for converter in "linear", "zero_order_hold":
    for ratio in 1.0, 2.0:
        print(f"{converter}, 1 to 6 at {ratio} times the rate: {samplerate.resample(steps, ratio, converter).tolist()}")


def late(resampled, rate):
    """How many samples of the input, at 16 kHz, a tone of 440 Hz comes late, by its phase over 44 periods."""
    at = numpy.arange(rate // 10, rate // 10 + rate // 10)
    tone = numpy.exp(-2j * numpy.pi * 440 * at / rate)
    return round(-numpy.angle(1j * (resampled[at] * tone).sum()) / (2 * numpy.pi * 440) * 16_000, 2) + 0.0


tone = numpy.sin(2 * numpy.pi * 440 * numpy.arange(16_000) / 16_000).astype(numpy.float32)
delays = {name: late(samplerate.resample(tone, 3, name), 48_000) for name in ("linear", "sinc_fastest", "sinc_best")}
delays["soxr"] = late(soxr.resample(tone, 16_000, 48_000), 48_000)
print(f"a tone of 440 Hz from 16 to 48 kHz, samples of the input late: {', '.join(f'{name} {delay:.2f}' for name, delay in delays.items())}")
right = samplerate.resample(steps, 1.0, "linear").tolist() == [1, 1, 2, 3, 4, 5]
right &= samplerate.resample(steps, 2.0, "linear").tolist() == [1, 1, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5]
sys.exit(not (right and delays == {"linear": 1, "sinc_fastest": 0, "sinc_best": 0, "soxr": 0}))
PYTHON
