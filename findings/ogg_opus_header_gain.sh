#!/usr/bin/env bash
# ogg-opus-decoder 1.7.5, against soundfile 0.14.0 (libsndfile 1.2.2).
# The header of an Opus file holds an output gain, which RFC 7845 tells players to apply; tools that level loudness may write it there and leave
# the audio as it is. ogg-opus-decoder leaves it out: a file with -6 dB comes out as loud as before, twice as loud as from libsndfile and
# ffmpeg, and its result does not tell the gain.
# One would expect the loudness that was set. Way round: read the signed 16 bits at 16 of OpusHead and multiply by 10 ** (bits / 256 / 20).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ogg-opus-decoder@1.7.5
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6
env/bin/python - <<'PYTHON' | tee seen
import numpy
import soundfile


def checksum(page):
    """The CRC of an Ogg page, whose own field is zero."""
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc


tone = 0.2 * numpy.sin(2 * numpy.pi * 440 * numpy.arange(96_000) / 48_000)
soundfile.write("plain.opus", tone, 48_000, format="OGG", subtype="OPUS")
data = bytearray(open("plain.opus", "rb").read())
head, second = data.index(b"OpusHead"), data.index(b"OggS", 4)
data[head + 16 : head + 18] = (-6 * 256).to_bytes(2, "little", signed=True)
data[22:26] = bytes(4)
data[22:26] = checksum(data[:second]).to_bytes(4, "little")
open("quieter.opus", "wb").write(data)
for name in "plain", "quieter":
    sound, _ = soundfile.read(f"{name}.opus")
    print(f"{name}: libsndfile {abs(sound[24_000:72_000]).max():.2f}")
PYTHON
cat >see.mjs <<'JAVASCRIPT'
import { readFileSync } from 'node:fs';
import { OggOpusDecoder } from 'ogg-opus-decoder';

for (const name of ['plain', 'quieter']) {
  const decoder = new OggOpusDecoder();
  await decoder.ready;
  const { channelData } = await decoder.decodeFile(new Uint8Array(readFileSync(`${name}.opus`)));
  const loudest = channelData[0].slice(24_000, 72_000).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  console.log(`${name}: ogg-opus-decoder ${loudest.toFixed(2)}`);
  decoder.free();
}
JAVASCRIPT
node see.mjs | tee -a seen
expected='plain: libsndfile 0.20
quieter: libsndfile 0.10
plain: ogg-opus-decoder 0.20
quieter: ogg-opus-decoder 0.20'
[[ "$(cat seen)" == "$expected" ]]
