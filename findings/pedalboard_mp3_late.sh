#!/usr/bin/env bash
# pedalboard 0.9.26, soundfile 0.14.0 (libsndfile with LAME inside).
# An MP3 file tells in its LAME tag how many samples the encoder put before the music and behind it. soundfile writes the tag and keeps to
# it when it reads: 48000 frames come back, in their places. pedalboard's AudioFile reads the same file with 49536 frames, the music
# 1105 frames (23 ms) late, and its own MP3 files come back late too. One would expect the frames in their places, or a figure to cut by:
# stems of a song in MP3 and in FLAC, both read by pedalboard, are 23 ms apart. Way round: read MP3 by soundfile.
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

rate = 48000
noise = 0.1 * numpy.random.default_rng(0).standard_normal(rate)
smooth = numpy.convolve(noise, numpy.hanning(16) / 4, "same")  # what MP3 can keep


def late(sound):
    """How many frames later the noise is found in a sound."""
    spectrum = numpy.fft.rfft(sound, 2 * rate) * numpy.conj(numpy.fft.rfft(smooth, 2 * rate))
    return int(numpy.argmax(numpy.fft.irfft(spectrum)))


def read(name):
    with AudioFile(name) as file:
        return file.read(file.frames)[0]


soundfile.write("by_soundfile.mp3", smooth, rate)
with AudioFile("by_pedalboard.mp3", "w", rate, 1) as file:
    file.write(smooth.astype(numpy.float32))
seen = []
for name in ("by_soundfile.mp3", "by_pedalboard.mp3"):
    for reader, sound in (("soundfile", soundfile.read(name)[0]), ("pedalboard", read(name))):
        seen.append((len(sound), late(sound)))
        print(f"{name} read by {reader}: {len(sound)} frames of {rate}, {late(sound)} late")
sys.exit(not (seen[0] == (rate, 0) and seen[1] == (49536, 1105) and seen[3][1] > 0))
PYTHON
