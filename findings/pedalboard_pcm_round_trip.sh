#!/usr/bin/env bash
# pedalboard 0.9.26, soundfile 0.14.0.
# AudioFile divides what it reads from 16 bits by 32767 and multiplies by 32768 and rounds down what it writes: each time that a file is
# read and written, every negative sample but -32768 becomes one less, and positive ones stay. After four passes silence at -1 is
# -5. It holds for WAV, FLAC and AIFF alike, and -32768 is read as -1.00003, beyond full scale. soundfile reads and writes the same file
# again and again without a change. One would expect a lossless format to come back as it was.
# Way round: soundfile for PCM, or frames read as int16 with read_raw.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pedalboard==0.9.26 soundfile==0.14.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import numpy, soundfile
from pedalboard.io import AudioFile

every = numpy.arange(-32768, 32768, dtype=numpy.int16)


def by_pedalboard(name):
    with AudioFile(name) as file:
        sound = file.read(file.frames)
    with AudioFile(name, "w", 48000, 1, bit_depth=16) as file:
        file.write(sound)


def by_soundfile(name):
    soundfile.write(name, soundfile.read(name, dtype="float32")[0], 48000, subtype="PCM_16")


seen = {}
for library in (by_pedalboard, by_soundfile):
    for ending in ("wav", "flac"):
        name = f"{library.__name__}.{ending}"
        soundfile.write(name, every, 48000, subtype="PCM_16")
        for _ in range(4):
            library(name)
        change = soundfile.read(name, dtype="int16")[0].astype(int) - every
        seen[name] = (int((change != 0).sum()), int(change.min()), int(change[32768:].max()))
        print(f"{name}, four passes: {seen[name][0]} of 65536 values changed, by {seen[name][1]} at most; positive ones by {seen[name][2]}")
sys.exit(not (all(seen[f"by_pedalboard.{e}"] == (32767, -4, 0) and seen[f"by_soundfile.{e}"] == (0, 0, 0) for e in ("wav", "flac"))))
PYTHON
