#!/usr/bin/env bash
# music-metadata 11.16.1, node-id3 0.2.9.
# music-metadata cuts tempos to whole numbers: 97.9 bpm are read as 97. A ReplayGain of -6.02 dB has `ratio` 0.25: it is a ratio of powers.
# Samples must be multiplied by 0.5, and those multiplied by `ratio` are 12 dB quieter. The peak is read in the same way: 0.5 of full scale is
# told as -3.01 dB, it is -6.02. One would expect the tempo as it stands in the file, which ffprobe tells, and a ratio of amplitudes, as
# the peak is one. Way round: the frames of `native`, and 10 ** (dB / 20).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund music-metadata@11.16.1 node-id3@0.2.9
cat >see.mjs <<'JAVASCRIPT'
import { parseBuffer } from 'music-metadata';
import nodeId3 from 'node-id3';

const frame = Buffer.alloc(417); // MPEG 1 layer III, 128 kbit/s, 44.1 kHz, silence
frame.writeUInt32BE(0xfffb90c0);
const userDefinedText = [
  { description: 'replaygain_track_gain', value: '-6.02 dB' },
  { description: 'replaygain_track_peak', value: '0.5' },
];
const bytes = nodeId3.write({ bpm: '97.9', userDefinedText }, Buffer.concat(Array(20).fill(frame)));
const { common, native } = await parseBuffer(bytes, { mimeType: 'audio/mpeg' });
const { bpm, replaygain_track_gain: gain, replaygain_track_peak: peak } = common;
const inFile = Object.values(native).flat().find(({ id }) => id === 'TBPM').value;
console.log(`tempo ${bpm}, in the file ${inFile}`);
console.log(`gain ${gain.dB} dB, ratio ${gain.ratio.toFixed(4)}; of amplitudes it would be ${(10 ** (gain.dB / 20)).toFixed(4)}`);
console.log(`peak ${peak.ratio} of full scale, told as ${peak.dB.toFixed(2)} dB; it is ${(20 * Math.log10(peak.ratio)).toFixed(2)} dB`);
const expected = bpm === 97 && gain.ratio.toFixed(4) === '0.2500' && peak.ratio === 0.5 && peak.dB.toFixed(2) === '-3.01';
process.exit(expected && String(inFile) === '97.9' ? 0 : 1);
JAVASCRIPT
node see.mjs
