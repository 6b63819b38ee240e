#!/usr/bin/env bash
# wavefile 11.0.0.
# RIFF chunks start at even places: after data of odd length comes a pad byte that no size counts. wavefile writes none. Five 8-bit samples
# with a tag make a file whose LIST chunk starts one byte too early: readers that keep to RIFF, wavefile's own among them, lose the tag.
# With an even number of bytes all is well. One would expect the pad byte. Way round: write an even number of bytes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund wavefile@11.0.0
cat >see.mjs <<'JAVASCRIPT'
import wavefile from 'wavefile';

const { WaveFile } = wavefile;
const seen = [5, 6].map((samples) => {
  const wav = new WaveFile();
  wav.fromScratch(1, 8000, '8', new Uint8Array(samples).fill(128));
  wav.setTag('INAM', 'hello');
  const bytes = Buffer.from(wav.toBuffer());
  const tag = new WaveFile(bytes).getTag('INAM');
  console.log(`${samples} bytes of data: LIST at ${bytes.indexOf('LIST')}, expected ${44 + samples + (samples % 2)}; title read back: ${tag}`);
  return [bytes.indexOf('LIST'), tag];
});
process.exit(JSON.stringify(seen) === JSON.stringify([[49, null], [50, 'hello']]) ? 0 : 1);
JAVASCRIPT
node see.mjs
