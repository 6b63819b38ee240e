#!/usr/bin/env bash
# soundfile 0.14.0 (libsndfile 1.2.2), against av 18.1.0 (ffmpeg).
# Surround sound in Ogg has an order of its own: in Vorbis and Opus 5.1 is left, centre, right, left and right surround, low frequencies; in
# WAV and FLAC it is left, right, centre, low frequencies, left and right surround. libsndfile maps neither when it writes nor when it reads:
# from WAV to Ogg the centre plays on the right, the right in the centre, the bass in the left surround and the left surround in the right one;
# the right surround goes to the subwoofer, where only its lowest tones are kept. The same music as FLAC is in its place. A film track
# that ffmpeg wrote as Opus is read in the other order too. One would expect one order for all formats of one library, or a channel map.
# Way round: write x[:, [0, 2, 1, 4, 5, 3]] and read x[:, [0, 2, 1, 5, 3, 4]] where the container is Ogg.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 av==18.1.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import av
import numpy
import soundfile

speakers = ("left", "right", "centre", "low", "left surround", "right surround")  # the order of WAV, and of ffmpeg's layout 5.1
loud = numpy.array([0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
tone = numpy.sin(2 * numpy.pi * 440 * numpy.arange(96_000) / 48_000)
amplitudes = lambda sound: (numpy.sqrt((sound[..., 24_000:72_000] ** 2).mean(-1)) * 2**0.5).round(2).tolist()
seen = {}
for name, format, subtype in ("flac", "FLAC", "PCM_16"), ("vorbis", "OGG", "VORBIS"), ("opus", "OGG", "OPUS"):
    soundfile.write(name, tone[:, None] * loud, 48_000, format=format, subtype=subtype)
    with av.open(name) as file:
        resampler = av.AudioResampler(format="fltp", layout="5.1")
        frames = [piece.to_ndarray() for frame in file.decode(audio=0) for piece in resampler.resample(frame)]
    seen[name] = amplitudes(numpy.concatenate(frames, 1))
    print(f"{name}, written by soundfile, read by ffmpeg: {dict(zip(speakers, seen[name]))}")
    print(f"{name}, written and read by soundfile: {amplitudes(soundfile.read(name)[0].T)}")
mapped = numpy.array([0.05, 0.15, 0.1, 0, 0.2, 0.25])  # the right surround, 0.3, is nearly gone
right = numpy.allclose(seen["flac"], loud, atol=0.01)
sys.exit(not (right and all(numpy.allclose(seen[name], mapped, atol=0.04) for name in ("vorbis", "opus"))))
PYTHON
