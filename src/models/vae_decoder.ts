// VAE-GAN decoder: latents → audio (docs/system.md §6).
//
//   kind 'istft_running'             z [L, D] ─Linear─LayerNorm─ConvNeXt × low─Linear, ×up frames─ConvNeXt × high─LayerNorm─Linear─
//                                    (log magnitude, direction, salience of pitches) ─gain of phase─running sum─inverse STFT─ audio [1, hop·L]
//                                    with `image`: that is the mid, and the head's pan and width of bands make two channels of it [2, hop·L]
//   kind 'istft_convnext'            the same up to (log magnitude, phase), a head for every channel ─polar─inverse STFT─ audio [C, hop·L]
//   kind 'hifigan' (paper)           z ─conv7─ { leaky ReLU ─ transposed conv ─ mean of residual stacks } ─leaky ReLU─conv7─tanh─ audio
//
// Nothing looks further than `decoderContext` frames, so a long piece may be decoded in pieces; what runs on besides is the phase of
// 'istft_running', which one piece hands to the next.
import type { Graph, ParamValue } from '../graph/graph.ts';
import { elementsOf, reshape, type Tensor } from '../graph/tensor.ts';
import { conv1d, convTranspose1d } from '../ops/conv.ts';
import { add, clamp } from '../ops/elementwise.ts';
import { concatRows } from '../ops/gather.ts';
import { stereoSpectra } from '../ops/image.ts';
import { linear } from '../ops/matmul.ts';
import { layerNorm } from '../ops/norm.ts';
import { type Framing, type Pitches, phaseAdvance, phaseSum, polarTurns } from '../ops/phase.ts';
import { normalNoise, STREAM } from '../ops/random.ts';
import { istft, polar } from '../ops/spectrum.ts';
import type { Scope } from '../weights/weights.ts';
import { convNext, EPS } from './layers.ts';

interface TrunkConfig {
  readonly hop_length: number;
  readonly latent_dim: number;
  readonly dim: number;
  readonly ffn: number;
  readonly kernel: number;
  readonly low_layers: number;
  readonly high_layers: number;
  readonly upsample: number;
  readonly fft_size: number;
}

export interface IstftDecoderConfig extends TrunkConfig {
  readonly kind: 'istft_convnext';
  readonly channels?: number; // of the audio, default 1
}

export interface RunningDecoderConfig extends TrunkConfig {
  readonly kind: 'istft_running';
  readonly sample_rate: number; // Hz
  readonly pitches: Pitches;
  /** A4 in Hz of the music that the weights know. */
  readonly reference_pitch: number;
  /** How many of the lowest bins have a direction. Default all. */
  readonly directed?: number;
  /** Stereo: the head says pan and log width of so many bands. */
  readonly image?: { readonly bands: number };
  readonly channels?: number; // of the audio: 2 with `image`, else 1, the default
}

export interface HifiGanConfig {
  readonly kind: 'hifigan';
  readonly hop_length: number;
  readonly latent_dim: number;
  readonly rates: readonly number[];
  readonly kernels: readonly number[];
  readonly channels: readonly number[];
  readonly residual_kernels: readonly number[];
  readonly dilations: readonly number[];
  readonly leaky_slope: number;
}

export type VaeDecoderConfig = IstftDecoderConfig | RunningDecoderConfig | HifiGanConfig;

/** z [L, D] → audio [C, hop·L] in [−1, 1], channel after channel. */
export function vaeDecoder(g: Graph, w: Scope, z: Tensor, c: VaeDecoderConfig): Tensor {
  if (c.kind === 'istft_running') return runningDecoder(g, w, z, c, runningInputs(g, c)).audio;
  return g.scope('vae_decoder', () => (c.kind === 'hifigan' ? hifiGan(g, w, z, c) : istftDecoder(g, w, z, c)));
}

/** What a decoder whose phase runs on reads beside the latents. */
export interface RunningInputs {
  readonly turns: Tensor; // [P] u32, of pitchTurns
  readonly start: Tensor; // [K] u32, the phase before row `first`
  readonly drift: Tensor; // [K] u32, added at every row
  readonly first: ParamValue; // spectral frames before this one keep the start's phase
  readonly end: ParamValue; // the frame before which the phase is handed on
  readonly seed: readonly [low: ParamValue, high: ParamValue];
  /** Block of noise of the first spectral frame, see noiseBlocks, and the blocks of a circular piece (0: it is not). */
  readonly block: ParamValue;
  readonly period: ParamValue;
}

/** Inputs of the graph by these names: turns, start, drift; scalars: first, end, low, high, block, period. */
export function runningInputs(g: Graph, c: RunningDecoderConfig): RunningInputs {
  const bins = c.fft_size / 2 + 1;
  const [first, end, low, high, block, period] = ['first', 'end', 'low', 'high', 'block', 'period'].map((name) => g.scalar(name));
  return {
    turns: g.input('turns', [c.pitches.count], 'u32'),
    start: g.input('start', [bins], 'u32'),
    drift: g.input('drift', [bins], 'u32'),
    first,
    end,
    seed: [low, high],
    block,
    period,
  };
}

/** Blocks of noise that a spectral frame has for its own: the noise of frame t begins with block t · noiseBlocks. */
export const noiseBlocks = (c: RunningDecoderConfig): number => Math.ceil((c.fft_size / 2 + 1) / 4);

/** The framing of its spectra. */
export const framingOf = (c: RunningDecoderConfig): Framing => ({
  size: c.fft_size,
  hop: c.hop_length / c.upsample,
  sampleRate: c.sample_rate,
});

/**
 * z [L, D] → audio [C, hop·L] in [−1, 1], the phase [K] u32 that a later part starts from, and what the audio was made of: the head's
 * numbers [upsample·L, ≥ K + 2·directed + P + 2·bands] (log magnitude, a, b, salience, pan, log width) and the phase of every spectral frame.
 */
export function runningDecoder(g: Graph, w: Scope, z: Tensor, c: RunningDecoderConfig, run: RunningInputs, eps?: Tensor) {
  return g.scope('vae_decoder', () => {
    const bins = c.fft_size / 2 + 1;
    const { directed = bins } = c;
    const said = head(g, w, 'head', trunk(g, w, z, c), bins + 2 * directed + c.pitches.count + 2 * (c.image?.bands ?? 0));
    const framing = framingOf(c);
    const width = 4 * noiseBlocks(c);
    const noise = eps ?? normalNoise(g, [said.shape[0], width], { ...run, stream: STREAM.jitter });
    const u = phaseAdvance(g, said, noise, run.turns, { ...framing, pitches: c.pitches, reference: c.reference_pitch, bins, directed });
    const { phase, next } = phaseSum(g, u, run);
    return { audio: runningSound(g, said, phase, c), next, head: said, phase };
  });
}

/** What the head said and the phase of every spectral frame [T, K] u32 → audio [C, hop·L] in [−1, 1]. */
export function runningSound(g: Graph, said: Tensor, phase: Tensor, c: RunningDecoderConfig): Tensor {
  const framing = framingOf(c);
  const mid = polarTurns(g, said, phase, { limit: 5 });
  const sound = (spectrum: Tensor) => asChannel(clamp(g, istft(g, spectrum, framing), -1, 1));
  if (!c.image) return sound(mid);
  const bins = c.fft_size / 2 + 1;
  const first = bins + 2 * (c.directed ?? bins) + c.pitches.count;
  const { left, right } = stereoSpectra(g, mid, said, { ...framing, bands: c.image.bands, first });
  return concatRows(g, [sound(left), sound(right)]);
}

/** Latent frames to each side that an output sample depends on. */
export function decoderContext(c: VaeDecoderConfig): number {
  if (c.kind !== 'hifigan') {
    const half = c.kernel >> 1;
    const smooth = c.kind === 'istft_running' ? (c.pitches.smooth ?? 0) : 0;
    return c.low_layers * half + Math.ceil((c.high_layers * half + smooth + 2) / c.upsample);
  }
  let samples = 3; // the head's reach, in samples of the last stage; then stage by stage down to latent frames
  for (let i = c.rates.length - 1; i >= 0; i--) {
    const stack = Math.max(...c.residual_kernels.map((k) => (k >> 1) * c.dilations.reduce((n, d) => n + d + 1, 0)));
    samples = Math.ceil((samples + stack + c.kernels[i]) / c.rates[i]) + 1;
  }
  return samples + 3;
}

/** z [L, D] → features of every spectral frame [upsample·L, dim]. */
function trunk(g: Graph, w: Scope, z: Tensor, c: TrunkConfig): Tensor {
  const [frames] = z.shape;
  const norm = (name: string, x: Tensor) => layerNorm(g, x, w.get(`${name}.weight`, [c.dim]), w.get(`${name}.bias`, [c.dim]), { eps: EPS });
  const project = (name: string, x: Tensor, from: number, to: number) =>
    linear(g, x, w.get(`${name}.weight`, [to, from]), { bias: w.get(`${name}.bias`, [to]) });
  let x = norm('norm_in', project('embed', z, c.latent_dim, c.dim));
  for (let i = 0; i < c.low_layers; i++) x = g.scope(`low ${i}`, () => convNext(g, w.at(`low.${i}`), x, c.ffn, c.kernel));
  x = reshape(project('expand', x, c.dim, c.upsample * c.dim), [frames * c.upsample, c.dim]);
  for (let i = 0; i < c.high_layers; i++) x = g.scope(`high ${i}`, () => convNext(g, w.at(`high.${i}`), x, c.ffn, c.kernel));
  return norm('norm_out', x);
}

/** `outputs` numbers a spectral frame, rounded up to whole groups of four: [upsample·L, ≥ outputs]. */
const head = (g: Graph, w: Scope, name: string, features: Tensor, outputs: number): Tensor =>
  linear(g, features, w.get(`${name}.weight`, [outputs, features.shape[1]]), { bias: w.get(`${name}.bias`, [outputs]), padded: true });

/** audio [n] → [1, n]. */
const asChannel = (audio: Tensor): Tensor => reshape(audio, [1, elementsOf(audio.shape)]);

function istftDecoder(g: Graph, w: Scope, z: Tensor, c: IstftDecoderConfig): Tensor {
  const { channels = 1 } = c;
  const outputs = c.fft_size + 2;
  const features = trunk(g, w, z, c);
  const heads = channels === 1 ? ['head'] : Array.from({ length: channels }, (_, i) => `heads.${i}`);
  const sounds = heads.map((name) => {
    const spectrum = polar(g, head(g, w, name, features, outputs), { bins: c.fft_size / 2 + 1, limit: 5 });
    return asChannel(clamp(g, istft(g, spectrum, { size: c.fft_size, hop: c.hop_length / c.upsample }), -1, 1));
  });
  return channels === 1 ? sounds[0] : concatRows(g, sounds);
}

function hifiGan(g: Graph, w: Scope, z: Tensor, c: HifiGanConfig): Tensor {
  const widths = [...c.channels, c.channels[c.channels.length - 1] / 2];
  const conv = (path: string, x: Tensor, from: number, to: number, k: number, options: Parameters<typeof conv1d>[3]) =>
    conv1d(g, x, w.get(`${path}.weight`, [to, from, k]), { bias: w.get(`${path}.bias`, [to]), ...options });
  let x = conv('stem', z, c.latent_dim, widths[0], 7, { padding: 3 });
  c.rates.forEach((rate, i) => {
    const [k, width] = [c.kernels[i], widths[i + 1]];
    const left = (k - rate) >> 1; // crop to exactly rate · length
    x = convTranspose1d(g, x, w.get(`ups.${i}.weight`, [widths[i], width, k]), {
      bias: w.get(`ups.${i}.bias`, [width]),
      stride: rate,
      padding: [left, k - rate - left],
      preAct: 'leaky_relu',
    });
    const stacks = c.residual_kernels.map((kernel, j) => {
      let y = x;
      c.dilations.forEach((dilation, d) => {
        const path = `stacks.${i}.${j}`;
        const h = conv(`${path}.dilated.${d}`, y, width, width, kernel, {
          dilation,
          padding: dilation * (kernel >> 1),
          preAct: 'leaky_relu',
        });
        y = conv(`${path}.plain.${d}`, h, width, width, kernel, { padding: kernel >> 1, preAct: 'leaky_relu', residual: y });
      });
      return y;
    });
    const share = 1 / stacks.length;
    x = stacks.slice(1).reduce((sum, y, j) => add(g, sum, y, { alpha: j === 0 ? share : 1, beta: share }), stacks[0]);
  });
  const y = conv('head', x, widths[widths.length - 1], 1, 7, { padding: 3, preAct: 'leaky_relu', act: 'tanh' });
  return asChannel(y);
}
