#!/usr/bin/env bash
# @breezystack/lamejs 1.2.7, mpg123-decoder 1.0.3.
# An MP3 encoder delays the music and fills the last frame; LAME writes both numbers into the first frame (the LAME tag), by which decoders
# cut. lamejs is LAME in JavaScript and writes no such frame: a click in 44100 samples comes back 1105 samples (25 ms) late in 46080.
# One would expect what LAME's own files give: the same length and no delay. A loop made so has a gap; beats are late.
# Way round: add a Xing/LAME frame with delay 576 and the padding, or use another format for loops.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @breezystack/lamejs@1.2.7 mpg123-decoder@1.0.3
cat >see.mjs <<'JAVASCRIPT'
import { Mp3Encoder } from '@breezystack/lamejs';
import { MPEGDecoder } from 'mpg123-decoder';

const clicks = new Int16Array(44_100);
clicks[20_000] = 30_000;
const encoder = new Mp3Encoder(1, 44_100, 128);
const mp3 = Buffer.concat([Buffer.from(encoder.encodeBuffer(clicks)), Buffer.from(encoder.flush())]);
const decoder = new MPEGDecoder();
await decoder.ready;
const [sound] = decoder.decode(new Uint8Array(mp3)).channelData;
const late = sound.reduce((best, value, i) => (Math.abs(value) > Math.abs(sound[best]) ? i : best), 0) - 20_000;
const tag = /Xing|Info/.test(mp3.toString('latin1', 0, 400));
console.log(`44100 samples in, ${sound.length} out, ${late} samples late; Xing or LAME frame: ${tag}`);
process.exit(sound.length === 46_080 && late === 1105 && !tag ? 0 : 1);
JAVASCRIPT
node see.mjs
