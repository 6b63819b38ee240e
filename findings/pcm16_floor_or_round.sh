#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile).
# Samples between two steps of 16 bits are rounded down when a WAV or AIFF file is written, and to the nearest step when a FLAC file is.
# So a lossless FLAC and a WAV of the same array differ in half of their samples, and a WAV has an offset of minus half a step.
# One would expect the same numbers in both. Compare files of the two kinds within one step, or convert to int16 first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import io, sys
import numpy, soundfile

steps = numpy.array([0.5, 0.9, 1.49, -0.1, -0.6, -1.4])
noise = numpy.random.default_rng(0).uniform(-0.5, 0.5, 100_000)

def through(samples, kind):
    file = io.BytesIO()
    soundfile.write(file, samples, 8000, format=kind, subtype="PCM_16")
    file.seek(0)
    return soundfile.read(file, dtype="int16")[0]

seen = {kind: through(steps / 32768, kind).tolist() for kind in ("WAV", "AIFF", "FLAC")}
for kind, values in seen.items():
    print(f"{kind:4} {steps.tolist()} -> {values}; mean error of noise {numpy.mean(through(noise, kind) - noise * 32768):+.3f} steps")
sys.exit(seen != {"WAV": [0, 0, 1, -1, -1, -2], "AIFF": [0, 0, 1, -1, -1, -2], "FLAC": [0, 1, 1, 0, -1, -1]})
PYTHON
