#!/usr/bin/env bash
# fili 2.0.3.
# A FIR bandstop makes what it should stop 6 dB louder: of a lowpass at F2 and a highpass at F1 both let it pass. A bandpass turns the sign of the
# sound round. With an odd order, as the README asks it of kbFilter alone, highpass gives a lowpass and bandstop a bandpass, to the last digit.
# The IIR filter "aweighting" is not stable: its sound grows without bounds, and is NaN after some hundred samples.
# The window "blackman" is 0.25 - 0.5 cos + 0.25 cos: a tone has one level in three bins, where Blackman's has its neighbours at -4.5 dB. Each window
# has a constant that corrects the level: with hanning a tone has the level that it has with none, with blackmanHarris 5 dB less, and with the
# ten flat tops from hpft to hft248d, which are made to tell levels, a 1024th of it at 1024 points, 60 dB less.
# One would expect what the names say. Way round, shown: a lowpass at F1 plus a highpass at F2 of even order; an own window with "none".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund fili@2.0.3
cat >see.cjs <<'JAVASCRIPT'
const { CalcCascades, Fft, FirCoeffs, FirFilter, IirFilter } = require('fili');

const Fs = 48000;
const [F1, F2] = [3000, 9000];
const fir = new FirCoeffs();

/** Gain and sign of a filter at a frequency, from how it changes a cosine once it has settled; the delay of half its order is taken out. */
function through(filter, frequency, delay) {
  let [re, im] = [0, 0];
  const angle = (i) => (2 * Math.PI * frequency * i) / Fs;
  for (let i = 0; i < 2 * Fs; i++) {
    const out = filter.singleStep(Math.cos(angle(i)));
    if (i < Fs) continue;
    re += out * Math.cos(angle(i - delay));
    im += out * Math.sin(angle(i - delay));
  }
  return { dB: Math.round(20 * Math.log10(Math.hypot(re, im) / (Fs / 2))) || 0, sign: re < 0 ? '-' : '+' };
}
const gains = (weights) => [500, 6000, 15000].map((frequency) => through(new FirFilter(weights), frequency, (weights.length - 1) / 2));
const seen = {};
for (const [name, order, weights] of [
  ['bandstop', 100, fir.bandstop({ order: 100, Fs, F1, F2 })],
  ['bandstop', 101, fir.bandstop({ order: 101, Fs, F1, F2 })],
  ['bandpass', 100, fir.bandpass({ order: 100, Fs, F1, F2 })],
  ['bandstop of a lowpass at F1 and a highpass at F2,', 100,
    fir.lowpass({ order: 100, Fs, Fc: F1 }).map((weight, i) => weight + fir.highpass({ order: 100, Fs, Fc: F2 })[i])],
]) {
  const at = gains(weights);
  seen[`${name} ${order}`] = [at.map(({ dB }) => (dB < -40 ? 'stopped' : dB)).join(), at[1].sign].join(' ');
  console.log(`${name} order ${order}, 3 to 9 kHz: at 500, 6000 and 15000 Hz ${at.map(({ dB }) => `${dB} dB`).join(', ')}, sign at 6000 Hz ${at[1].sign}`);
}
const odd = { order: 101, Fs, Fc: 6000 };
seen.odd = JSON.stringify(fir.highpass(odd).map((weight) => -weight)) === JSON.stringify(fir.lowpass(odd));
console.log(`highpass of odd order is the lowpass with its sign turned round: ${seen.odd}`);

const weighted = new IirFilter(new CalcCascades().aweighting({ order: 1, characteristic: 'butterworth', Fs, Fc: 1000 }));
const loudest = weighted.multiStep(Array.from({ length: 1000 }, (_, i) => Math.cos((2 * Math.PI * 1000 * i) / Fs)));
const grows = [10, 100, 999].map((i) => Math.max(...loudest.slice(0, i).map(Math.abs)));
seen.weighting = !(grows[1] < 1e6);
console.log(`A-weighting of a tone of 1 kHz and level 1: at most ${grows.map((level) => level.toPrecision(1)).join(', ')} in 10, 100 and 999 samples`);

const SIZE = 1024;
const fft = new Fft(SIZE);
const tone = Array.from({ length: SIZE }, (_, i) => Math.cos((2 * Math.PI * 100 * i) / SIZE));
const levels = (sound, window) => [100, 101, 102].map((bin) => 20 * Math.log10(fft.magnitude(fft.forward(sound, window))[bin] / 512));
const tell = (dB) => (dB < -100 ? 'none' : (Math.round(10 * dB) / 10 || 0).toFixed(1));
for (const window of ['none', 'hanning', 'blackman', 'blackmanHarris', 'hpft', 'srft', ...fft.windows().filter((name) => /^hft/.test(name))]) {
  seen[window] = levels(tone, window).map(tell).join();
  console.log(`${window}: a tone of level 0 dB at bin 100 is at bins 100 to 102 ${seen[window]}`);
}
const blackman = (i) => 0.42 - 0.5 * Math.cos((2 * Math.PI * i) / SIZE) + 0.08 * Math.cos((4 * Math.PI * i) / SIZE);
seen.own = levels(tone.map((sample, i) => (sample * blackman(i)) / 0.42), 'none').map(tell).join();
console.log(`Blackman's window: ${seen.own}`);
const flat = Object.keys(seen).filter((name) => /^(hft|hpft|srft)/.test(name));
const right = JSON.stringify(Object.fromEntries(Object.entries(seen).filter(([name]) => !flat.includes(name)))) === JSON.stringify({
  'bandstop 100': '0,6,0 +', 'bandstop 101': 'stopped,0,stopped +', 'bandpass 100': 'stopped,0,stopped -',
  'bandstop of a lowpass at F1 and a highpass at F2, 100': '0,stopped,0 +', odd: true, weighting: true,
  none: '0.0,none,none', hanning: '0.0,-6.0,-69.7', blackman: '-9.6,-9.5,-15.5', blackmanHarris: '-5.1,-8.4,-19.1', own: '0.0,-4.5,-20.4',
}) && flat.length === 10 && flat.every((name) => seen[name].startsWith('-60.2,'));
process.exit(right ? 0 : 1);
JAVASCRIPT
node see.cjs
