#!/usr/bin/env bash
# fast-mp3-augment 0.2.0 (the recommended backend of audiomentations' Mp3Compression), soundfile 0.14.0.
# The last 529 samples of what it gives back are zeros, whatever the rate and the bit rate: 33 ms at 16 kHz, 12 ms at 44.1. A model that is
# trained on such clips sees the mark of an MP3 at the end of each, which no MP3 has: the delay of the decoder is cut off at the start, but the
# encoder is not given as much silence at the end as would push the last samples out.
# One would expect the whole clip, as its documentation says ("length and timing will match the input") and as libsndfile gives it back.
# Way round: put 529 zeros behind the clip, and take them off again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check fast-mp3-augment==0.2.0 soundfile==0.14.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import io, sys
import fast_mp3_augment, numpy, soundfile


def whole(samples, rate):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="MP3")
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0]


zeros_at_end = lambda samples: len(samples) - 1 - int(numpy.nonzero(numpy.abs(samples) > 1e-4)[0][-1])
fine = True
for rate in (16000, 44100, 48000):
    for kbits in (32, 128):
        for seconds in (0.5, 2):
            tone = (0.5 * numpy.cos(2 * numpy.pi * 440 * numpy.arange(int(rate * seconds)) / rate)).astype(numpy.float32)
            here = fast_mp3_augment.compress_roundtrip(tone, rate, kbits, preserve_delay=False)
            padded = fast_mp3_augment.compress_roundtrip(numpy.pad(tone, (0, 529)), rate, kbits, preserve_delay=False)[: len(tone)]
            there = whole(tone, rate)
            ends = [zeros_at_end(samples) for samples in (here, padded, there)]
            print(f"{rate} Hz, {kbits} kbit/s, {seconds} s: {len(here)} of {len(tone)} samples, {ends[0]} zeros at the end "
                  f"({1000 * ends[0] / rate:.0f} ms), {ends[1]} with 529 behind, {ends[2]} in libsndfile")
            fine &= 525 <= ends[0] <= 530 and ends[1] < 20 and ends[2] < 20 and len(here) == len(there) == len(tone)
sys.exit(not fine)
PYTHON
