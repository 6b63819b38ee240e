// Oobleck (Evans et al. 2024, arXiv 2402.04825), the autoencoder of Stable Audio; tensor names are those of diffusers. Channels last.
//
//   z [F, D] ─conv7─ { snake, convT ×s, three residual units } a stride ─ snake, conv7 ─ audio [≈ F·hop, channels]
//   audio [L, channels] ─conv7─ { three residual units, snake, conv /s } a stride ─ snake, conv3 ─ mean and scale [L/hop, 2 D]
//
// A transposed convolution of odd stride s makes s·L − 1 frames of L, as the library's does: an odd hop is a sample or more short.
import { exp } from '../elementary.ts';
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { conv1d, convTranspose1d } from '../ops/conv.ts';
import { snake } from '../ops/snake.ts';
import { convWeight, mapped, reshaped } from '../weights/references.ts';
import type { Scope } from '../weights/weights.ts';

/** Fields of diffusers' AutoencoderOobleck. */
export interface OobleckConfig {
  readonly encoder_hidden_size: number;
  /** Width of the encoder's first convolution, where it is another: stable-audio-tools sets both. */
  readonly encoder_channels?: number;
  /** Strides of the encoder; the decoder has them from the last to the first. */
  readonly downsampling_ratios: readonly number[];
  readonly channel_multiples: readonly number[];
  readonly decoder_channels: number;
  /** Width of the latents. */
  readonly decoder_input_channels: number;
  readonly audio_channels: number;
  readonly sampling_rate: number;
}

/** Samples of a latent frame. */
export const oobleckHop = (c: OobleckConfig): number => c.downsampling_ratios.reduce((a, b) => a * b, 1);

/** Samples that the decoder makes of so many frames. */
export const oobleckSamples = (c: OobleckConfig, frames: number): number =>
  [...c.downsampling_ratios].reverse().reduce((length, stride) => length * stride - (stride % 2), frames);

/** Dilations of the residual units of a block, and what they reach to each side. */
const DILATIONS = [1, 3, 9];
const UNIT_REACH = 3 * (1 + 3 + 9);

/** Latent frames to each side that a sample depends on, in the decoder and in the encoder. */
export function oobleckContext(c: OobleckConfig): number {
  let frames = 3; // its first convolution, or the encoder's last
  let rate = 1;
  for (const stride of [...c.downsampling_ratios].reverse()) {
    frames += 2 / rate; // two strides of taps, and an odd one's shift
    rate *= stride;
    frames += UNIT_REACH / rate;
  }
  return Math.ceil(frames + 3 / rate) + 1;
}

const widths = (c: OobleckConfig, base: number): number[] => [1, ...c.channel_multiples].map((n) => base * n);

/** z [F, decoder_input_channels] → audio [oobleckSamples(F), audio_channels]. */
export function oobleckDecoder(g: Graph, w: Scope, z: Tensor, c: OobleckConfig): Tensor {
  const { decoder_channels: channels } = c;
  const width = widths(c, channels);
  const strides = [...c.downsampling_ratios].reverse();
  return g.scope('oobleck', () => {
    let x = conv(g, w.at('conv1'), z, width[strides.length], { kernel: 7 });
    for (const [i, stride] of strides.entries())
      x = g.scope(`block ${i}`, () => upsample(g, w.at(`block.${i}`), x, width[strides.length - i - 1], stride));
    return conv(g, w.at('conv2'), logSnake(g, w.at('snake1'), x), c.audio_channels, { kernel: 7, biased: false });
  });
}

/** audio [L, audio_channels], L in whole frames → mean and scale of the latents, [L/hop, 2 · decoder_input_channels]. */
export function oobleckEncoder(g: Graph, w: Scope, audio: Tensor, c: OobleckConfig): Tensor {
  const width = widths(c, c.encoder_channels ?? c.encoder_hidden_size);
  return g.scope('oobleck', () => {
    let x = conv(g, w.at('conv1'), audio, width[0], { kernel: 7 });
    for (const [i, stride] of c.downsampling_ratios.entries())
      x = g.scope(`block ${i}`, () => {
        const block = w.at(`block.${i}`);
        const y = logSnake(g, block.at('snake1'), units(g, block, x));
        return conv(g, block.at('conv1'), y, width[i + 1], { kernel: 2 * stride, stride, padding: Math.ceil(stride / 2) });
      });
    return conv(g, w.at('conv2'), logSnake(g, w.at('snake1'), x), c.encoder_hidden_size, { kernel: 3 });
  });
}

interface Convolution {
  readonly kernel: number;
  readonly stride?: number;
  readonly dilation?: number;
  /** Default: what keeps the length. */
  readonly padding?: number;
  readonly biased?: boolean;
  readonly residual?: Tensor;
}

function conv(g: Graph, w: Scope, x: Tensor, cout: number, s: Convolution): Tensor {
  const { kernel, stride = 1, dilation = 1, padding = ((kernel - 1) * dilation) >> 1, biased = true, residual } = s;
  return conv1d(g, x, convWeight(w, '', [cout, x.shape[1], kernel]), {
    ...(biased && { bias: w.get('bias', [cout]) }),
    stride,
    dilation,
    padding,
    ...(residual && { residual }),
  });
}

function upsample(g: Graph, w: Scope, x: Tensor, cout: number, stride: number): Tensor {
  const up = w.at('conv_t1');
  const y = convTranspose1d(g, logSnake(g, w.at('snake1'), x), convWeight(up, '', [x.shape[1], cout, 2 * stride]), {
    bias: up.get('bias', [cout]),
    stride,
    padding: Math.ceil(stride / 2),
  });
  return units(g, w, y);
}

/** Three residual units: x + conv₁(snake(conv₇(snake x))). */
function units(g: Graph, w: Scope, x: Tensor): Tensor {
  const [, width] = x.shape;
  return DILATIONS.reduce((y, dilation, i) => {
    const unit = w.at(`res_unit${i + 1}`);
    const h = conv(g, unit.at('conv1'), logSnake(g, unit.at('snake1'), y), width, { kernel: 7, dilation });
    return conv(g, unit.at('conv2'), logSnake(g, unit.at('snake2'), h), width, { kernel: 1, residual: y });
  }, x);
}

/** Snake with logarithms of its numbers in the file, as [1, C, 1] or [C]. */
function logSnake(g: Graph, w: Scope, x: Tensor): Tensor {
  const [, channels] = x.shape;
  const vector = (name: string) => reshaped(w.get(name, [1, channels, 1]), [channels]);
  return snake(
    g,
    x,
    mapped(vector('alpha'), 'exp', (v) => exp(v)),
    mapped(vector('beta'), '1 / (exp + 1e-9)', (v) => 1 / (exp(v) + 1e-9)),
  );
}
