#!/usr/bin/env bash
# kaldi-native-fbank 1.23.0, faster-whisper 1.2.1 (its feature extractor alone, which is numpy).
# OnlineWhisperFbank makes the mel bands that Whisper's encoder reads, 5 ms later than Whisper has them: frame i is centred at sample
# 160 i + 80 in place of 160 i. A click at sample 8000 is spread over frames 49 and 50 alike, where Whisper's own features have it in frame 50
# and little in those beside it; features of noise correlate with Whisper's at 0.59. With 80 zeros before the sound, both are the same to 3e-6.
# Nothing tells, since the number of frames is the same and the encoder reads either.
# One would expect the features that the model was trained on. Way round: put 80 zeros before the sound.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check kaldi-native-fbank==1.23.0 numpy==2.4.6
env/bin/pip install --quiet --disable-pip-version-check --no-deps faster-whisper==1.2.1
env/bin/python -W ignore - <<'PYTHON'
import importlib.util
import pathlib
import sys
import sysconfig
import kaldi_native_fbank
import numpy

# the one file, since the whole package wants its inference engine
file = pathlib.Path(sysconfig.get_paths()["purelib"], "faster_whisper", "feature_extractor.py")
spec = importlib.util.spec_from_file_location("feature_extractor", file)
extractor = importlib.util.module_from_spec(spec)
spec.loader.exec_module(extractor)


def whisper(sound):
    return extractor.FeatureExtractor()(sound, padding=0)


def kaldi(sound):
    """The bands, brought to Whisper's logarithmic scale."""
    bands = kaldi_native_fbank.OnlineWhisperFbank(kaldi_native_fbank.WhisperFeatureOptions())
    bands.accept_waveform(16000, sound.tolist())
    bands.input_finished()
    bands = numpy.log10(numpy.maximum([bands.get_frame(i) for i in range(bands.num_frames_ready)], 1e-10)).T
    return (numpy.maximum(bands, bands.max() - 8) + 4) / 4


click = numpy.zeros(16000, numpy.float32)
click[8000] = 1
noise = (0.1 * numpy.random.default_rng(0).standard_normal(16000)).astype(numpy.float32)
frames = {}
for features in (whisper, kaldi):
    loud = features(click)
    frames[features.__name__] = {int(i): round(float(loud[40, i]), 2) for i in numpy.flatnonzero(loud.max(0) > loud.min())}
    print(f"{features.__name__}: {loud.shape[1]} frames; of band 40, those with the click at sample 8000: {frames[features.__name__]}")
inner = numpy.s_[:, 5:95]  # without the ends, which are reflected in two ways
here, there = kaldi(noise)[inner], whisper(noise)[inner]
later = kaldi(numpy.concatenate([numpy.zeros(80, numpy.float32), noise])[:16000])[inner]
alike = numpy.corrcoef(here.ravel(), there.ravel())[0, 1]
apart = [float(numpy.abs(bands - there).max()) for bands in (here, later)]
print(f"noise: correlation {alike:.2f}, furthest apart {apart[0]:.2f}; with 80 zeros before it {apart[1]:.1e}")
expected = {"whisper": {49: 0.1, 50: 0.61, 51: 0.1}, "kaldi": {49: 0.51, 50: 0.51}}
sys.exit(frames != expected or not (alike < 0.7 and apart[0] > 0.5 and apart[1] < 1e-4))
PYTHON
