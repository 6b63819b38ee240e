// EnCodec (Défossez et al. 2022, arXiv 2210.13438), the codec of MusicGen; tensor names are those of transformers. Channels last.
//
//   codes [F, K] ─rvq─ z [F, hidden] ─conv─ + LSTM ─ { ELU, convT ×r, residual units } a ratio ─ ELU, conv ─ audio [F·hop, channels]
//   audio [L, channels] ─conv─ { residual units, ELU, conv /r } a ratio ─ + LSTM ─ ELU, conv ─ z [⌈L/hop⌉, hidden] ─rvq─ codes
//
// A convolution sees its input mirrored around the ends: on both sides, or (causal) before it alone.
import { log2, power } from '../elementary.ts';
import { MelodyError } from '../errors.ts';
import type { Graph, ParamValue } from '../graph/graph.ts';
import { reshape, type Tensor, type WeightRef } from '../graph/tensor.ts';
import { conv1d, convTranspose1d } from '../ops/conv.ts';
import { add } from '../ops/elementwise.ts';
import { concatRows, slice } from '../ops/gather.ts';
import { groupNorm } from '../ops/group_norm.ts';
import { lstmScan } from '../ops/lstm.ts';
import { linear } from '../ops/matmul.ts';
import { padReflect } from '../ops/pad.ts';
import { convWeight, stack, sumOf } from '../weights/references.ts';
import type { Scope } from '../weights/weights.ts';

/** Fields of transformers' EncodecConfig that count here. */
export interface EncodecConfig {
  readonly sampling_rate: number;
  readonly audio_channels: number;
  readonly hidden_size: number;
  readonly num_filters: number;
  readonly num_residual_layers: number;
  readonly upsampling_ratios: readonly number[];
  readonly norm_type: 'weight_norm' | 'time_group_norm';
  readonly kernel_size: number;
  readonly last_kernel_size: number;
  readonly residual_kernel_size: number;
  readonly dilation_growth_rate: number;
  readonly use_causal_conv: boolean;
  readonly pad_mode: string;
  readonly compress: number;
  readonly num_lstm_layers: number;
  readonly trim_right_ratio: number;
  readonly codebook_size: number;
  readonly codebook_dim: number;
  readonly use_conv_shortcut: boolean;
  readonly target_bandwidths: readonly number[];
}

/** Samples of a frame. */
export const hopOf = (c: EncodecConfig): number => c.upsampling_ratios.reduce((a, b) => a * b, 1);

/** Codebooks of the highest bandwidth: no key of the config says it. */
export function codebooksOf(c: EncodecConfig): number {
  const rate = Math.ceil(c.sampling_rate / hopOf(c));
  return Math.floor((1000 * (c.target_bandwidths[c.target_bandwidths.length - 1] ?? 0)) / (rate * Math.ceil(log2(c.codebook_size))));
}

/** The first `levels` codebooks, [levels, codebook_size, codebook_dim], for rvqDecode and rvqEncode. */
export function codebooks(w: Scope, c: EncodecConfig, levels: number): WeightRef {
  const one = (q: number) => w.get(`quantizer.layers.${q}.codebook.embed`, [c.codebook_size, c.codebook_dim]);
  return stack([one(0), ...Array.from({ length: levels - 1 }, (_, i) => one(i + 1))]);
}

/** First half of the decoder, at the frame rate: latents [F, hidden_size] of a whole piece → [F, filters · 2^ratios]. */
export function encodecDecoderFrames(g: Graph, w: Scope, z: Tensor, c: EncodecConfig): Tensor {
  const [length] = z.shape;
  return encodecDecoderPart(g, w, z, c, { from: 0, length }).frames;
}

/** Which frames of a stretch are made, and the memory of those before. */
export interface EncodecPart {
  readonly from: ParamValue;
  readonly length: number;
  /** Of every layer, [num_lstm_layers, 2 · width]. Default: nothing came before. */
  readonly before?: Tensor;
}

/** Frames on either side of a part that its own depend on, beside the memory. */
export const partContext = (c: EncodecConfig): number => c.kernel_size - 1;

/** A part of encodecDecoderFrames: `length` frames of a stretch of latents that has its context, and the memory that they leave. */
export function encodecDecoderPart(
  g: Graph,
  w: Scope,
  z: Tensor,
  c: EncodecConfig,
  { from, length, before }: EncodecPart,
): { frames: Tensor; after: Tensor | undefined } {
  const width = c.num_filters * 2 ** c.upsampling_ratios.length;
  return g.scope('encodec', () => {
    const x = conv(g, w.at('decoder.layers.0'), z, width, c, { kernel: c.kernel_size });
    const own = length === x.shape[0] ? x : slice(g, x, from, length);
    return lstm(g, w.at('decoder.layers.1.lstm'), own, c, before);
  });
}

/** Second half: [F, filters · 2^ratios] → audio [F·hop, audio_channels]. */
export function encodecDecoderSamples(g: Graph, w: Scope, x: Tensor, c: EncodecConfig): Tensor {
  return g.scope('encodec', () => {
    let y = x;
    let at = 2;
    let width = c.num_filters * 2 ** c.upsampling_ratios.length;
    for (const ratio of c.upsampling_ratios) {
      width /= 2;
      y = upsample(g, w.at(`decoder.layers.${at + 1}`), y, width, ratio, c);
      for (let j = 0; j < c.num_residual_layers; j++) y = residualUnit(g, w.at(`decoder.layers.${at + 2 + j}`), y, j, c);
      at += 2 + c.num_residual_layers;
    }
    return conv(g, w.at(`decoder.layers.${at + 1}`), y, c.audio_channels, c, { kernel: c.last_kernel_size, elu: true });
  });
}

/** Frames on either side of a stretch that its samples depend on in encodecDecoderSamples. */
export function decoderContext(c: EncodecConfig): number {
  let frames = 0;
  let rate = 1;
  for (const ratio of c.upsampling_ratios) {
    frames += 1 / rate;
    rate *= ratio;
    for (let j = 0; j < c.num_residual_layers; j++) frames += ((c.residual_kernel_size - 1) * power(c.dilation_growth_rate, j)) / rate;
  }
  return Math.ceil(frames + c.last_kernel_size / rate) + 1;
}

/** audio [L, audio_channels] → latents [⌈L/hop⌉, hidden_size]. */
export function encodecEncoder(g: Graph, w: Scope, audio: Tensor, c: EncodecConfig): Tensor {
  return g.scope('encodec', () => {
    let width = c.num_filters;
    let x = conv(g, w.at('encoder.layers.0'), audio, width, c, { kernel: c.kernel_size });
    let at = 1;
    for (const ratio of [...c.upsampling_ratios].reverse()) {
      for (let j = 0; j < c.num_residual_layers; j++) x = residualUnit(g, w.at(`encoder.layers.${at + j}`), x, j, c);
      at += c.num_residual_layers + 2;
      width *= 2;
      x = conv(g, w.at(`encoder.layers.${at - 1}`), x, width, c, { kernel: 2 * ratio, stride: ratio, elu: true });
    }
    x = lstm(g, w.at(`encoder.layers.${at}.lstm`), x, c).frames;
    return conv(g, w.at(`encoder.layers.${at + 2}`), x, c.hidden_size, c, { kernel: c.last_kernel_size, elu: true });
  });
}

interface Convolution {
  readonly kernel: number;
  readonly stride?: number;
  readonly dilation?: number;
  /** ELU of the input. */
  readonly elu?: boolean;
  readonly residual?: Tensor;
}

/** Frames of padding before and after: all that keeps ⌈L / stride⌉ frames. */
function paddingOf(length: number, c: EncodecConfig, { kernel, stride = 1, dilation = 1 }: Convolution): [left: number, right: number] {
  const span = (kernel - 1) * dilation + 1;
  const total = span - stride;
  const extra = (Math.ceil((length - span + total) / stride + 1) - 1) * stride + span - total - length;
  const right = c.use_causal_conv ? 0 : total >> 1;
  return [total - right, right + extra];
}

function conv(g: Graph, w: Scope, x: Tensor, cout: number, c: EncodecConfig, s: Convolution): Tensor {
  const [length, cin] = x.shape;
  const { kernel, stride = 1, dilation = 1, residual } = s;
  const [left, right] = paddingOf(length, c, s);
  const mirrored = c.pad_mode === 'reflect' && left + right > 0;
  if (c.pad_mode !== 'reflect' && c.pad_mode !== 'constant' && c.pad_mode !== 'zero')
    throw new MelodyError('weights', `encodec: pad_mode is "${c.pad_mode}", expected "reflect" or "constant"`);
  const padding = mirrored ? 0 : ([left, right] as const);
  const normed = c.norm_type === 'time_group_norm';
  const y = conv1d(g, mirrored ? padReflect(g, x, left, right) : x, convWeight(w, 'conv', [cout, cin, kernel]), {
    bias: w.get('conv.bias', [cout]),
    stride,
    dilation,
    padding,
    ...(s.elu && { preAct: 'elu' }), // ELU(0) = 0, so it may follow the padding
    ...(residual && !normed && { residual }),
  });
  if (!normed) return y;
  const z = groupNormOf(g, w, y);
  return residual ? add(g, z, residual) : z;
}

const groupNormOf = (g: Graph, w: Scope, x: Tensor): Tensor => {
  const [, channels] = x.shape;
  return groupNorm(g, x, w.get('norm.weight', [channels]), w.get('norm.bias', [channels]), { groups: 1, eps: 1e-5 });
};

/** ELU and a transposed convolution of 2 · ratio taps, cut to ratio · L frames. */
function upsample(g: Graph, w: Scope, x: Tensor, cout: number, ratio: number, c: EncodecConfig): Tensor {
  const [length, cin] = x.shape;
  const right = c.use_causal_conv ? Math.ceil(ratio * c.trim_right_ratio) : ratio >> 1;
  const left = ratio - right;
  const normed = c.norm_type === 'time_group_norm'; // over what is cut off, too
  const y = convTranspose1d(g, x, convWeight(w, 'conv', [cin, cout, 2 * ratio]), {
    bias: w.get('conv.bias', [cout]),
    stride: ratio,
    padding: normed ? 0 : [left, right],
    preAct: 'elu',
  });
  return normed ? slice(g, groupNormOf(g, w, y), left, ratio * length) : y;
}

/** shortcut(x) + conv₁(ELU(conv₃(ELU x))). */
function residualUnit(g: Graph, w: Scope, x: Tensor, j: number, c: EncodecConfig): Tensor {
  const [, width] = x.shape;
  const shortcut = c.use_conv_shortcut ? conv(g, w.at('shortcut'), x, width, c, { kernel: 1 }) : x;
  const wide = { kernel: c.residual_kernel_size, dilation: power(c.dilation_growth_rate, j), elu: true };
  const h = conv(g, w.at('block.1'), x, Math.floor(width / c.compress), c, wide);
  return conv(g, w.at('block.3'), h, width, c, { kernel: 1, elu: true, residual: shortcut });
}

/** x + LSTM(x) over time, and what every layer remembers. x [F, C], before and after [layers, 2 · C]. */
function lstm(g: Graph, w: Scope, x: Tensor, c: EncodecConfig, before?: Tensor): { frames: Tensor; after: Tensor | undefined } {
  const [length, width] = x.shape;
  const after: Tensor[] = [];
  let y = x;
  for (let i = 0; i < c.num_lstm_layers; i++) {
    const bias = sumOf([w.get(`bias_ih_l${i}`, [4 * width]), w.get(`bias_hh_l${i}`, [4 * width])]);
    const gates = linear(g, y, w.get(`weight_ih_l${i}`, [4 * width, width]), { bias });
    const memory = before && reshape(slice(g, before, i, 1), [1, 2, width]);
    const own = lstmScan(g, reshape(gates, [1, length, 4 * width]), w.get(`weight_hh_l${i}`, [4 * width, width]), memory);
    y = reshape(own.y, x.shape);
    after.push(reshape(own.after, [1, 2 * width]));
  }
  return after.length > 0 ? { frames: add(g, y, x), after: concatRows(g, after) } : { frames: x, after: undefined };
}
