#!/usr/bin/env bash
# ffmpeg as of imageio-ffmpeg 0.8.1, soundfile 0.14.0 (libsndfile, libvorbis).
# The last page of an Ogg Vorbis file says where the music ends. ffmpeg's decoder does not cut there: one second comes back with up to
# 448 frames more or 256 frames fewer, by the sample rate; soundfile returns what was written. The frames that both have are the same.
# ffmpeg does so with files that it encoded itself (libvorbis) too. One would expect as many frames as were written, as Opus and MP3 give.
# A loop or a comparison to the sample needs another decoder.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6 imageio-ffmpeg==0.8.1
env/bin/python - <<'PYTHON'
import struct, subprocess, sys
import imageio_ffmpeg, numpy, soundfile

ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
seen = {}
for rate in (16000, 24000, 44100, 48000):
    soundfile.write("tone.ogg", 0.3 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(rate) / rate), rate, format="OGG", subtype="VORBIS")
    data = open("tone.ogg", "rb").read()
    end = struct.unpack("<q", data[data.rfind(b"OggS") + 6 :][:8])[0]
    raw = subprocess.run([ffmpeg, "-v", "error", "-i", "tone.ogg", "-f", "f32le", "-"], check=True, capture_output=True).stdout
    theirs = numpy.frombuffer(raw, "<f4")
    ours = soundfile.read("tone.ogg", dtype="float32")[0]
    common = min(len(ours), len(theirs))
    same = numpy.abs(ours[:common] - theirs[:common]).max() < 1e-6
    seen[rate] = len(theirs) - rate
    print(f"{rate} Hz: {rate} frames written, end in the file {end}, soundfile {len(ours)}, ffmpeg {len(theirs)} ({seen[rate]:+d}), rest the same: {same}")
    if end != rate or len(ours) != rate or not same:
        sys.exit(1)
sys.exit(seen != {16000: -256, 24000: 448, 44100: -128, 48000: -128})
PYTHON
