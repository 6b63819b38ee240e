#!/usr/bin/env bash
# imageio-ffmpeg 0.8.1 (ffmpeg 9.0.2), av 18.1.0: files that ffmpeg wrote, decoded again by ffmpeg and by PyAV.
# Opus in MP4 comes back 488 to 648 samples longer than it went in, from the very tool that wrote it, although the length in the file is right;
# the same packets in WebM and Ogg come back exact. AAC in M4A is exact from ffmpeg's command, and up to 384 samples too long in PyAV, which
# does not cut the end as the command does. A loop then has a gap of 8 to 14 ms.
# One would expect the number of samples that went in, as the container states it. Way round: WebM, Ogg or FLAC, or cut to the stated length.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check av==18.1.0 imageio-ffmpeg==0.8.1 numpy==2.4.6 soundfile==0.14.0
env/bin/python - <<'PYTHON'
import subprocess, sys
import av, imageio_ffmpeg, numpy, soundfile

ffmpeg = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error"]
rate = 48000
seen = {}
for length in (48000, 100000, 144000):
    soundfile.write("in.wav", 0.1 * numpy.random.default_rng(1).standard_normal(length), rate)
    for name, codec in (("out.mp4", "libopus"), ("out.webm", "libopus"), ("out.ogg", "libopus"), ("out.m4a", "aac")):
        subprocess.run([*ffmpeg, "-i", "in.wav", "-c:a", codec, name], check=True)
        command = len(subprocess.run([*ffmpeg, "-i", name, "-f", "f32le", "-"], check=True, capture_output=True).stdout) // 4
        with av.open(name) as container:
            stated = round(container.duration * rate / 1e6)
            decoded = sum(frame.samples for frame in container.decode(audio=0))
        seen[name, length] = (command - length, decoded - length)
        print(f"{length} samples, {name}: {command - length:+} from ffmpeg, {decoded - length:+} from PyAV, {stated - length:+} in the stated length")
sys.exit(not (
    [seen["out.mp4", length] for length in (48000, 100000, 144000)] == [(648, 648), (488, 488), (648, 648)]
    and all(seen[name, length] == (0, 0) for name in ("out.webm", "out.ogg") for length in (48000, 100000, 144000))
    and [seen["out.m4a", length] for length in (48000, 100000, 144000)] == [(0, 128), (0, 352), (0, 384)]
))
PYTHON
