#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2), numpy 2.4.6.
# Random places of one open SoundFile, as loaders of training data read them: of an Ogg Vorbis file a quarter to a third of all reads begin
# with up to 1000 wrong frames, as loud as the sound itself (libsndfile issue 885). Reads of FLAC and WAV are
# exact. Opened anew for each read, as soundfile.read(start=) does, Vorbis is exact too.
# One would expect what a read of the whole file has at that place; no error is given.
# Way round: open the file for each read, or FLAC.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import numpy, soundfile

rate, length, reads = 48000, 4000, 300
random = numpy.random.default_rng(0)
time = numpy.arange(6 * rate) / rate
sound = 0.3 * numpy.sin(2 * numpy.pi * (200 + 100 * time) * time)[:, None] * [1, 0.7] + 0.05 * random.standard_normal((len(time), 2))
places = numpy.random.default_rng(1).integers(0, len(sound) - length, reads)


def compare(read, whole):
    """How many reads are not what the whole file has there, the most frames up to the last wrong one, and the largest error."""
    wrong, frames, most = 0, 0, 0.0
    for place in places:
        errors = numpy.abs(read(place) - whole[place : place + length]).max(1)
        if errors.max() > 1e-6:
            wrong, frames, most = wrong + 1, max(frames, int(numpy.nonzero(errors > 1e-6)[0][-1]) + 1), max(most, float(errors.max()))
    return wrong, frames, most


seen = {}
for name in ("music.wav", "music.flac", "music.ogg"):
    soundfile.write(name, sound, rate)
    whole = soundfile.read(name)[0]
    with soundfile.SoundFile(name) as file:

        def sought(place):
            file.seek(place)
            return file.read(length)

        one = compare(sought, whole)
    fresh = compare(lambda place: soundfile.read(name, start=place, frames=length)[0], whole)
    print(f"{name}: of {reads} reads {one[0]} wrong, for up to {one[1]} frames, by up to {one[2]:.2f}; opened for each read {fresh[0]} wrong")
    seen[name] = one, fresh
exact = (0, 0, 0.0)
sys.exit(not (
    seen["music.wav"] == seen["music.flac"] == (exact, exact) and seen["music.ogg"][1] == exact
    and 60 < seen["music.ogg"][0][0] < 120 and seen["music.ogg"][0][2] > 0.3
))
PYTHON
