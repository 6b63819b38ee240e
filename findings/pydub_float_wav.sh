#!/usr/bin/env bash
# pydub 0.25.1 (the newest), imageio-ffmpeg 0.6.0 (ffmpeg 7.0.2), soundfile 0.14.0.
# `AudioSegment.from_file` reads a WAV file of 32-bit floats in the extensible format as 32-bit integers: a tone at -20 dBFS becomes
# noise at full level, without a word. ffmpeg (`-c:a pcm_f32le`) writes that format at 96 kHz and with more than two channels, so that a
# 5.1 mix is noise while its stereo fold from the same command is read well.
# One would expect the tone, which libsndfile reads from the same files, or an error: the subformat in the file tells what its samples are.
# Way round: read with soundfile, or let ffmpeg write pcm_s24le or pcm_s32le.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pydub==0.25.1 imageio-ffmpeg==0.6.0 soundfile==0.14.0 numpy==2.4.6 setuptools==80.9.0
env/bin/python -W ignore - <<'PYTHON'
import subprocess, sys
import imageio_ffmpeg, numpy, soundfile
from pydub import AudioSegment

tone = 0.1 * numpy.sqrt(2) * numpy.sin(2 * numpy.pi * 440 * numpy.arange(48_000) / 48_000)  # -20 dB of full scale (RMS)
soundfile.write("tone.wav", tone, 48_000, subtype="DOUBLE")
levels = {}
for name, options in {"48 kHz mono": [], "96 kHz mono": ["-ar", "96000"], "quad": ["-af", "pan=4c|c0=c0|c1=c0|c2=c0|c3=c0"]}.items():
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-i", "tone.wav", *options, "-c:a", "pcm_f32le", "floats.wav"]
    subprocess.run(command, check=True)
    samples, _ = soundfile.read("floats.wav")
    right = 10 * numpy.log10(numpy.mean(samples**2))
    heard = AudioSegment.from_file("floats.wav")
    levels[name] = (round(right, 1), round(heard.dBFS, 1))
    form = int.from_bytes(open("floats.wav", "rb").read(22)[20:], "little")
    print(f"{name}: format {form:#06x}, libsndfile reads {right:.1f} dBFS, pydub {heard.dBFS:.1f} with peaks at {heard.max_dBFS:.1f}")
sys.exit(not (
    all(right == -20 for right, _ in levels.values())
    and levels["48 kHz mono"][1] == -20 and levels["96 kHz mono"][1] > -10 and levels["quad"][1] > -10
))
PYTHON
