// From words to sound in Stable Audio: words → tokens and their keys and values → latents, step by step → tiles of samples.

import { exp, log } from '../../elementary.ts';
import type { Machine } from '../../engine/engine.ts';
import { type Graph, times } from '../../graph/graph.ts';
import { readFloats } from '../../graph/stock.ts';
import { elementsOf, reshape, state, type Tensor } from '../../graph/tensor.ts';
import { oobleckContext, oobleckDecoder, oobleckEncoder, oobleckHop, oobleckSamples } from '../../models/oobleck.ts';
import {
  type Context,
  contextStates,
  fourierFeatures,
  globalTokens,
  readContext,
  stableAudioDit,
  widthOf,
} from '../../models/stable_audio_dit.ts';
import { t5Encoder } from '../../models/t5_encoder.ts';
import { constant, sharedConstant } from '../../ops/constant.ts';
import { add, copy, mul } from '../../ops/elementwise.ts';
import { concatCols, concatRows, slice } from '../../ops/gather.ts';
import { linear } from '../../ops/matmul.ts';
import { normalNoise, normalNoiseReference, STREAM, seedWords } from '../../ops/random.ts';
import { samplerStep } from '../../ops/sampler.ts';
import type { Progress } from '../../pipeline/progress.ts';
import { inPrecision, type Precision } from '../precision.ts';
import type { NumberRange, StableAudioConfig } from './config.ts';
import type { StableAudioModel, StableAudioWeights } from './model.ts';
import { type Change, stepsOf } from './schedule.ts';

export type StableAudioMachine = Machine<StableAudioModel>;

/** Bytes of the largest activation of a tile of the codec: a window of some 90 frames at full size, so that what surrounds a tile costs little. */
const TILE_BYTES = 96 * 2 ** 20;
/** Weights of a number's sines and cosines. */
const NUMBER_FEATURES = 128;

export interface Request {
  readonly ids: readonly number[];
  /** Ids of what to lead away from. */
  readonly negative?: readonly number[];
  /** Where the clip ends in the window, seconds: what the network is told. */
  readonly endSeconds: number;
  /** Latent frames that are denoised together. */
  readonly frames: number;
  readonly steps: number;
  readonly guidanceScale: number;
  readonly seed: number;
  /** How the matrices of the DiT and the text encoder lie. */
  readonly precision: Precision;
  /** Sound to begin with, one array a channel, frames · hop samples each, and how much of it changes. */
  readonly init?: Change & {
    readonly sound: readonly Float32Array[];
    /** Frames that are made anew; the others stay what the codec makes of the sound. Default: all. */
    readonly fresh?: readonly boolean[];
  };
  /** Numbers in the place of drawn ones, and of what the codec makes of given sound, [frames, channels] each; for tests. */
  readonly draws?: {
    readonly start: Float32Array;
    readonly steps?: readonly Float32Array[];
    readonly init?: Float32Array;
    readonly latents?: Float32Array;
  };
}

/** Latents of the whole window, [frames, channels]. */
export async function drawLatents(
  m: StableAudioMachine,
  r: Request,
  progress: Progress,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { dit, schedule } = m.model.config;
  const channels = dit.in_channels;
  const batch = r.guidanceScale === 1 ? 1 : 2;
  const { signal: share, noise, steps } = stepsOf(schedule, r.steps, r.init);
  const given = r.init && (r.draws?.latents ?? (await encodeLatents(m, r.init.sound, r, signal)));
  const { context, tokens } = await progress.during('style', () =>
    readConditions(
      m,
      r,
      steps.map(({ time }) => time),
      batch,
      signal,
    ),
  );
  const shape = [r.frames, channels];
  const [x, before] = ['x', 'before'].map((name) => m.keep(`${name} ${r.frames}`, () => state(`stable_audio.${name}`, shape))) as [
    Tensor,
    Tensor,
  ];
  const start = r.draws?.start ?? normalNoiseReference(elementsOf(shape), r.seed, STREAM.noise);
  m.residents.write(
    x,
    start.map((n, i) => noise * n + (given ? share * (given[i] as number) : 0)),
  );
  const third = schedule.kind === 'edm' && schedule.order === 3;
  const oldest = third ? m.keep(`oldest ${r.frames}`, () => state('stable_audio.oldest', shape)) : undefined;
  for (const past of oldest ? [before, oldest] : []) m.residents.write(past, new Float32Array(elementsOf(shape))); // read, and multiplied by 0 at first
  const fed = r.draws?.steps;
  const kept = r.init?.fresh && given ? keep(m, shape, { fresh: r.init.fresh, given, noise: start }) : undefined;
  const plan = await m.plan(
    `step ${batch} ${context.rows} ${shape} ${steps.length}${fed ? ' fed' : ''}${kept ? ' kept' : ''}`,
    (g) => {
      const step = g.scalar('step');
      const token = slice(g, tokens, step, 1);
      const scaled = add(g, x, x, { alpha: g.scalar('scale'), beta: 0 });
      const v = stableAudioDit(g, inPrecision(m.model.weights.at('transformer'), r.precision), scaled, token, context, dit, batch);
      const seed = [g.scalar('seedLow'), g.scalar('seedHigh')] as const;
      const drawn = fed
        ? g.input('noise', shape)
        : normalNoise(g, shape, { seed, stream: STREAM.ancestral, block: times(step, Math.ceil(elementsOf(shape) / 4)) });
      const [skip, out, a, b] = [g.scalar('skip'), g.scalar('out'), g.scalar('a'), g.scalar('b')];
      const [c, d] = [g.scalar('c'), g.scalar('d')];
      const last = oldest && copy(g, before);
      samplerStep(g, x, before, v, drawn, { skip, out, a, b, c, d, ...(batch === 2 && { guidance: g.scalar('guidance') }) });
      if (oldest && last) {
        copy(g, add(g, x, oldest, { alpha: 1, beta: g.scalar('older') }), { into: x });
        copy(g, last, { into: oldest });
      }
      if (!kept) return;
      const still = add(g, kept.latents, kept.noise, { alpha: g.scalar('signal'), beta: g.scalar('noise') });
      copy(g, add(g, mul(g, x, kept.fresh), still), { into: x });
    },
    signal,
  );
  const [seedLow, seedHigh] = seedWords(r.seed);
  await progress.during('diffusion', async () => {
    for (const [step, { scale, numbers, older, left }] of steps.entries()) {
      plan.run(
        {
          step,
          scale,
          seedLow,
          seedHigh,
          ...numbers,
          ...(oldest && { older }),
          ...(kept && left),
          ...(batch === 2 && { guidance: r.guidanceScale }),
        },
        fed ? { noise: fed[step] as Float32Array } : {},
      );
      await m.settle(signal);
      progress.report('diffusion', (step + 1) / steps.length);
    }
  });
  return new Float32Array(await m.residents.read(x));
}

/** What of the latents stays as it is given: itself, its noise, and ones where all is made anew; zeros elsewhere. */
function keep(
  m: StableAudioMachine,
  shape: readonly number[],
  { fresh, given, noise }: { readonly fresh: readonly boolean[]; readonly given: Float32Array; readonly noise: Float32Array },
): { latents: Tensor; noise: Tensor; fresh: Tensor } {
  const [frames, channels] = shape as [number, number];
  const of = (name: string, value: (i: number) => number, among: boolean) => {
    const one = m.keep(`${name} ${frames}`, () => state(`stable_audio.${name}`, shape));
    m.residents.write(
      one,
      Float32Array.from(given, (_, i) => (fresh[Math.floor(i / channels)] === among ? value(i) : 0)),
    );
    return one;
  };
  return {
    latents: of('kept', (i) => given[i] as number, false),
    noise: of('kept_noise', (i) => noise[i] as number, false),
    fresh: of('fresh', () => 1, true),
  };
}

/** What follows a prompt's words up to their full number. */
const zeros = (g: Graph, shape: readonly number[]): Tensor =>
  constant(
    g,
    sharedConstant(`zeros ${shape}`, shape, () => new Float32Array(elementsOf(shape))),
  );

/** Keys and values of the words and numbers, and the global token of every step [steps, width]. */
async function readConditions(
  m: StableAudioMachine,
  r: Request,
  timesOfSteps: readonly number[],
  batch: 1 | 2,
  signal: AbortSignal | undefined,
): Promise<{ context: Context; tokens: Tensor }> {
  const { config, weights } = m.model;
  const { dit, conditioning, promptTokens, numbers } = config;
  const names = numbersOf(config);
  const length = promptTokens + names.length;
  const negative = batch === 2 ? r.negative : undefined;
  const context = m.keep(`context ${negative ? 2 : 1} ${length}`, () => contextStates(dit, negative ? 2 : 1, length));
  const count = timesOfSteps.length;
  const tokens = m.keep(`tokens ${count}`, () => state('stable_audio.tokens', [count, widthOf(dit)]));
  const timeWeights = weights.at('transformer').get('time_proj.weight', [dit.time_proj_dim / 2]);
  const plan = await m.plan(
    `condition ${r.ids.length} ${negative?.length ?? 0} ${count}`,
    (g) => {
      const parts: Parts = { at: (part) => inPrecision(weights.at(part), r.precision) };
      const seconds = numberTokens(g, parts, config);
      const words = (name: string, n: number) => {
        const states = t5Encoder(g, parts.at('text_encoder'), g.input(name, [n], 'u32'), config.text_encoder);
        const rest = promptTokens - n;
        const nothing = rest > 0 ? [zeros(g, [rest, conditioning])] : [];
        return concatRows(g, [textTokens(g, parts, states, config), ...nothing, ...seconds]);
      };
      const rows = [words('ids', r.ids.length), ...(negative ? [words('negative', negative.length)] : [])];
      readContext(g, parts.at('transformer'), reshape(concatRows(g, rows), [rows.length, length, conditioning]), dit, context);
      const steps = g.input('times', [count, dit.time_proj_dim]);
      copy(g, globalTokens(g, parts.at('transformer'), steps, concatCols(g, seconds), dit), { into: tokens });
    },
    signal,
  );
  const inputs: Record<string, Float32Array | Uint32Array> = {
    ids: Uint32Array.from(r.ids),
    times: fourierFeatures(timesOfSteps, await readFloats(timeWeights, signal), ['cos', 'sin']),
    ...(negative && { negative: Uint32Array.from(negative) }),
  };
  for (const name of names) {
    const value = name === 'start' ? 0 : r.endSeconds;
    const features = await readFloats(numberScope(weights, name).get('0.weights', [NUMBER_FEATURES]), signal);
    inputs[name] = fourierFeatures([withinRange(value, numbers[name] as NumberRange)], features, ['number', 'sin', 'cos']);
  }
  plan.run({}, inputs);
  await m.settle(signal);
  return { context, tokens };
}

type Parts = Pick<StableAudioWeights, 'at'>;

/** The conditioners that a model has, in the order in which it reads them. */
const numbersOf = ({ numbers }: StableAudioConfig) => (['start', 'end'] as const).filter((name) => numbers[name]);

const numberScope = (weights: Parts, name: string) =>
  weights.at('projection_model').at(`${name}_number_conditioner.time_positional_embedding`);

/** Inputs of the graph by the names of the numbers, their features → a token each [1, conditioning]. */
export function numberTokens(g: Graph, weights: Parts, config: StableAudioConfig): Tensor[] {
  const { conditioning } = config;
  const width = 2 * NUMBER_FEATURES + 1;
  return numbersOf(config).map((name) => {
    const w = numberScope(weights, name);
    w.get('0.weights', [NUMBER_FEATURES]); // of the features, which the host makes
    return linear(g, g.input(name, [1, width]), w.get('1.weight', [conditioning, width]), { bias: w.get('1.bias', [conditioning]) });
  });
}

/** States of the text encoder → tokens [T, conditioning]. */
export function textTokens(
  g: Graph,
  weights: Parts,
  states: Tensor,
  { conditioning, text_encoder: { d_model } }: StableAudioConfig,
): Tensor {
  if (d_model === conditioning) return states;
  const w = weights.at('projection_model').at('text_projection');
  return linear(g, states, w.get('weight', [conditioning, d_model]), { bias: w.get('bias', [conditioning]) });
}

/** Seconds as the network has them: 0 to 1 over its range. */
const withinRange = (seconds: number, { least, most }: NumberRange): number =>
  Math.fround(Math.fround(Math.min(Math.max(Math.fround(seconds), least), most) - least) / (most - least));

/** Frames of a tile of the codec, with those around it. */
function tileOf(m: StableAudioMachine): number {
  const { vae } = m.model.config;
  const widest = Math.max(vae.decoder_channels, vae.encoder_channels ?? vae.encoder_hidden_size) * (vae.channel_multiples[0] as number);
  return Math.max(4 * oobleckContext(vae), Math.floor(TILE_BYTES / (4 * widest * oobleckHop(vae))));
}

/** Stretches of a piece, each within a window of `tile` frames that holds what its samples depend on. */
function tilesOf(frames: number, tile: number, context: number): { window: number; tiles: { from: number; start: number; end: number }[] } {
  const window = Math.min(frames, tile);
  const tiles: { from: number; start: number; end: number }[] = [];
  for (let done = 0; done < frames; ) {
    const from = Math.min(Math.max(0, done - context), frames - window);
    const end = from + window === frames ? frames : from + window - context;
    tiles.push({ from, start: done, end });
    done = end;
  }
  return { window, tiles };
}

/** Samples of every channel of the latents [frames, channels]; `tile` is for tests. */
export async function decodeLatents(
  m: StableAudioMachine,
  latents: Float32Array,
  progress: Progress,
  signal: AbortSignal | undefined,
  tile = tileOf(m),
): Promise<Float32Array[]> {
  const { vae } = m.model.config;
  const { decoder_input_channels: width, audio_channels: channels } = vae;
  const hop = oobleckHop(vae);
  const frames = latents.length / width;
  const { window, tiles } = tilesOf(frames, tile, oobleckContext(vae));
  const sound = Array.from({ length: channels }, () => new Float32Array(oobleckSamples(vae, frames)));
  const plan = await m.plan(
    `decode ${window}`,
    (g) => g.output('audio', oobleckDecoder(g, m.model.weights.at('vae').at('decoder'), g.input('latents', [window, width]), vae)),
    signal,
  );
  for (const { from, start, end } of tiles) {
    plan.run({}, { latents: latents.subarray(from * width, (from + window) * width) });
    const audio = await plan.read('audio');
    const last = Math.min(end * hop, (sound[0] as Float32Array).length, from * hop + audio.length / channels);
    for (const [c, own] of sound.entries())
      for (let t = start * hop; t < last; t++) own[t] = audio[(t - from * hop) * channels + c] as number;
    await m.settle(signal);
    progress.report('decoding', end / frames);
  }
  return sound;
}

/** Latents of given sound, drawn from what the encoder makes of it; [frames, channels]. */
async function encodeLatents(
  m: StableAudioMachine,
  sound: readonly Float32Array[],
  { frames, seed, draws }: Request,
  signal: AbortSignal | undefined,
  tile = tileOf(m),
): Promise<Float32Array> {
  const { vae } = m.model.config;
  const { decoder_input_channels: width, audio_channels: channels } = vae;
  const hop = oobleckHop(vae);
  const { window, tiles } = tilesOf(frames, tile, oobleckContext(vae));
  const latents = new Float32Array(frames * width);
  const noise = draws?.init ?? normalNoiseReference(latents.length, seed, STREAM.encoder);
  const plan = await m.plan(
    `encode ${window}`,
    (g) => g.output('moments', oobleckEncoder(g, m.model.weights.at('vae').at('encoder'), g.input('audio', [window * hop, channels]), vae)),
    signal,
  );
  for (const { from, start, end } of tiles) {
    const audio = new Float32Array(window * hop * channels);
    for (const [c, own] of sound.entries()) for (let t = 0; t < window * hop; t++) audio[t * channels + c] = own[from * hop + t] ?? 0;
    plan.run({}, { audio });
    const moments = await plan.read('moments');
    for (let i = start * width; i < end * width; i++) {
      const at = (Math.floor(i / width) - from) * 2 * width + (i % width);
      latents[i] = (moments[at] as number) + deviation(moments[at + width] as number) * (noise[i] as number);
    }
    await m.settle(signal);
  }
  return latents;
}

/** softplus, and a little. */
const deviation = (scale: number): number => (scale > 20 ? scale : log(1 + exp(scale))) + 1e-4;
