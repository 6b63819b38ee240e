#!/usr/bin/env bash
# webfft 1.0.3 (nine FFT libraries behind one interface), fft.js 4.0.4.
# `fftr`, for real input, returns the upper half of the spectrum: bin k of its output is bin N/2 + k. A tone at bin 3 of 16 stands at bin 5, and
# the mean is not there at all. It is so with each of the nine. The complex `fft` is right.
# One would expect bins 0 to N/2: its documentation says that "only the positive frequencies will be returned". An issue that asks to make sure
# of it is open.
# Way round: `fft` of the real samples with zeros between them, and the first half of what it returns.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts webfft@1.0.3 fft.js@4.0.4
cat >see.mjs <<'JAVASCRIPT'
import FFT from 'fft.js';
import WebFFT from 'webfft';

const SIZE = 16;
const tone = Array.from({ length: SIZE }, (_, i) => 0.25 + Math.cos((2 * Math.PI * 3 * i) / SIZE));
/** The bins that hold something, with their magnitudes. */
const bins = (spectrum) => {
  const sizes = Array.from({ length: SIZE / 2 }, (_, k) => [k, Math.hypot(spectrum[2 * k], spectrum[2 * k + 1])]);
  return sizes.filter(([, size]) => size > 1e-3).map(([k, size]) => `${k}: ${size.toFixed(2)}`).join(', ');
};
const other = new FFT(SIZE);
const expected = other.createComplexArray();
other.realTransform(expected, tone);
console.log(`0.25 and a tone at bin 3 of ${SIZE}; fft.js finds ${bins(expected)}`);

const seen = new Set();
const complex = new Set();
const names = new WebFFT(SIZE).availableSubLibraries();
for (const name of names) {
  const library = new WebFFT(SIZE, name);
  seen.add(bins(library.fftr(Float32Array.from(tone))));
  complex.add(bins(library.fft(Float32Array.from({ length: 2 * SIZE }, (_, i) => (i % 2 ? 0 : tone[i / 2])))));
}
console.log(`webfft with each of ${names.length}: fftr finds ${[...seen].join(' or ')}; fft finds ${[...complex].join(' or ')}`);

const right = bins(expected);
process.exit(right === '0: 4.00, 3: 8.00' && complex.size === 1 && complex.has(right) && seen.size === 1 && seen.has('5: 8.00') ? 0 : 1);
JAVASCRIPT
node see.mjs
