#!/usr/bin/env bash
# lameenc 1.9.0, imageio-ffmpeg 0.8.1 (libmp3lame), soundfile 0.14.0 (libsndfile): three ways to LAME.
# LAME makes the sound quieter before it encodes, by how much depends on the bit rate: at constant 128 kbit/s, as at all up to 160, by 0.45 dB
# (a factor of 0.95), at 192 by 0.26, at 224 by 0.18, from 256 on not at all. Variable bit rates of the same library are at full level, and so
# is AAC. A song that was brought to -14 LUFS is delivered at -14.45, and two bit rates compared by ear are not at one loudness.
# One would expect the level that went in, as from each other encoder.
# Way round: a variable bit rate, or 256 kbit/s and more; or the samples times 1 / 0.95 where their peaks allow it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check lameenc==1.9.0 imageio-ffmpeg==0.8.1 soundfile==0.14.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import io, subprocess, sys
import imageio_ffmpeg, lameenc, numpy, soundfile

RATE = 44100
sound = (0.25 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(3 * RATE) / RATE)).astype(numpy.float32)
soundfile.write("sound.wav", sound, RATE)
rms = lambda samples: float(numpy.sqrt(numpy.mean(numpy.square(samples[RATE : 2 * RATE], dtype=float))))


def change(file):
    samples, rate = soundfile.read(file, dtype="float32")
    assert rate == RATE
    return round(float(20 * numpy.log10(rms(samples) / rms(sound))), 2)


def ffmpeg(name, *options):
    for arguments in (["-i", "sound.wav", *options, name], ["-i", name, name + ".wav"]):
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments], check=True)
    return change(name + ".wav")


def direct(rate):
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(rate)
    encoder.set_in_sample_rate(RATE)
    encoder.set_channels(1)
    encoder.silence()
    data = encoder.encode(numpy.round(sound * 32767).astype(numpy.int16).tobytes()) + encoder.flush()
    return change(io.BytesIO(bytes(data)))


def sndfile(level, mode):
    soundfile.write("sndfile.mp3", sound, RATE, format="MP3", compression_level=level, bitrate_mode=mode)
    return change("sndfile.mp3")


RATES = (96, 128, 160, 192, 224, 256, 320)
lame = {rate: direct(rate) for rate in RATES}
seen = {rate: ffmpeg(f"{rate}.mp3", "-c:a", "libmp3lame", "-b:a", f"{rate}k") for rate in RATES}
variable = [ffmpeg(f"v{quality}.mp3", "-c:a", "libmp3lame", "-q:a", str(quality)) for quality in (0, 2, 4)]
libsndfile = [sndfile(0.5, "CONSTANT"), sndfile(0, "CONSTANT"), sndfile(0.5, "VARIABLE")]
aac = ffmpeg("sound.m4a", "-c:a", "aac", "-b:a", "128k")
print("change of level in dB, by kbit/s: lameenc", lame)
print("ffmpeg", seen, "variable", variable, "AAC", aac)
print("soundfile, constant at half and least compression, variable:", libsndfile)
expected = {96: -0.45, 128: -0.45, 160: -0.45, 192: -0.27, 224: -0.18, 256: 0, 320: 0}
near = lambda a, b: abs(a - b) < 0.03
sys.exit(not (
    all(near(found[rate], level) for found in (lame, seen) for rate, level in expected.items())
    and all(near(level, 0) for level in (*variable, aac)) and near(libsndfile[0], -0.45) and near(libsndfile[1], 0) and near(libsndfile[2], 0)
))
PYTHON
