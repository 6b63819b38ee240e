#!/usr/bin/env bash
# @alexanderolsen/libsamplerate-js 2.1.2, samplerate 0.2.4 (Python), both around libsamplerate.
# `full()` of the JavaScript package does not tell libsamplerate that the input has ended, so that what is still in the filter never comes
# out: of one second at 22.05 kHz, 288 samples (6.5 ms) are missing at the end at 44.1 kHz with the best converter and 40 with the fastest;
# with the linear one none. The Python package gives 44100. Nothing says that the result is short.
# One would expect the length times the ratio. Way round: append silence (some 300 output samples) before, and cut to length behind.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check samplerate==0.2.4 numpy==2.4.6
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @alexanderolsen/libsamplerate-js@2.1.2
cat >see.mjs <<'JAVASCRIPT'
import samplerate from '@alexanderolsen/libsamplerate-js';

const { create, ConverterType } = samplerate.create ? samplerate : samplerate.default;
const lengths = [];
for (const name of ['SRC_SINC_BEST_QUALITY', 'SRC_SINC_FASTEST', 'SRC_LINEAR']) {
  const converter = await create(1, 22_050, 44_100, { converterType: ConverterType[name] });
  lengths.push(converter.full(new Float32Array(22_050).fill(0.5)).length);
  converter.destroy();
}
console.log(lengths.join(' '));
JAVASCRIPT
in_node=$(node see.mjs)
in_python=$(env/bin/python -c "
import numpy, samplerate
x = numpy.full(22050, 0.5, numpy.float32)
print(*(len(samplerate.resample(x, 2, kind)) for kind in ('sinc_best', 'sinc_fastest', 'linear')))")
echo "22050 samples at 22.05 kHz, at 44.1 kHz with the best, fastest and linear converter: JavaScript $in_node; Python $in_python"
[ "$in_node" = "43812 44060 44100" ] && [ "$in_python" = "44100 44100 44100" ]
