#!/usr/bin/env bash
# numpy-ts 1.7.0 ("NumPy-validated: 20,000+ tests compared against Python NumPy") and numpy 2.4.6.
# A fraction added to an array of integers, or multiplied with it, is carried out and then cut off: samples of 16 bits times 0.5 lose
# their halves, times 1.5 they wrap round, a sum of int16 and 0.5 is an int16. unwrap() of a phase gives it back as it was. logaddexp of
# two impossible events is NaN in place of -Infinity, so that one such pair spoils a beam. The largest of [1, NaN, 3] is 3, of [NaN, 1, 3] NaN.
# One would expect what numpy gives, which is what its documentation promises. Nothing warns.
# Way round: astype("float64") first; unwrap by hand; test for NaN with isnan.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check numpy==2.4.6
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund numpy-ts@1.7.0
cat >see.mjs <<'JAVASCRIPT'
import * as np from 'numpy-ts';

const plain = (value) => JSON.stringify(value?.toArray ? value.toArray() : value, (_, x) => (typeof x === 'number' && !Number.isFinite(x) ? `${x}` : x));
const samples = np.array([30000, -3, 3], 'int16');
const lines = [
  np.multiply(samples, 0.5),
  np.multiply(samples, 1.5),
  np.add(samples, 0.5),
  np.clip(samples, -2.5, 2.5),
  np.unwrap(np.array([0, 2, 4, 6, -1.25], 'float64')),
  np.logaddexp(np.array([-Infinity], 'float64'), np.array([-Infinity], 'float64')),
  np.max(np.array([1, NaN, 3], 'float64')),
  np.max(np.array([NaN, 1, 3], 'float64')),
];
console.log(lines.map(plain).join('; '));
JAVASCRIPT
env/bin/python -W ignore - <<'PYTHON'
import subprocess, sys
import numpy as np

seen = subprocess.run(["node", "see.mjs"], capture_output=True, text=True, check=True).stdout.strip()
samples = np.array([30000, -3, 3], np.int16)
inf = np.array([-np.inf])
right = [
    samples * 0.5, samples * 1.5, samples + 0.5, np.clip(samples, -2.5, 2.5), np.unwrap([0, 2, 4, 6, -1.25]), np.logaddexp(inf, inf),
    np.max([1, np.nan, 3]), np.max([np.nan, 1, 3]),
]
asked = ["samples * 0.5", "samples * 1.5", "samples + 0.5", "clip(samples, -2.5, 2.5)", "unwrap([0 2 4 6 -1.25])", "logaddexp(-inf, -inf)",
         "max([1 nan 3])", "max([nan 1 3])"]
for name, ours, theirs in zip(asked, seen.split("; "), right, strict=True):
    print(f"{name}: numpy-ts {ours}, numpy {theirs}")
sys.exit(seen != '[15000,-1,1]; [-20536,-4,4]; [30000,-2,3]; [2,-2,2]; [0,2,4,6,-1.25]; ["NaN"]; 3; "NaN"')
PYTHON
