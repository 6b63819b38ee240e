#!/usr/bin/env bash
# soxr 1.1.0 (libsoxr inside), numpy 2.4.6.
# `soxr.resample` of int16 adds dither that nobody asked for, and that its documentation does not name: digital silence comes out with a
# quarter of its samples at -1 or 1, even at a ratio of one. A file read in blocks (ResampleStream) gets other noise than the same file in
# one call, so that a third of the samples differ; in float32 and int32 there is neither noise nor difference.
# One would expect zeros from zeros, the same samples in blocks as in one piece, and no change at all from 48000 to 48000.
# Way round: resample in float32 and round once, where silence, hashes or exact joins matter.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soxr==1.1.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import numpy, soxr

seen = {}
for kind in ("int16", "int32", "float32"):
    silence = numpy.zeros(48000, kind)
    noisy = [round(float(numpy.mean(soxr.resample(silence, 48000, rate) != 0)), 2) for rate in (44100, 48000, 96000)]
    tone = numpy.round(3000 * numpy.sin(numpy.arange(48000) / 20)).astype(kind)
    whole = soxr.resample(tone, 48000, 44100)
    stream = soxr.ResampleStream(48000, 44100, 1, dtype=kind)
    blocks = [stream.resample_chunk(tone[at : at + 4800], last=at + 4800 == len(tone)) for at in range(0, len(tone), 4800)]
    joined = numpy.concatenate(blocks)
    differ = round(float(numpy.mean(joined != whole)), 2)
    seen[kind] = (min(noisy), max(noisy), differ)
    print(f"{kind}: share of silence that is not 0 at 44100, 48000, 96000 Hz {noisy}; share of a tone that differs when read in blocks {differ}")
low, high, differ = seen["int16"]
sys.exit(not (0.15 < low <= high < 0.35 and differ > 0.2 and seen["int32"] == seen["float32"] == (0, 0, 0)))
PYTHON
