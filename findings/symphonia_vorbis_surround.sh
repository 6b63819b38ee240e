#!/usr/bin/env bash
# node-web-audio-api 2.2.0 (decodes with Symphonia, in Rust), soundfile 0.14.0 (libsndfile with libvorbis).
# Ogg Vorbis with more than two channels at quality 3 and below (3 is what ffmpeg and oggenc take where nothing is asked for) is decoded to other
# sound, without an error: of four equal tones one is 9 dB too quiet at quality 3, another 25 dB at quality 1, and what comes differs from
# libvorbis' sound by as much as there is of it. At quality 5 and above, and in stereo, the two agree but for rounding.
# One would expect the same from any decoder: Vorbis I defines what comes out, and libvorbis and ffmpeg agree on these files.
# Way round: decode with another library (audio-decode, @wasm-audio-decoders/ogg-vorbis), or write at quality 5 or above.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node-web-audio-api@2.2.0
cat >decode.mjs <<'JAVASCRIPT'
import { readFileSync, writeFileSync } from 'node:fs';
import { OfflineAudioContext } from 'node-web-audio-api';

for (const name of process.argv.slice(2)) {
  const bytes = readFileSync(`${name}.ogg`);
  const buffer = await new OfflineAudioContext(1, 1, 44_100).decodeAudioData(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, i) => Buffer.from(buffer.getChannelData(i).buffer));
  writeFileSync(`${name}.f32`, Buffer.concat(channels));
}
process.exit(0);
JAVASCRIPT
env/bin/python - <<'PYTHON'
import subprocess, sys
import numpy, soundfile

time = numpy.arange(88_200) / 44_100
tones = 0.4 * numpy.sin(2 * numpy.pi * numpy.outer(time, [440, 660, 880, 1100]))
cases = [(channels, quality) for channels in (2, 4) for quality in (1, 3, 5)]
for channels, quality in cases:
    soundfile.write(f"{channels}_{quality}.ogg", tones[:, :channels], 44_100, format="OGG", subtype="VORBIS", compression_level=1 - quality / 10)
subprocess.run(["node", "decode.mjs", *(f"{channels}_{quality}" for channels, quality in cases)], check=True)


def decibels(of, against):
    return 10 * numpy.log10(numpy.mean(of**2, axis=0) / numpy.mean(against**2, axis=0))


seen = {}
for channels, quality in cases:
    right, _ = soundfile.read(f"{channels}_{quality}.ogg", dtype="float32")
    heard = numpy.fromfile(f"{channels}_{quality}.f32", numpy.float32).reshape(channels, -1).T
    agreed = decibels(right, right - heard + 1e-9)
    seen[channels, quality] = agreed.min()
    levels = ", ".join(f"{level:.1f}" for level in decibels(heard, right) + 0)
    print(f"{channels} channels, quality {quality}: {levels} dB against libvorbis, and no better alike than {agreed.min():.0f} dB")
sys.exit(not all((agreed < 10) == (channels == 4 and quality <= 3) and (agreed < 10 or agreed > 80) for (channels, quality), agreed in seen.items()))
PYTHON
