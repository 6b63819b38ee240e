#!/usr/bin/env bash
# soundfile 0.14.0, mutagen 1.48.1, tinytag 2.3.2, miniaudio 1.71, pedalboard 0.9.26, av 18.1.0 (ffmpeg).
# Ogg files may be laid one behind the other: the result is a chain, which is a valid Ogg file that plays all of them (web radio
# makes such files). Of a chain of 1 s and 2 s, soundfile and miniaudio read 1 s and end without an error; mutagen and tinytag tell 1 s;
# the container of ffmpeg tells 2 s, the length of the last; pedalboard (the same Vorbis, another reader) and the decoder of ffmpeg give 3 s.
# With Opus it is the same. One would expect 3 s from all that open the file. Way round: decode to the end with ffmpeg, and count.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 mutagen==1.48.1 tinytag==2.3.2 miniaudio==1.71 pedalboard==0.9.26 \
  av==18.1.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import av, miniaudio, mutagen, numpy, soundfile
from pedalboard.io import AudioFile
from tinytag import TinyTag

rate = 48000


def lengths(name, codec):
    """The seconds of a chain of 1 s and 2 s, as seven readers have it."""
    with open(name, "wb") as chain:
        for seconds in (1, 2):
            soundfile.write("part.ogg", 0.5 * numpy.sin(numpy.arange(seconds * rate) / 20), rate, format="OGG", subtype=codec)
            with open("part.ogg", "rb") as part:
                chain.write(part.read())
    with av.open(name) as container:
        found = {"av container": container.duration / 1e6}
        found["av decoder"] = sum(frame.samples for frame in container.decode(audio=0)) / rate
    found["soundfile"] = len(soundfile.read(name)[0]) / rate
    found["mutagen"] = mutagen.File(name).info.length
    found["tinytag"] = TinyTag.get(name).duration
    if codec == "VORBIS":
        found["miniaudio"] = miniaudio.decode_file(name, nchannels=1, sample_rate=rate).num_frames / rate
        with AudioFile(name) as file:
            found["pedalboard"] = file.read(file.frames).shape[1] / rate
    print(f"{codec}: " + ", ".join(f"{reader} {seconds:.3f} s" for reader, seconds in found.items()))
    return {reader: round(seconds) for reader, seconds in found.items()}


both = {"av container": 2, "av decoder": 3, "soundfile": 1, "mutagen": 1, "tinytag": 1}
sys.exit(not (lengths("chain.opus", "OPUS") == both and lengths("chain.ogg", "VORBIS") == {**both, "miniaudio": 1, "pedalboard": 3}))
PYTHON
