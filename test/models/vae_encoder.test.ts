// The STFT encoder with spectra of which only the lowest bins are used, against the same sums in f64.
import { expect, it } from 'vitest';
import { readFloats } from '../../src/graph/stock.ts';
import { type StftEncoderConfig, vaeEncoder } from '../../src/models/vae_encoder.ts';
import { hann } from '../../src/ops/spectrum.ts';
import { randomWeights } from '../../src/weights/random_weights.ts';
import { expectClose, randomArray } from '../helpers/data.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

const CONFIG: StftEncoderConfig = {
  kind: 'stft_convnext',
  hop_length: 480,
  latent_dim: 6,
  dim: 12,
  ffn: 24,
  kernel: 7,
  layers: 0, // the features are what is tested; blocks have their goldens
  variance: false,
  spectra: [
    { size: 512, hop: 240 },
    { size: 2048, hop: 480, bins: 40 },
    { size: 8192, hop: 480, bins: 33 },
  ],
};
const FEATURES = 257 * 2 + 40 + 33;

it('takes the first bins of each spectrum, frames of one hop side by side', async () => {
  const audio = randomArray(5 * 480, 1, 0.3);
  const weights = randomWeights(4, 'f32');
  const { z } = await runGraph(gpu(), (g) => ({ z: vaeEncoder(g, weights, g.input('audio', [audio.length]), CONFIG) }), { audio });
  const w = (name: string, shape: number[]) => readFloats(weights.get(name, shape));
  const x = features(audio); // [T][FEATURES]
  expect(x[0].length).toBe(FEATURES);
  const embed = await w('embed.weight', [12, FEATURES]);
  const head = await w('head.weight', [6, 12]);
  const [embedBias, headBias] = [await w('embed.bias', [12]), await w('head.bias', [6])];
  const norm = async (name: string, rows: number[][]) => layerNorm(rows, await w(`${name}.weight`, [12]), await w(`${name}.bias`, [12]));
  const inner = await norm('norm_out', await norm('norm_in', affine(x, embed, embedBias)));
  expectClose(z, affine(inner, head, headBias).flat());
});

it('refuses more bins than a spectrum has', async () => {
  const c = { ...CONFIG, spectra: [{ size: 512, hop: 240, bins: 258 }] };
  const body = runGraph(gpu(), (g) => ({ z: vaeEncoder(g, randomWeights(4), g.input('audio', [480]), c) }), {
    audio: new Float32Array(480),
  });
  await expect(body).rejects.toThrow('stft: got 258 bins, expected a whole number from 1 to 257');
});

function features(audio: Float32Array): number[][] {
  return Array.from({ length: audio.length / CONFIG.hop_length }, (_, t) =>
    CONFIG.spectra.flatMap(({ size, hop, bins = size / 2 + 1 }) =>
      Array.from({ length: CONFIG.hop_length / hop }, (_, i) =>
        logSpectrum(audio, t * CONFIG.hop_length + i * hop - (size - hop) / 2, size, bins),
      ).flat(),
    ),
  );
}

function logSpectrum(audio: Float32Array, start: number, size: number, bins: number): number[] {
  return Array.from({ length: bins }, (_, f) => {
    let [re, im] = [0, 0];
    for (let i = Math.max(0, -start); i < size && start + i < audio.length; i++) {
      const v = audio[start + i] * hann(i, size);
      re += v * Math.cos((2 * Math.PI * f * i) / size);
      im -= v * Math.sin((2 * Math.PI * f * i) / size);
    }
    return Math.log(Math.sqrt(re * re + im * im + 1e-8) + 0.01);
  });
}

const affine = (rows: number[][], weight: Float32Array, bias: Float32Array): number[][] =>
  rows.map((row) => Array.from(bias, (b, o) => row.reduce((sum, x, i) => sum + x * weight[o * row.length + i], b)));

const layerNorm = (rows: number[][], weight: Float32Array, bias: Float32Array): number[][] =>
  rows.map((row) => {
    const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
    const variance = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
    return row.map((x, i) => ((x - mean) / Math.sqrt(variance + 1e-6)) * weight[i] + bias[i]);
  });
