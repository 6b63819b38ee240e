#!/usr/bin/env bash
# tinytag 2.3.2, mutagen 1.48.1, imageio-ffmpeg 0.8.1 (pip): what both readers say of 30 seconds of noise.
# An .aac file (ADTS, as `ffmpeg -c:a aac out.aac` writes it) is read by tinytag as if it were MP3, and what looks like a header in the midst of
# the data is believed: of 30 s at 48 kHz it makes 0.4 s at 44.1 kHz, of others 0.04 s at 16 kHz. FLAC in Ogg lasts 0 s. No error is raised.
# mutagen reads both, but its length of an M4A holds the encoder's delay, 0.02 s that no player plays, which tinytag leaves out as the file says.
# One would expect the length that is played, or an error for a format that is not read. Way round: mutagen for .aac and .ogg, tinytag for .m4a.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check tinytag==2.3.2 mutagen==1.48.1 imageio-ffmpeg==0.8.1
env/bin/python - <<'PYTHON'
import subprocess, sys
import imageio_ffmpeg, mutagen, tinytag

seen = {}
for rate in (48000, 44100):
    for name, codec in (("noise.aac", "aac"), ("noise.ogg", "flac"), ("noise.m4a", "aac")):
        noise = f"anoisesrc=d=30:a=0.3:r={rate}:seed=1"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-loglevel", "error", "-f", "lavfi", "-i", noise, "-ac", "2", "-c:a", codec, name]
        subprocess.run(command, check=True)
        tiny, other = tinytag.TinyTag.get(name), mutagen.File(name).info
        seen[name, rate] = tiny.duration, tiny.samplerate, other.length, other.sample_rate
        print(f"{name} ({codec}, 30 s at {rate} Hz): tinytag {tiny.duration:.3f} s at {tiny.samplerate} Hz, mutagen {other.length:.3f} s at {other.sample_rate} Hz")
sys.exit(not all(
    seen["noise.aac", rate][0] < 15 and abs(seen["noise.aac", rate][2] - 30) < 0.5 and seen["noise.aac", rate][3] == rate
    and seen["noise.ogg", rate][0] == 0 and abs(seen["noise.ogg", rate][2] - 30) < 1e-3
    and abs(seen["noise.m4a", rate][0] - 30) < 1e-3 and 0.02 < seen["noise.m4a", rate][2] - 30 < 0.03
    for rate in (48000, 44100)
))
PYTHON
