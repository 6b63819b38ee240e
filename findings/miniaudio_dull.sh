#!/usr/bin/env bash
# miniaudio 1.71 (pip): decode_file() of tones in a WAV file of 48 kHz.
# Its default is sample_rate=44100, whatever the file has, through a linear interpolation with a gentle filter: from 48 kHz a tone of 5 kHz is
# 0.3 dB too quiet, one of 10 kHz 1.2 dB, one of 15 kHz 2.7 dB, one of 20 kHz 4.2 dB. To 24 kHz a tone of 15 kHz comes back as 9 kHz at -14 dB, to
# 16 kHz one of 9 kHz as 7 kHz at -6 dB. There is no option for a better one.
# One would expect the file's own rate, or a flat response as in soundfile with soxr (0.0 dB at 15 kHz, nothing above the new band).
# Way round: sample_rate=miniaudio.get_file_info(name).sample_rate, and soxr behind it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check miniaudio==1.71 soundfile==0.14.0 soxr==1.1.0 numpy==2.4.6
env/bin/python - <<'PYTHON'
import sys
import miniaudio, numpy, soundfile, soxr

rate = 48000
seconds = numpy.arange(rate) / rate


def measure(samples, out):
    """Level against the tone of 0.5 in dB, and the frequency that is loudest."""
    samples = numpy.asarray(samples)[1000:-1000]
    level = 20 * numpy.log10(numpy.sqrt(2 * numpy.mean(samples**2)) / 0.5 + 1e-9)
    loudest = numpy.abs(numpy.fft.rfft(samples * numpy.hanning(len(samples)))).argmax() * out / len(samples)
    return round(float(level), 1), round(float(loudest), -2)


seen = {}
for tone, out in ((1000, None), (5000, None), (10000, None), (15000, None), (20000, None), (15000, 24000), (9000, 16000)):
    signal = 0.5 * numpy.sin(2 * numpy.pi * tone * seconds)
    soundfile.write("tone.wav", signal, rate, subtype="PCM_24")
    options = {} if out is None else {"sample_rate": out}
    decoded = miniaudio.decode_file("tone.wav", output_format=miniaudio.SampleFormat.FLOAT32, nchannels=1, **options)
    seen[tone, out] = measure(decoded.samples, decoded.sample_rate)
    reference = measure(soxr.resample(signal, rate, decoded.sample_rate), decoded.sample_rate)
    print(f"{tone} Hz at {decoded.sample_rate} Hz: {seen[tone, out][0]} dB at {seen[tone, out][1]:g} Hz; soxr {reference[0]} dB")
sys.exit(not (
    seen[1000, None][0] > -0.1 and -1.5 < seen[10000, None][0] < -1 and -3 < seen[15000, None][0] < -2.4 and -4.5 < seen[20000, None][0] < -3.9
    and seen[15000, 24000][1] == 9000 and seen[15000, 24000][0] > -15 and seen[9000, 16000][1] == 7000 and seen[9000, 16000][0] > -7
))
PYTHON
