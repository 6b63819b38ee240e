#!/usr/bin/env bash
# imaadpcm 5.0.0, wavefile 11.0.0 (which has it built in), soundfile 0.14.0 (libsndfile).
# encode() leaves out the second and third sample of each block of 505, so that what follows comes 2 samples early and a step is heard every
# 63 ms at 8 kHz; the last block is not written at all, and some 1000 samples of silence are. decode() repeats the first sample of each block:
# one sample more for each, so that a minute of others' files is 119 ms late at its end, and their last block becomes silence.
# Of 8000 samples that it encodes, libsndfile reads 9090, of which those from 7575 on are silent.
# One would expect the blocks of IMA ADPCM in WAV (Microsoft's Multiple Data Standards Update, 1994): one sample in the head of each, then the
# 504 that follow it, as libsndfile and ffmpeg write and read them. Noise in fromIMAADPCM() is known (wavefile's issue 11, closed).
# Way round, shown: encode and decode with libsndfile (or ffmpeg).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund imaadpcm@5.0.0 wavefile@11.0.0
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6
cat >convert.cjs <<'JAVASCRIPT'
const { readFileSync, writeFileSync } = require('node:fs');
const imaadpcm = require('imaadpcm');
const { WaveFile } = require('wavefile');

const bytes = readFileSync('sound.raw');
const sound = new Int16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const file = new WaveFile();
file.fromScratch(1, 8000, '16', sound);
file.toIMAADPCM();
writeFileSync('wavefile.wav', file.toBuffer());
const same = Buffer.compare(Buffer.from(imaadpcm.encode(sound)), Buffer.from(file.data.samples)) === 0;
const other = new WaveFile(readFileSync('libsndfile.wav'));
const decoded = Buffer.from(imaadpcm.decode(other.data.samples, other.fmt.blockAlign).buffer);
other.fromIMAADPCM();
writeFileSync('decoded.raw', decoded);
console.log(`wavefile encodes and decodes as imaadpcm does: ${same && Buffer.compare(decoded, Buffer.from(other.data.samples)) === 0}`);
JAVASCRIPT
cat >see.py <<'PYTHON'
import subprocess
import sys
import numpy
import soundfile

time = numpy.arange(8000) / 8000
sound = sum(numpy.sin(2 * numpy.pi * hz * time + hz) for hz in (173, 311, 457)) * 3000
sound.astype("<i2").tofile("sound.raw")
soundfile.write("libsndfile.wav", sound / 32768, 8000, subtype="IMA_ADPCM")
both = subprocess.run(["node", "convert.cjs"], capture_output=True, text=True, check=True).stdout.strip()
print(both)


def late(decoded):
    """By how many samples each block of 505 but the first, in which the codec finds its step, is late."""
    decoded = numpy.concatenate([decoded, numpy.zeros(1000)])
    found = []
    for at in range(505, 15 * 505, 505):
        off = [numpy.abs(decoded[at + lag + 60 : at + lag + 445] - sound[at + 60 : at + 445]).mean() for lag in range(-40, 41)]
        found.append(int(numpy.argmin(off)) - 40)
    return found


decoded = {name: soundfile.read(name, dtype="int16")[0].astype(float) for name in ("libsndfile.wav", "wavefile.wav")}
decoded["libsndfile.wav by imaadpcm"] = numpy.fromfile("decoded.raw", "<i2").astype(float)
seen = {}
for name, samples in decoded.items():
    seen[name] = (late(samples), len(samples), int(numpy.flatnonzero(numpy.abs(samples) > 100)[-1]) + 1)
    print(f"{name}: blocks are late by {seen[name][0]} samples; {seen[name][1]} samples, silent from {seen[name][2]} on")
told = both.endswith("true")
sys.exit(not told or (seen["libsndfile.wav"][0], seen["wavefile.wav"], seen["libsndfile.wav by imaadpcm"]) != (
    [0] * 14, ([-2] * 14, 9090, 7575), ([2 + i for i in range(14)], 8192, 7590)
))
PYTHON
env/bin/python -W ignore see.py
