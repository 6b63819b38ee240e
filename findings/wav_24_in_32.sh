#!/usr/bin/env bash
# av 18.1.0 (ffmpeg inside), soundfile 0.14.0, scipy 1.17.1.
# A WAV file of the extensible kind may keep 24-bit samples in the upper bytes of 32 bits (wBitsPerSample 32, wValidBitsPerSample 24, PCM); it is
# Microsoft's own example. ffmpeg takes the valid bits for the size, finds four bytes, and believes in an old 24-bit float of Adobe
# Audition (its codec pcm_f24le): out comes noise with NaN, without a warning. soundfile and scipy read the samples. 20 valid bits in 24, or
# 32 in 32, are read well by all. One would expect the samples, with the lowest byte zero.
# Way round: set the valid bits to 32 before ffmpeg sees the file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check av==18.1.0 soundfile==0.14.0 scipy==1.17.1 numpy==2.4.6
env/bin/python - <<'PYTHON'
import struct, sys
import av, numpy, soundfile
from scipy.io import wavfile

samples = numpy.array([0x123456, -0x123456, 0x7FFFFF, -0x800000], numpy.int32) << 8  # 24 bits in the upper three bytes
pcm = bytes.fromhex("0100000000001000800000aa00389b71")  # KSDATAFORMAT_SUBTYPE_PCM


def write(name, valid):
    data = samples.astype("<i4").tobytes()
    form = struct.pack("<HHIIHHHHI", 0xFFFE, 1, 48000, 4 * 48000, 4, 32, 22, valid, 4) + pcm
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", len(data)) + data
    with open(name, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", len(body)) + body)


seen = {}
for valid in (24, 32):
    write("file.wav", valid)
    with av.open("file.wav") as container:
        codec = container.streams.audio[0].codec_context.name
        decoded = numpy.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    right = [bool((soundfile.read("file.wav", dtype="int32")[0] == samples).all()), bool((wavfile.read("file.wav")[1] == samples).all())]
    seen[valid] = (codec, bool(numpy.array_equal(decoded, samples)), right)
    print(f"{valid} valid bits of 32: ffmpeg {codec} {decoded.tolist()}; right in soundfile, scipy: {right}")
print(f"written: {samples.tolist()}")
sys.exit(not (seen == {24: ("pcm_f24le", False, [True, True]), 32: ("pcm_s32le", True, [True, True])}))
PYTHON
