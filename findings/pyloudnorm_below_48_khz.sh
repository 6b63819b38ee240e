#!/usr/bin/env bash
# pyloudnorm 0.2.0, pyebur128 0.1.1 (libebur128): the loudness of the same noise.
# pyloudnorm's own filter ("K-weighting", the default) is too quiet by a constant that grows as the rate falls: 0.04 LU at 48 kHz, 0.06 at
# 32 kHz, 0.12 at 16 kHz, and is nearly the same from 100 Hz to 10 kHz. With filter_class="DeMan" it agrees with libebur128 to
# 0.001 LU at each rate. EBU Tech 3341 allows a meter 0.1 LU, so that a model's output at 16 kHz is measured wrong, and a sound that was
# normalised at 16 kHz gets another number at 48 kHz. One would expect BS.1770's filter at every rate, and the default to be the right one.
# Way round: Meter(rate, filter_class="DeMan").
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pyloudnorm==0.2.0 pyebur128==0.1.1 numpy==2.4.6 scipy==1.17.1
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy, pyebur128, pyloudnorm

measured = pyebur128.MeasurementMode.MODE_I
off = {}
for rate in (96000, 48000, 44100, 32000, 24000, 16000):
    noise = 0.1 * numpy.random.default_rng(0).standard_normal(10 * rate)
    state = pyebur128.R128State(1, rate, measured)
    state.add_frames(noise.astype(numpy.float32), len(noise))
    reference = pyebur128.get_loudness_global(state)
    off[rate] = [pyloudnorm.Meter(rate, filter_class=name).integrated_loudness(noise) - reference for name in ("K-weighting", "DeMan")]
    print(f"{rate} Hz: libebur128 {reference:.3f} LUFS, pyloudnorm {off[rate][0]:+.3f}, with DeMan {off[rate][1]:+.3f}")
sys.exit(not (
    all(abs(deman) < 0.005 for _, deman in off.values())
    and -0.05 < off[48000][0] < -0.035 and -0.07 < off[32000][0] < -0.055 and -0.14 < off[16000][0] < -0.1
))
PYTHON
