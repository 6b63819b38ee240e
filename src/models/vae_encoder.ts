// VAE-GAN encoder: audio, of several channels their mean → mean and log variance of the latents (docs/system.md §6).
//
//   kind 'stft_convnext' (shipped)  audio ─log |STFT|, frames of one hop side by side─Linear─LayerNorm─ConvNeXt × n─LayerNorm─Linear─ z
//                                   with `air`: levels of the highest bands too; with `image`: pan and width of bands of both channels
//   kind 'strided_cnn' (paper)      audio ─conv7─ { residual units ─ GELU ─ strided conv } ─GELU─conv3─ z
import { MelodyError } from '../errors.ts';
import type { Graph } from '../graph/graph.ts';
import { elementsOf, reshape, type Tensor } from '../graph/tensor.ts';
import { sharedConstant } from '../ops/constant.ts';
import { conv1d } from '../ops/conv.ts';
import { add, clamp } from '../ops/elementwise.ts';
import { concatCols, slice } from '../ops/gather.ts';
import { stereoImage } from '../ops/image.ts';
import { linear } from '../ops/matmul.ts';
import { layerNorm } from '../ops/norm.ts';
import { complexPower, filterBank, logFloor, stft } from '../ops/spectrum.ts';
import type { Scope } from '../weights/weights.ts';
import { airBins, convNext, EPS } from './layers.ts';

export interface StftEncoderConfig {
  readonly kind: 'stft_convnext';
  readonly hop_length: number;
  readonly latent_dim: number;
  readonly dim: number;
  readonly ffn: number;
  readonly kernel: number;
  readonly layers: number;
  /** False: the exported encoder gives means alone. */
  readonly variance?: boolean;
  /** Of a spectrum only the first `bins` are used where given: long windows tell low pitches apart and need no more. */
  readonly spectra: readonly { readonly size: number; readonly hop: number; readonly bins?: number }[];
  readonly channels?: number; // of the audio, default 1
  /** Hz; needed with `air` or `image`. */
  readonly sample_rate?: number;
  /** Of the magnitudes, default 1: half of it gives those of half the rate. */
  readonly gain?: number;
  /** Levels of `bands` bands of equally many bins from `low` to `high` Hz, where noise tells bins apart and nothing else does. */
  readonly air?: { readonly size: number; readonly hop: number; readonly low: number; readonly high: number; readonly bands: number };
  /** Pan and log width of bands of a stereo sound, from spectra of this size, a frame a hop. */
  readonly image?: { readonly size: number; readonly bands: number };
}

export interface StridedEncoderConfig {
  readonly kind: 'strided_cnn';
  readonly hop_length: number;
  readonly latent_dim: number;
  readonly channels: readonly number[];
  readonly kernels: readonly number[];
  readonly strides: readonly number[];
  readonly units: number;
  readonly variance?: boolean;
  /** The result is clipped to ±clip. */
  readonly clip?: number;
}

export type VaeEncoderConfig = StftEncoderConfig | StridedEncoderConfig;

/**
 * audio [n] or [C, n], n a multiple of the hop (pad with zeros) → latents [n / hop, D], as the diffusion model wants them.
 * With `variance` (training checkpoints): [n / hop, 2·D], means, then log variances before their clamp to [−8, 2].
 */
export function vaeEncoder(g: Graph, w: Scope, audio: Tensor, c: VaeEncoderConfig): Tensor {
  const n = audio.shape[audio.shape.length - 1];
  if (n % c.hop_length !== 0)
    throw new MelodyError('shape', `vae_encoder: got ${n} samples, expected a multiple of the hop ${c.hop_length}`, 'pad with zeros');
  return g.scope('vae_encoder', () => {
    return c.kind === 'strided_cnn' ? strided(g, w, meanOfChannels(g, audio), c) : stftEncoder(g, w, audio, c);
  });
}

const channelsOf = ({ shape }: Tensor): number => elementsOf(shape) / shape[shape.length - 1];

/** The mean of all channels, times `gain`. audio [C, n] or [n] → [n]. */
function meanOfChannels(g: Graph, audio: Tensor, gain = 1): Tensor {
  const n = audio.shape[audio.shape.length - 1];
  const channels = channelsOf(audio);
  const share = gain / channels;
  if (channels === 1) return reshape(gain === 1 ? audio : add(g, audio, audio, { alpha: gain, beta: 0 }), [n]);
  let sum = slice(g, audio, 0, 1);
  for (let c = 1; c < channels; c++) sum = add(g, sum, slice(g, audio, c, 1), c === 1 ? { alpha: share, beta: share } : { beta: share });
  return reshape(sum, [n]);
}

const outputs = (c: VaeEncoderConfig): number => (c.variance === false ? 1 : 2) * c.latent_dim;

function stftEncoder(g: Graph, w: Scope, audio: Tensor, c: StftEncoderConfig): Tensor {
  const mid = meanOfChannels(g, audio, c.gain);
  const features = concatCols(g, [...spectra(g, mid, c), ...air(g, mid, c), ...image(g, audio, c)]);
  const norm = (name: string, x: Tensor) => layerNorm(g, x, w.get(`${name}.weight`, [c.dim]), w.get(`${name}.bias`, [c.dim]), { eps: EPS });
  let x = norm('norm_in', linear(g, features, w.get('embed.weight', [c.dim, features.shape[1]]), { bias: w.get('embed.bias', [c.dim]) }));
  for (let i = 0; i < c.layers; i++) x = g.scope(`block ${i}`, () => convNext(g, w.at(`blocks.${i}`), x, c.ffn, c.kernel));
  const out = outputs(c);
  return linear(g, norm('norm_out', x), w.get('head.weight', [out, c.dim]), { bias: w.get('head.bias', [out]) });
}

/** x [n / hop, cols] → the rows of one frame side by side. */
const sideBySide = (x: Tensor, hop: number, c: StftEncoderConfig): Tensor => {
  const hops = c.hop_length / hop;
  return reshape(x, [x.shape[0] / hops, x.shape[1] * hops]);
};

/** log(|S| + 0.01) of every spectrum of a mid, its gain in it. */
function spectra(g: Graph, mid: Tensor, c: StftEncoderConfig): Tensor[] {
  const options = { mode: 'log', eps: 1e-8 * (c.gain ?? 1) * (c.gain ?? 1), floor: 1e-2 } as const;
  return c.spectra.map(({ size, hop, bins = size / 2 + 1 }) =>
    sideBySide(complexPower(g, stft(g, mid, { size, hop, bins }), { ...options, bins }), hop, c),
  );
}

/** log(rms + 0.01) of the highest bands of a mid, its gain in it. */
function air(g: Graph, mid: Tensor, c: StftEncoderConfig): Tensor[] {
  if (!c.air) return [];
  const { size, hop, bands } = c.air;
  const [low, high] = airBins(c);
  const each = (high - low) / bands;
  const filters = sharedConstant(`${bands} means of bins ${low} to ${high}`, [high, bands], () =>
    Float32Array.from({ length: high * bands }, (_, i) => (Math.floor((Math.floor(i / bands) - low) / each) === i % bands ? 1 / each : 0)),
  );
  const power = complexPower(g, stft(g, mid, { size, hop, bins: high }), { bins: high, mode: 'power' });
  return [sideBySide(logFloor(g, filterBank(g, power, filters), 1e-2, { root: true }), hop, c)];
}

/** Pan and log width of both channels. */
function image(g: Graph, audio: Tensor, c: StftEncoderConfig): Tensor[] {
  if (!c.image) return [];
  if (channelsOf(audio) !== 2) throw new MelodyError('shape', `vae_encoder: got audio [${audio.shape}], expected two channels`);
  const { size, bands } = c.image;
  const [left, right] = [0, 1].map((channel) => slice(g, audio, channel, 1));
  const [mid, side] = [0.5, -0.5].map((beta) => stft(g, add(g, left, right, { alpha: 0.5, beta }), { size, hop: c.hop_length }));
  return [stereoImage(g, mid, side, { size, sampleRate: c.sample_rate ?? 0, bands })];
}

function strided(g: Graph, w: Scope, audio: Tensor, c: StridedEncoderConfig): Tensor {
  const conv = (path: string, x: Tensor, from: number, to: number, k: number, options: Parameters<typeof conv1d>[3]) =>
    conv1d(g, x, w.get(`${path}.weight`, [to, from, k]), { bias: w.get(`${path}.bias`, [to]), ...options });
  let width = c.channels[0];
  let x = conv('stem', reshape(audio, [elementsOf(audio.shape), 1]), 1, width, 7, { padding: 3 });
  c.strides.forEach((stride, i) => {
    const k = c.kernels[i];
    for (let u = 0; u < c.units; u++) {
      const h = conv(`units.${i}.${u}.conv1`, x, width, width, k, { padding: k >> 1, preAct: 'gelu', act: 'gelu' });
      x = conv(`units.${i}.${u}.conv2`, h, width, width, 1, { residual: x });
    }
    const left = (k - stride) >> 1; // exactly length / stride
    x = conv(`downs.${i}`, x, width, c.channels[i], k, { stride, padding: [left, k - stride - left], preAct: 'gelu' });
    width = c.channels[i];
  });
  const z = conv('head', x, width, outputs(c), 3, { padding: 1, preAct: 'gelu' });
  return c.clip === undefined ? z : clamp(g, z, -c.clip, c.clip);
}
