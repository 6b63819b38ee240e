#!/usr/bin/env bash
# audiobuffer-to-wav 1.0.0 with the AudioBuffer of audio-buffer 7.3.2; wav-decoder 1.3.0 to read.
# Of more than two channels the first alone is written, under a header that tells of all: a second of 5.1 becomes a file of 1/6 second whose six
# channels are each sixth sample of the left one, two and a half octaves too high. It is so with { float32: true } as well.
# One would expect all of the channels, as its documentation says ("Interleaves multi-channel data, if necessary"), or an error.
# Way round: a buffer of two channels at most; wav-encoder and wavefile write more.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts audiobuffer-to-wav@1.0.0 audio-buffer@7.3.2 wav-decoder@1.3.0
cat >see.mjs <<'JAVASCRIPT'
import AudioBuffer from 'audio-buffer';
import toWav from 'audiobuffer-to-wav';
import wavDecoder from 'wav-decoder';

const RATE = 48_000;
/** The frequency of a channel, from where it rises through 0. */
const frequency = (samples) => Math.round((samples.filter((x, i) => i > 0 && samples[i - 1] <= 0 && x > 0).length * RATE) / samples.length / 20) * 20;

const seen = [];
for (const float32 of [false, true]) {
  for (const channels of [1, 2, 3, 4, 6]) {
    const buffer = new AudioBuffer({ numberOfChannels: channels, length: RATE, sampleRate: RATE });
    for (let c = 0; c < channels; c++) {
      const tone = buffer.getChannelData(c);
      for (let i = 0; i < RATE; i++) tone[i] = 0.5 * Math.sin((2 * Math.PI * 200 * (c + 1) * i) / RATE);
    }
    const { numberOfChannels, length, channelData } = wavDecoder.decode.sync(toWav(buffer, { float32 }));
    seen.push([numberOfChannels, length, ...channelData.map(frequency)].join(' '));
    console.log(`${channels} channels of 200, 400, … Hz, ${float32 ? 'floats' : '16 bits'}: ${numberOfChannels} channels, ${length} of ${RATE} frames, ${channelData.map(frequency).join(' ')} Hz`);
  }
}
const half = ['1 48000 200', '2 48000 200 400', '3 16000 600 600 600', '4 12000 800 800 800 800', '6 8000 1200 1200 1200 1200 1200 1200'];
process.exit(seen.join() === [...half, ...half].join() ? 0 : 1);
JAVASCRIPT
node see.mjs
