#!/usr/bin/env bash
# @wasm-audio-decoders/flac 0.2.11.
# FLAC is lossless, but the floats that this decoder gives are sample / (2 ** (bits - 1) - 1): the lowest sample of 16 bits, -32768, is -1.00003,
# outside the range, and 64 of 8 bits is 0.5039, so that an 8-bit file is 0.07 dB too loud. libsndfile and ffmpeg
# divide by 2 ** (bits - 1). Floats that are compared with theirs differ in every sample but zero, and what is turned back with
# Math.round(x * 32768) is another file: half of all samples of 16 bits are one further from zero than they were.
# One would expect 0.5 and -1, which a float holds exactly. Way round: multiply by (2 ** (bitDepth - 1) - 1) / 2 ** (bitDepth - 1).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @wasm-audio-decoders/flac@0.2.11
cat >see.mjs <<'JAVASCRIPT'
import { FLACDecoder } from '@wasm-audio-decoders/flac';

/** The remainder of bytes by a polynomial of 8 or 16 bits. */
function checksum(bytes, bits, polynomial) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << (bits - 8);
    for (let i = 0; i < 8; i++) crc = (crc << 1) ^ (crc >> (bits - 1) ? (1 << bits) | polynomial : 0);
  }
  return crc;
}
const integer = (value, bytes) => Array.from({ length: bytes }, (_, i) => (value >> (8 * (bytes - 1 - i))) & 255);
/** A FLAC file of 256 equal samples: its STREAMINFO, and a frame with one constant subframe. */
function flac(sample, bits) {
  const format = [0x0b, 0xb8, (bits - 1) >> 4, ((bits - 1) & 15) << 4, ...integer(256, 4)]; // 48 kHz, mono, bits, 256 samples
  const info = [...integer(256, 2), ...integer(256, 2), 0, 0, 0, 0, 0, 0, ...format, ...Array(16).fill(0)];
  const head = [0xff, 0xf8, 0x8a, { 8: 2, 16: 8 }[bits], 0];
  const frame = [...head, checksum(head, 8, 0x07), 0, ...integer(sample, bits / 8)];
  const bytes = [...Buffer.from('fLaC'), 0x80, 0, 0, 34, ...info, ...frame, ...integer(checksum(frame, 16, 0x8005), 2)];
  return Uint8Array.from(bytes);
}
const seen = [];
for (const [sample, bits] of [[0, 16], [-32768, 16], [16384, 16], [64, 8]]) {
  const decoder = new FLACDecoder();
  await decoder.ready;
  const { channelData, samplesDecoded, bitDepth, errors } = await decoder.decodeFile(flac(sample, bits));
  decoder.free();
  console.log(`${samplesDecoded} samples of ${sample}, ${bitDepth} bits: ${channelData[0][0]} (${sample / 2 ** (bits - 1)}), ${errors.length} errors`);
  seen.push(channelData[0][0] === Math.fround(sample / (2 ** (bits - 1) - 1)) && samplesDecoded === 256 && errors.length === 0);
}
process.exit(seen.every(Boolean) ? 0 : 1);
JAVASCRIPT
node see.mjs
