#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile).
# A WAV file may have its loop points ("smpl") and markers ("cue ") behind the audio, where most samplers write them. Opened with "r+" and
# closed, with nothing done in between, libsndfile writes them in front of the audio without moving it: the first samples are
# overwritten, the music begins some milliseconds late and is that much shorter, and chunks that it does not know (names of markers,
# "inst", "acid") are cut off. One would expect an unchanged file, or an error. Way round: never "r+" on a file that soundfile did not write.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import struct, sys
import numpy, soundfile

chunk = lambda name, data: name + struct.pack("<I", len(data)) + data
samples = numpy.arange(2000, dtype="<i2")
form = struct.pack("<HHIIHH", 1, 1, 48000, 96000, 2, 16)
loop = struct.pack("<9I", 0, 0, 20833, 60, 0, 0, 0, 1, 0) + struct.pack("<6I", 0, 0, 100, 1899, 0, 0)
marker = struct.pack("<I", 1) + struct.pack("<II4sIII", 1, 500, b"data", 0, 0, 500)
names = b"adtl" + chunk(b"labl", struct.pack("<I", 1) + b"verse\0")


def chunks():
    """Names of the chunks of the file, in their order."""
    with open("loop.wav", "rb") as file:
        data = file.read()
    at, found = 12, []
    while at + 8 <= len(data):
        found.append(data[at : at + 4].decode().strip())
        at += 8 + struct.unpack("<I", data[at + 4 : at + 8])[0]
    return found


def see(*behind):
    """Write a file with these chunks behind the audio, open it with "r+", close it, and look."""
    body = b"WAVE" + chunk(b"fmt ", form) + chunk(b"data", samples.tobytes()) + b"".join(behind)
    with open("loop.wav", "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", len(body)) + body)
    before = chunks(), len(soundfile.read("loop.wav")[0])
    soundfile.SoundFile("loop.wav", "r+").close()
    read = soundfile.read("loop.wav", dtype="int16")[0]
    print(f"before {before}; after {chunks()}, {len(read)} frames, the first is number {read[0]}")
    return len(read), int(read[0]), chunks()


bare = see()
looped = see(chunk(b"smpl", loop), chunk(b"cue ", marker), chunk(b"LIST", names))
sys.exit(not (bare[:2] == (2000, 0) and looped[0] == 2000 - looped[1] and looped[1] > 0 and looped[2] == ["fmt", "cue", "smpl", "data"]))
PYTHON
