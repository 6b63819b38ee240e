#!/usr/bin/env bash
# audiotsm 0.1.2, numpy 2.4.6.
# Stretching of time by a phase vocoder or by WSOLA, at a speed of 1 too. The phase vocoder begins with a click: a sine of level 1 peaks at 3.45,
# 11 dB above it, in the first 512 samples. Both are 512 samples late and leave out what comes last: of 44100 samples the phase vocoder gives
# 43008 and WSOLA 42496, 25 and 36 ms too few, and at half the speed twice as much is missing. Plain overlap-add (ola) is in time.
# One would expect the length divided by the speed, as librosa's time_stretch gives it, and no level above that of the sound.
# Way round, shown at a speed of 1: put 2048 zeros before the sound and 4096 behind, cut 2048 + 512 samples at the beginning, the rest at the end.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check audiotsm==0.1.2 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import audiotsm
import numpy
from audiotsm.io.array import ArrayReader, ArrayWriter


def stretched(name, sound, speed):
    writer = ArrayWriter(1)
    getattr(audiotsm, name)(1, speed=speed).run(ArrayReader(sound[None]), writer)
    return writer.data[0]


sine = numpy.sin(2 * numpy.pi * 440 * numpy.arange(44100) / 44100).astype(numpy.float32)
noise = numpy.random.default_rng(0).standard_normal(44100).astype(numpy.float32)
seen = {}
for name in ("ola", "wsola", "phasevocoder"):
    same, slow = stretched(name, sine, 1), stretched(name, sine, 0.5)
    spectra = [numpy.fft.rfft(sound, 131072) for sound in (stretched(name, noise, 1), noise)]
    late = int(numpy.argmax(numpy.fft.irfft(spectra[0] * spectra[1].conj())))
    seen[name] = (len(same), len(slow), late, round(float(numpy.abs(same[:512]).max()), 2))
    print(f"{name}: 44100 samples become {len(same)}, at half the speed {len(slow)}; {late} late; peak at the start {seen[name][3]}")
padded = stretched("phasevocoder", numpy.pad(sine, (2048, 4096)), 1)[2048 + 512:][:44100]
print(f"phasevocoder with zeros around the sine: {len(padded)} samples, at most {float(numpy.abs(padded - sine).max()):.4f} from it")
sys.exit(seen != {
    "ola": (43904, 87936, 0, 1.0), "wsola": (42496, 84992, 512, 0.99), "phasevocoder": (43008, 86016, 512, 3.45)
} or len(padded) != 44100 or float(numpy.abs(padded - sine).max()) > 0.01)
PYTHON
