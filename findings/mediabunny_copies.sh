#!/usr/bin/env bash
# mediabunny 1.61.0, soundfile 0.14.0 (libsndfile), imageio-ffmpeg 0.8.1 (ffmpeg).
# Conversion copies the packets of a file where nothing needs to be encoded again. What comes out is not the sound that went in. MP3 comes
# 1105 samples late, with 2181 more of them in all, as the Xing frame with the delay is left out. Vorbis loses its first 12 ms, 576 samples,
# which moves everything; copied into Ogg it has 101691 or 98619 of 144123 frames in libsndfile. Of FLAC that ends in digital silence the last
# block is lost, here 763 samples: its frame is shorter than the 16 bytes that the reader asks for. Opus from Ogg has 45 samples of padding
# at its end in WebM. FLAC that ends in sound, and Opus in Ogg, are copied whole.
# One would expect the samples of the original: "ffmpeg -c copy" of the same files keeps all of them, but for the end of Opus in MP4.
# Way round: copy with ffmpeg, or decode and encode again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund mediabunny@1.61.0
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 imageio-ffmpeg==0.8.1 numpy==2.4.6
cat >copy.mjs <<'JAVASCRIPT'
import { readFileSync, writeFileSync } from 'node:fs';
import * as mediabunny from 'mediabunny';

const [source, copy] = process.argv.slice(2);
const name = { flac: 'Flac', ogg: 'Ogg', mp3: 'Mp3', webm: 'WebM', mp4: 'Mp4' }[copy.split('.').at(-1)];
const input = new mediabunny.Input({ formats: mediabunny.ALL_FORMATS, source: new mediabunny.BufferSource(readFileSync(source)) });
const output = new mediabunny.Output({ format: new mediabunny[`${name}OutputFormat`](), target: new mediabunny.BufferTarget() });
await (await mediabunny.Conversion.init({ input, output, showWarnings: false })).execute();
writeFileSync(copy, new Uint8Array(output.target.buffer));
JAVASCRIPT
cat >see.py <<'PYTHON'
import subprocess, sys
import imageio_ffmpeg, numpy, soundfile

RATE, FRAMES = 48000, 144123
FFMPEG = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y"]
soft = 0.001 * numpy.random.default_rng(0).standard_normal(FRAMES)
soft[2400:2880] = 0.7 * numpy.sin(numpy.arange(480) / 8)
silent = numpy.where(numpy.arange(FRAMES) < 140000, soft, 0)
for name, sound, form, subtype in (
    ("sound.flac", soft, "FLAC", "PCM_16"), ("silent_end.flac", silent, "FLAC", "PCM_16"), ("sound.mp3", soft, "MP3", "MPEG_LAYER_III"),
    ("vorbis.ogg", soft, "OGG", "VORBIS"), ("opus.ogg", soft, "OGG", "OPUS"),
):
    soundfile.write(name, sound, RATE, format=form, subtype=subtype)
subprocess.run([*FFMPEG, "-i", "sound.flac", "-c:a", "libvorbis", "ffmpeg.ogg"], check=True)


def measure(name):
    """The number of samples and the place of the stroke, as ffmpeg decodes it."""
    data = subprocess.run([*FFMPEG, "-i", name, "-f", "f32le", "-ac", "1", "-ar", str(RATE), "-"], check=True, capture_output=True).stdout
    sound = numpy.frombuffer(data, "<f4")
    return len(sound), int((numpy.abs(sound) > 0.2).argmax())


COPIES = (
    ("sound.flac", "flac"), ("silent_end.flac", "flac"), ("sound.mp3", "mp3"), ("vorbis.ogg", "ogg"), ("vorbis.ogg", "webm"),
    ("ffmpeg.ogg", "ogg"), ("opus.ogg", "ogg"), ("opus.ogg", "webm"), ("opus.ogg", "mp4"),
)
seen, kept, frames = [], 0, []
for source, ending in COPIES:
    copy, other = f"{source.split('.')[0]}_copy.{ending}", f"{source.split('.')[0]}_ffmpeg.{ending}"
    subprocess.run(["node", "copy.mjs", source, copy], check=True)
    subprocess.run([*FFMPEG, "-i", source, "-c", "copy", other], check=True)
    before, after, plain = measure(source), measure(copy), measure(other)
    assert before[0] == FRAMES
    seen.append((after[0] - before[0], after[1] - before[1]))
    kept += plain == before
    by_ffmpeg = plain[0] - before[0], plain[1] - before[1]
    print(f"{source} to {ending}: {seen[-1][0]} samples longer, the stroke {seen[-1][1]} later; with ffmpeg {by_ffmpeg[0]} and {by_ffmpeg[1]}")
    if source in ("vorbis.ogg", "ffmpeg.ogg") and ending == "ogg":
        frames.append(soundfile.info(copy).frames)
print("frames of the two copies of Vorbis in libsndfile:", frames)
sys.exit(not (
    seen == [(0, 0), (-763, 0), (2181, 1105), (-576, -576), (133, -576), (-576, -576), (0, 0), (45, 0), (45, 0)]
    and kept == 8 and max(frames) < FRAMES - 40000
))
PYTHON
env/bin/python see.py
