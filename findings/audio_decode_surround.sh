#!/usr/bin/env bash
# audio-decode 3.12.0 with its @audio/decode 3.16.2, decode-webm 1.6.1 and decode-mp4 1.3.1; imageio-ffmpeg 0.8.1 to make the files.
# The place of a channel of 5.1 depends on the container. Opus from .opus and Vorbis from .ogg come in WAV order (L R C LFE Ls Rs), the same
# packets from WebM or Matroska in the order of Vorbis (L C R Ls Rs LFE), and ALAC from M4A in that of AAC (C L R Ls Rs LFE), while AAC from M4A
# is reordered. Nothing in the result tells which it is. The middle is heard on the right or on the left, and the deep effects behind.
# One would expect one order, as the documentation of the package's AC-3 and DTS decoders promises it and as ffmpeg gives it.
# Way round: reorder by the container and the codec, or put the audio into Ogg (ffmpeg -c copy) or FLAC before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check imageio-ffmpeg==0.8.1
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts \
  audio-decode@3.12.0 @audio/decode@3.16.2 @audio/decode-webm@1.6.1 @audio/decode-mp4@1.3.1
cat >see.mjs <<'JAVASCRIPT'
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import decode from 'audio-decode';

const [, , ffmpeg] = process.argv;
const RATE = 48_000;
const TONES = { L: 300, R: 500, C: 700, LFE: 60, Ls: 1100, Rs: 1300 };
const run = (...options) => execFileSync(ffmpeg, ['-v', 'error', '-nostdin', '-y', ...options], { maxBuffer: 1e8 });

const frequencies = Object.values(TONES);
const sound = Float32Array.from({ length: 2 * RATE * 6 }, (_, i) => 0.3 * Math.sin((2 * Math.PI * frequencies[i % 6] * Math.floor(i / 6)) / RATE));
writeFileSync('sound.f32', new Uint8Array(sound.buffer));
const raw = ['-f', 'f32le', '-ar', RATE, '-ac', 6, '-channel_layout', '5.1', '-i', 'sound.f32'];

/** The name of the loudest of the tones in a channel. */
function place(samples, rate) {
  const size = (frequency) => {
    const sums = [Math.cos, Math.sin].map((f) => samples.subarray(rate / 2, rate).reduce((sum, x, i) => sum + x * f((2 * Math.PI * frequency * i) / rate), 0));
    return Math.hypot(...sums);
  };
  return Object.keys(TONES).sort((a, b) => size(TONES[b]) - size(TONES[a]))[0];
}

const opus = ['-c:a', 'libopus', '-mapping_family', '1'];
const vorbis = ['-c:a', 'libvorbis', '-q:a', '9'];
const files = {
  'sound.flac': [], 'opus.opus': opus, 'opus.webm': opus, 'vorbis.ogg': vorbis, 'vorbis.mka': vorbis, 'flac.mka': ['-c:a', 'flac'],
  'aac.m4a': ['-c:a', 'aac'], 'alac.m4a': ['-c:a', 'alac'],
};
const seen = {};
for (const [name, options] of Object.entries(files)) {
  run(...raw, ...options, name);
  const { channelData, sampleRate } = await decode(readFileSync(name));
  seen[name] = channelData.map((samples) => place(samples, sampleRate)).join(' ');
  const bytes = run('-i', name, '-f', 'f32le', '-c:a', 'pcm_f32le', '-');
  const there = new Float32Array(new Uint8Array(bytes).buffer);
  const other = [0, 1, 2, 3, 4, 5].map((c) => place(there.filter((_, i) => i % 6 === c), RATE)).join(' ');
  console.log(`${name.padEnd(10)}: audio-decode ${seen[name].padEnd(16)} ffmpeg ${other}`);
  if (other !== 'L R C LFE Ls Rs') throw new Error(`ffmpeg has another order: ${other}`);
}
const expected = { 'opus.webm': 'L C R Ls Rs LFE', 'vorbis.mka': 'L C R Ls Rs LFE', 'alac.m4a': 'C L R Ls Rs LFE' };
process.exit(Object.entries(seen).every(([name, order]) => order === (expected[name] ?? 'L R C LFE Ls Rs')) ? 0 : 1);
JAVASCRIPT
node see.mjs "$(env/bin/python -c 'import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())')"
