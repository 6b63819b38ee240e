#!/usr/bin/env bash
# opus-recorder 8.0.5 (its encoder alone, as its worker runs it), soundfile 0.14.0, ogg-opus-decoder 1.7.5.
# The header of each file tells decoders to leave out the first 3840 samples, 80 ms, of which the encoder's own delay is 7 ms only: the first
# 73 ms of the sound are lost, and all that follows comes so much earlier. A click at 40 ms is gone, one at 500 ms is heard at 427 ms, from sound
# at 44.1 kHz too. The last 7 ms, which the delay has moved out, are lost where the sound fills its blocks: of a second 0.92 s are left.
# RFC 7845 has this number for files that are cut out of others, where the decoder has to settle (4.2); for a new one it is the encoder's delay,
# 312 samples, as libopus tells it and libsndfile writes it. One would expect the first sample that was recorded at time 0.
# Known: the maintainer said so where recordings were not in step (opus-recorder's issue 220); the README does not.
# Way round, shown: put 3504 zeros at 48 kHz (73 ms at other rates) before the sound, and some behind it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund opus-recorder@8.0.5 ogg-opus-decoder@1.7.5
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check soundfile==0.14.0 numpy==2.4.6
cat >write.cjs <<'JAVASCRIPT'
const { writeFileSync } = require('node:fs');

globalThis.self = globalThis; // what the file expects of a worker
globalThis.postMessage = () => {};
globalThis.close = () => {};
const { Module, OggOpusEncoder } = require('opus-recorder/dist/encoderWorker.min.js');

const CLICKS = [0.04, 0.5]; // seconds
/** A second of sound with clicks, in blocks of 20 ms, as an Ogg Opus file. */
function encode(rate, zeros) {
  const sound = new Float32Array(zeros ? rate + zeros + 960 : rate);
  for (const click of CLICKS) {
    const from = zeros + Math.round(click * rate);
    for (let i = 0; i < rate / 200; i++) sound[from + i] = 0.8 * Math.sin((2 * Math.PI * 2000 * i) / rate) * Math.exp((-1000 * i) / rate);
  }
  const encoder = new OggOpusEncoder({ originalSampleRate: rate, encoderBitRate: 128000, numberOfChannels: 1, bufferLength: rate / 50 }, Module);
  const pages = [encoder.generateIdPage(), encoder.generateCommentPage()];
  for (let at = 0; at < sound.length; at += rate / 50) {
    const block = new Float32Array(rate / 50);
    block.set(sound.subarray(at, at + rate / 50));
    pages.push(...[encoder.encode([block]) ?? []].flat());
  }
  pages.push(...[encoder.encodeFinalFrame()].flat());
  return Buffer.concat(pages.map(({ page }) => Buffer.from(page)));
}
(async () => {
  if (!Module.calledRun) await new Promise((resolve) => (Module.onRuntimeInitialized = resolve));
  writeFileSync('48.opus', encode(48000, 0));
  writeFileSync('44.opus', encode(44100, 0));
  writeFileSync('shifted.opus', encode(48000, 3504));
  const { OggOpusDecoder } = await import('ogg-opus-decoder');
  const decoder = new OggOpusDecoder();
  await decoder.ready;
  const { channelData, samplesDecoded } = await decoder.decodeFile(require('node:fs').readFileSync('48.opus'));
  writeFileSync('48.f32', Buffer.from(channelData[0].slice(0, samplesDecoded).buffer));
})();
JAVASCRIPT
node write.cjs
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy
import soundfile

time = numpy.arange(48000) / 48000
sound = numpy.zeros(48000)
for click in (0.04, 0.5):
    at = round(click * 48000)
    sound[at : at + 240] = (0.8 * numpy.sin(2 * numpy.pi * 2000 * time) * numpy.exp(-1000 * time))[:240]
soundfile.write("libsndfile.opus", sound, 48000, format="OGG", subtype="OPUS")


def clicks(sound):
    """Where clicks begin, in ms."""
    loud = numpy.flatnonzero(numpy.abs(sound) > 0.2)
    return [round(float(at) / 48) for i, at in enumerate(loud) if i == 0 or at > loud[i - 1] + 2400]


seen = {}
for name in ("48.opus", "44.opus", "shifted.opus", "libsndfile.opus"):
    head = open(name, "rb").read()
    at = head.index(b"OpusHead")
    decoded = soundfile.read(name)[0]
    seen[name] = (int.from_bytes(head[at + 10 : at + 12], "little"), clicks(decoded), len(decoded))
    print(f"{name}: leave out {seen[name][0]} samples; clicks at {seen[name][1]} ms; {len(decoded)} samples")
other = clicks(numpy.fromfile("48.f32", "<f4"))
print(f"48.opus by ogg-opus-decoder: clicks at {other} ms")
sys.exit((seen["48.opus"], other, seen["44.opus"], seen["shifted.opus"][:2], seen["libsndfile.opus"]) != (
    (3840, [427], 44160), [427], (3840, [427], 44160), (3840, [40, 500]), (312, [40, 500], 48000)
))
PYTHON
