#!/usr/bin/env bash
# @huggingface/transformers 4.3.1 (transformers.js).
# CLAP takes 10 seconds of sound, and its feature extractor repeats a shorter clip to fill them ("repeatpad"). Where the clip fits a whole number
# of times, the last repetition is left out: a clip of 5 s is followed by 5 s of silence, one of 2 s by 2 s, one of 1 s by 1 s. Clips of 3 s are
# right. The embedding of a clip of 5 s (those of ESC-50 are) is thus another one than in Python, and another one than that of 4.9 s.
# One would expect what transformers' Python documents and does: the clip as often as it fits, and zeros only for the rest.
# Way round: repeat the clip before it is handed over.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @huggingface/transformers@4.3.1
cat >see.mjs <<'JAVASCRIPT'
import { ClapFeatureExtractor } from '@huggingface/transformers';

const RATE = 48_000;
// What the preprocessor_config.json of laion/clap-htsat-unfused says.
const extractor = new ClapFeatureExtractor({
  chunk_length_s: 10, feature_size: 64, fft_window_size: 1024, frequency_max: 14_000, frequency_min: 50, hop_length: 480, max_length_s: 10,
  n_fft: 1024, nb_frequency_bins: 513, nb_max_frames: 1000, nb_max_samples: 10 * RATE, padding: 'repeatpad', padding_value: 0,
  return_attention_mask: false, sampling_rate: RATE, top_db: null, truncation: 'rand_trunc',
});
const noise = Float32Array.from({ length: 10 * RATE }, (_, i) => Math.sin(1e4 * Math.sin(i)));
const clip = (seconds) => noise.slice(0, seconds * RATE);
/** The sound as often as it fits into 10 seconds, then zeros. */
const repeated = (samples) => {
  const whole = new Float32Array(10 * RATE);
  for (let at = 0; at + samples.length <= whole.length; at += samples.length) whole.set(samples, at);
  return whole;
};
/** How many of the 1001 frames (of 64 mel bands) are silent, and how far the features are from what they should be, in dB. */
const compare = async (samples) => {
  const [here, right] = [(await extractor(samples)).input_features.data, (await extractor(repeated(samples))).input_features.data];
  const silent = (data) => Array.from({ length: data.length / 64 }, (_, i) => data.subarray(64 * i, 64 * i + 64)).filter((frame) => frame.every((x) => x < -99)).length;
  return { silent: silent(here), expected: silent(right), mean: here.reduce((sum, x, i) => sum + Math.abs(x - right[i]), 0) / here.length };
};

const seen = {};
for (const seconds of [1, 2, 2.5, 3, 4.9, 5]) {
  const { silent, expected, mean } = (seen[seconds] = await compare(clip(seconds)));
  console.log(`a clip of ${seconds} s: ${silent} of 1001 frames are silent, expected ${expected}; the features differ by ${mean.toFixed(1)} dB on average`);
}
const whole = [1, 2, 2.5, 5].every((seconds) => Math.abs(seen[seconds].silent - 100 * seconds) < 4 && seen[seconds].expected === 0);
process.exit(whole && seen[5].mean > 20 && [3, 4.9].every((seconds) => seen[seconds].mean === 0) ? 0 : 1);
JAVASCRIPT
node see.mjs
