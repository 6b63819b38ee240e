#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile), mutagen 1.48.1, ffmpeg as of imageio-ffmpeg 0.8.1.
# ffmpeg cannot go back in a pipe, so the FLAC file it writes there has 0 as its number of samples, which FLAC's STREAMINFO defines as
# "unknown". soundfile tells 2^63 - 1 frames for it and `soundfile.read` fails with "array is too big"; reading block by block fails in
# the last one ("Internal psf_fseek() failed"); mutagen tells 0 seconds.
# One would expect that it is read to its end, as ffmpeg does, or that its length is said to be unknown.
# Way round: let ffmpeg write a file, or pipe WAV.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6 mutagen==1.48.1 imageio-ffmpeg==0.8.1
env/bin/python - <<'PYTHON'
import subprocess, sys
import imageio_ffmpeg, mutagen, numpy, soundfile

soundfile.write("tone.wav", 0.5 * numpy.sin(numpy.arange(48000) / 20), 48000)
command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", "tone.wav", "-f", "flac", "-"]
with open("piped.flac", "wb") as file:
    file.write(subprocess.run(command, check=True, capture_output=True).stdout)

frames = soundfile.info("piped.flac").frames
seconds = mutagen.File("piped.flac").info.length
try:
    read = str(len(soundfile.read("piped.flac")[0]))
except ValueError as error:
    read = f"ValueError: {error}"
in_blocks = "none"
try:
    with soundfile.SoundFile("piped.flac") as file:
        while len(file.read(4096)):
            pass
except soundfile.LibsndfileError as error:
    in_blocks = str(error)
print(f"written 48000 frames; soundfile.info {frames}; soundfile.read {read}; error in blocks: {in_blocks}; mutagen {seconds} s")
sys.exit(not (frames == 2**63 - 1 and "too big" in read and "psf_fseek" in in_blocks and seconds == 0))
PYTHON
