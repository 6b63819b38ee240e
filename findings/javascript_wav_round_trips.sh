#!/usr/bin/env bash
# wavefile 11.0.0, node-wav 0.0.2, wav-encoder 1.3.0 with wav-decoder 1.3.0.
# 16-bit samples made floating-point and 16-bit again change in wavefile (toBitDepth) and in node-wav (decode, encode): both cut off what
# is behind the point, and single precision has often put the product just below the whole number. A quarter of all values is one off
# after a pass, and each pass goes on: after ten some are ten off. The pair of wav-encoder and wav-decoder, which rounds, keeps all
# 65536. One would expect no change: every 16-bit number fits in a float.
# Way round: do the conversion yourself, with Math.round.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund wavefile@11.0.0 node-wav@0.0.2 wav-encoder@1.3.0 wav-decoder@1.3.0
cat >see.mjs <<'JAVASCRIPT'
import nodeWav from 'node-wav';
import WavDecoder from 'wav-decoder';
import WavEncoder from 'wav-encoder';
import wavefile from 'wavefile';

const every = Int16Array.from({ length: 65536 }, (_, i) => i - 32768);
const start = new wavefile.WaveFile();
start.fromScratch(1, 48000, '16', every);
const file = Uint8Array.from(start.toBuffer());
const passes = {
  wavefile(bytes) {
    const wav = new wavefile.WaveFile(bytes);
    wav.toBitDepth('32f');
    wav.toBitDepth('16');
    return wav.toBuffer();
  },
  'node-wav': (bytes) => nodeWav.encode(nodeWav.decode(Buffer.from(bytes)).channelData, { sampleRate: 48000, float: false, bitDepth: 16 }),
  'wav-decoder, wav-encoder': async (bytes) => new Uint8Array(await WavEncoder.encode(await WavDecoder.decode(bytes.buffer), { bitDepth: 16 })),
};
const seen = {};
for (const [name, pass] of Object.entries(passes)) {
  let bytes = file;
  seen[name] = [];
  for (let i = 1; i <= 10; i++) {
    bytes = Uint8Array.from(await pass(bytes));
    if (i !== 1 && i !== 10) continue;
    const samples = new wavefile.WaveFile(bytes).getSamples(false);
    let [changed, most] = [0, 0];
    for (let k = 0; k < every.length; k++) {
      const change = Math.abs(samples[k] - every[k]);
      changed += change > 0;
      most = Math.max(most, change);
    }
    seen[name].push(changed, most);
    console.log(`${name}, ${i} passes: ${changed} of 65536 values changed, by ${most} at most`);
  }
}
const kept = seen['wav-decoder, wav-encoder'].join() === '0,0,0,0';
const lost = [seen.wavefile, seen['node-wav']].every(([changed, most, , last]) => changed > 10_000 && most === 1 && last >= 9);
process.exit(kept && lost ? 0 : 1);
JAVASCRIPT
node see.mjs
