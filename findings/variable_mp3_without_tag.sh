#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2, with mpg123), pedalboard 0.9.26, mutagen 1.48.1, lameenc 1.9.0, imageio-ffmpeg 0.6.0 (ffmpeg 7.0.2),
# miniaudio 1.71, av 18.1.0.
# MP3 with a variable bit rate tells its length in a Xing tag, which is written into the first frame at the end. Who cannot go back there writes
# none: lameenc, and ffmpeg into a pipe. soundfile, and librosa with it, then takes the bit rate of the first frame for all, and reads no further
# than the length that comes of it: 1.6 of 10 s of a tone, 3.4 of a tone that grows to noise. pedalboard reads the same, and of noise that fades
# to a tone 2.1 s. mutagen tells these lengths too.
# One would expect all frames, as miniaudio and PyAV read them; for a file without a tag mpg123 itself is made to scan it all (mpg123_scan).
# libsndfile's issue 1001 says only that the count may be wrong. Way round, shown: write a constant bit rate or into a file, read with PyAV.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 pedalboard==0.9.26 mutagen==1.48.1 lameenc==1.9.0 \
  imageio-ffmpeg==0.6.0 miniaudio==1.71 av==18.1.0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import subprocess
import sys
import av
import imageio_ffmpeg
import lameenc
import miniaudio
import mutagen
import numpy
import pedalboard.io
import soundfile

RATE = 44100
time = numpy.arange(10 * RATE) / RATE
tone = 0.4 * numpy.sin(2 * numpy.pi * 220 * time)
noise = 0.1 * numpy.random.default_rng(0).standard_normal(len(time))
sounds = {"tone": tone, "tone, then noise": numpy.where(time < 3, tone, noise), "noise, then tone": numpy.where(time < 3, noise, tone)}


def lame(samples, variable):
    encoder = lameenc.Encoder()
    encoder.silence()
    encoder.set_channels(1)
    encoder.set_in_sample_rate(RATE)
    if variable:
        encoder.set_vbr(4)
        encoder.set_vbr_quality(2)
    return bytes(encoder.encode(samples)) + bytes(encoder.flush())


def ffmpeg(samples, file):
    command = f"{imageio_ffmpeg.get_ffmpeg_exe()} -v error -f s16le -ar {RATE} -ac 1 -i - -q:a 2 -f mp3 -y {file}"
    return subprocess.run(command.split(), input=samples, capture_output=True, check=True).stdout


def seconds(file):
    """How long each reader makes the file."""
    with av.open(file) as container:
        frames = sum(frame.samples for frame in container.decode(audio=0))
    with pedalboard.io.AudioFile(file) as opened:
        pedals = opened.read(opened.frames).shape[1]
    found = {
        "soundfile": len(soundfile.read(file)[0]) / RATE, "pedalboard": pedals / RATE, "mutagen": mutagen.File(file).info.length,
        "miniaudio": miniaudio.decode_file(file, nchannels=1, sample_rate=RATE).num_frames / RATE, "av": frames / RATE,
    }
    return {reader: round(length, 1) for reader, length in found.items()}


seen = {}
for name, sound in sounds.items():
    samples = (32767 * numpy.clip(sound, -1, 1)).astype("<i2").tobytes()
    ffmpeg(samples, "file.mp3")
    written = {"lameenc": lame(samples, True), "ffmpeg, pipe": ffmpeg(samples, "-"), "ffmpeg, file": open("file.mp3", "rb").read()}
    written["lameenc, constant"] = lame(samples, False)
    for writer, content in written.items():
        with open("sound.mp3", "wb") as file:
            file.write(content)
        seen[name, writer] = seconds("sound.mp3")
        tag = "with" if b"Xing" in content[:400] else "without"
        print(f"10 s of {name}, {writer}, {tag} a Xing tag: " + ", ".join(f"{reader} {length}" for reader, length in seen[name, writer].items()))
right = all(found["miniaudio"] == found["av"] == 10.0 for found in seen.values())
right &= all(9.9 < length < 10.1 for key, found in seen.items() for length in found.values() if key[1] in ("ffmpeg, file", "lameenc, constant"))
short = {name: [seen[name, writer][reader] for writer in ("lameenc", "ffmpeg, pipe") for reader in ("soundfile", "pedalboard", "mutagen")] for name in sounds}
sys.exit(not (right and all(length < 5 for lengths in short.values() for length in lengths)))
PYTHON
