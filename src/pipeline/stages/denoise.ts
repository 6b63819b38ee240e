// The diffusion of windows: noise → latents that follow the tokens, in a few steps of the dual-path network (docs/system.md §4, §7).

import type { Machine } from '../../engine/engine.ts';
import { readFloats } from '../../graph/stock.ts';
import { reshape, state, type Tensor } from '../../graph/tensor.ts';
import { dualPath, dualPathAngles, dualPathTokens, type TokenMemory } from '../../models/dual_path.ts';
import { timbreOf, timbreRows, wordsOf } from '../../models/timbre.ts';
import { ddpmStep, diffusionStep, frameAngles } from '../../ops/diffusion.ts';
import { copy } from '../../ops/elementwise.ts';
import { concatRows } from '../../ops/gather.ts';
import { normalNoise, STREAM, seedWords } from '../../ops/random.ts';
import { countNonFinite, nonFinite } from '../../ops/watch.ts';
import type { Scope } from '../../weights/weights.ts';
import type { Model } from '../model.ts';
import { rotations, type Sampler, type Schedule } from './schedule.ts';

export interface DenoiseRequest {
  /** Semantic tokens of the window. */
  readonly tokens: Uint32Array;
  /** Latents of the window [L · D]; only context frames are read. */
  readonly latents: Float32Array;
  /** Noise of the window [L · D] in place of the seed's, for comparisons with other implementations. */
  readonly noise?: Float32Array | undefined;
  readonly fresh: readonly boolean[];
  readonly seed: number;
  /** Absolute number of the window's first frame: noise belongs to frames of the piece, not of the window. */
  readonly firstFrame: number;
  readonly steps: number;
  readonly guidance: number;
  readonly guidedShare?: number | undefined;
  readonly schedule: Schedule;
  readonly sampler: Sampler;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: ((done: number, of: number) => void) | undefined;
}

/** Several windows of equal length in one batch → their latents; context frames come back bit-identical. */
export function denoise(engine: Machine<Model>, requests: readonly DenoiseRequest[]): Promise<Float32Array[]> {
  return engine.resilient(() => denoiseOnce(engine, requests));
}

async function denoiseOnce(engine: Machine<Model>, requests: readonly DenoiseRequest[]): Promise<Float32Array[]> {
  const { config, weights } = engine.model;
  const [{ steps, guidance, guidedShare = 1, schedule, sampler, signal, onStep, fresh, seed }] = requests as [DenoiseRequest]; // they agree in these
  const [batch, length, dim] = [requests.length, fresh.length, config.latent_dim];
  await weights.prepare(['dual_path'], signal);
  const guidedSteps = guidance === 1 ? 0 : Math.round(guidedShare * steps);
  const key = `${batch} x ${length}`;
  const kept = memoryStates(engine, key, batch, length);
  const perWindow = length / config.dual_path.frames_per_token;
  const shape = [batch, perWindow];
  const timbre = timbreOf(config.dual_path);
  const remember = await engine.plan(
    `dual path tokens ${key}`,
    (g) => {
      g.relaxed = true;
      latentLimit(weights, dim); // asked for before any work, so that one that is missing is told then
      const memory = dualPathTokens(
        g,
        weights.at('dual_path'),
        g.input('ids', shape, 'u32'),
        config.dual_path,
        timbre && g.input('timbre', shape, 'u32'),
      );
      for (const [i, tensor] of memoryTensors(memory).entries()) copy(g, tensor, { into: kept.states[i] });
    },
    signal,
  );
  const planOf = (guided: boolean) =>
    engine.plan(
      `dual path ${sampler} ${guided ? 'guided ' : ''}${key}`,
      (g) => {
        g.relaxed = true;
        const w = weights.at('dual_path');
        const mask = g.input('mask', [batch * length]);
        const frames = reshape(mask, [batch, length]);
        const angles = dualPathAngles(g, w, frameAngles(g, frames, g.scalar('angle')), config.dual_path);
        const vCond = dualPath(g, w, kept.z, angles, kept.memory, config.dual_path);
        const vNull = guided ? dualPath(g, w, kept.z, angles, kept.memory, config.dual_path, { nothing: true }) : undefined;
        const how = { mask: frames, guidance: guided ? g.scalar('guidance') : 1, into: kept.z };
        if (sampler === 'rotation') diffusionStep(g, kept.z, vCond, vNull, { ...how, omega: g.scalar('omega') });
        else {
          const seed = [g.scalar('low'), g.scalar('high')] as const;
          const items = requests.map((_, b) =>
            normalNoise(g, [length, dim], { seed, stream: STREAM.ancestral, block: g.scalar(`block ${b}`) }),
          );
          ddpmStep(g, kept.z, vCond, vNull, reshape(concatRows(g, items), [batch, length, dim]), {
            ...how,
            angle: g.scalar('angle'),
            nextAngle: g.scalar('next'),
          });
        }
        countNonFinite(g, kept.z, kept.counts, g.scalar('step'));
      },
      signal,
    );
  const guidedStep = guidedSteps > 0 ? await planOf(true) : undefined;
  const plainStep = guidedSteps < steps ? await planOf(false) : undefined;

  const tokens = new Uint32Array(batch * perWindow);
  const z = new Float32Array(batch * length * dim);
  const mask = new Float32Array(batch * length);
  for (const [b, r] of requests.entries()) {
    tokens.set(r.tokens, b * r.tokens.length);
    z.set(await startingPoint(engine, r), b * length * dim);
    mask.set(r.fresh.map(Number), b * length);
  }
  engine.residents.write(kept.z, z);
  engine.residents.clear(kept.counts);
  remember.run({}, { ids: wordsOf(tokens, config.dual_path), ...(timbre && { timbre: timbreRows(tokens, config.dual_path) }) });
  const [low, high] = seedWords(seed);
  let angle = Math.PI / 2;
  for (const [i, omega] of rotations(steps, schedule).entries()) {
    const next = i === steps - 1 ? 0 : angle - omega; // the last step lands on 0 exactly, whatever the sum rounds to
    const guided = i < guidedSteps;
    const step = (guided ? guidedStep : plainStep) as NonNullable<typeof guidedStep>;
    const common = { angle, step: Math.min(i, MAX_COUNTED - 1), ...(guided && { guidance }) };
    // Step i and frame f have a block of noise of their own.
    const blocks = Object.fromEntries(
      requests.map((r, b) => [`block ${b}`, ((r.firstFrame * dim) / 4 + (i + 1) * ANCESTRAL_STRIDE) % 2 ** 32]),
    );
    step.run(
      sampler === 'rotation' ? { ...common, omega } : { ...common, next, low, high, ...blocks },
      i === 0 || i === guidedSteps ? { mask } : {},
    );
    angle = next;
    await engine.settle(signal);
    onStep?.(i + 1, steps);
  }
  const bad = new Uint32Array(await engine.residents.read(kept.counts)).findIndex((n) => n > 0);
  if (bad >= 0) throw nonFinite(`the latents at diffusion step ${bad + 1} of ${steps}`);
  const result = new Float32Array(await engine.residents.read(kept.z));
  const limit = await readFloats(latentLimit(weights, dim), signal);
  return requests.map((r, b) => clampFresh(result.slice(b * length * dim, (b + 1) * length * dim), r.fresh, limit));
}

/** [dim]: how far latents of music reach. */
const latentLimit = (weights: Scope, dim: number) => weights.at('dual_path').get('latent_limit', [dim]);

const MAX_COUNTED = 256; // steps counted apart; later ones share the last place
const ANCESTRAL_STRIDE = 2 ** 20; // blocks between the noise of successive steps

/** Noise where frames are fresh, the given latents elsewhere. */
async function startingPoint(engine: Machine<Model>, r: DenoiseRequest): Promise<Float32Array> {
  const dim = engine.model.config.latent_dim;
  const z = r.noise?.slice() ?? (await noiseOf(engine, r));
  for (const [f, fresh] of r.fresh.entries()) if (!fresh) z.set(r.latents.subarray(f * dim, (f + 1) * dim), f * dim);
  return z;
}

async function noiseOf(engine: Machine<Model>, r: DenoiseRequest): Promise<Float32Array> {
  const dim = engine.model.config.latent_dim;
  const plan = await engine.plan(
    `noise ${r.fresh.length}`,
    (g) => {
      const seed = [g.scalar('low'), g.scalar('high')] as const;
      g.output('noise', normalNoise(g, [r.fresh.length, dim], { seed, stream: STREAM.noise, block: g.scalar('block') }));
    },
    r.signal,
  );
  const [low, high] = seedWords(r.seed);
  plan.run({ low, high, block: (r.firstFrame * dim) / 4 });
  return plan.read('noise');
}

interface Kept {
  readonly z: Tensor;
  readonly counts: Tensor;
  readonly memory: TokenMemory;
  readonly states: readonly Tensor[]; // of memory, in the order of memoryTensors
}

/** The states that token plan and step plan share. */
function memoryStates(engine: Machine<Model>, key: string, batch: number, length: number): Kept {
  return engine.keep(`dual path ${key}`, () => {
    const { dual_path: c, latent_dim } = engine.model.config;
    const count = length / c.frames_per_token;
    const memory: TokenMemory = {
      pooled: state('pooled', [batch, c.dim]),
      aligned: c.aligned_tokens ? state('aligned', [batch, length, c.dim]) : undefined,
      skip: c.aligned_tokens && c.token_skip ? state('token_skip', [batch, length, c.token_skip]) : undefined,
      blocks: Array.from({ length: c.blocks }, () =>
        Array.from({ length: c.coarse_layers }, () => ({ k: state('k', [batch, count, c.dim]), v: state('v', [batch, count, c.dim]) })),
      ),
    };
    return {
      z: state('z', [batch, length, latent_dim]),
      counts: state('non_finite', [MAX_COUNTED], 'u32'),
      memory,
      states: memoryTensors(memory),
    };
  });
}

function memoryTensors(m: TokenMemory): Tensor[] {
  return [m.pooled, ...(m.aligned ? [m.aligned] : []), ...(m.skip ? [m.skip] : []), ...m.blocks.flat().flatMap(({ k, v }) => [k, v])];
}

/** The sampler's clamp: made frames stay within the range of real latents (docs/system.md §7). */
function clampFresh(z: Float32Array, fresh: readonly boolean[], limit: ArrayLike<number>): Float32Array {
  for (const [f, made] of fresh.entries()) {
    if (!made) continue;
    const frame = z.subarray(f * limit.length, (f + 1) * limit.length);
    for (const [d, value] of frame.entries()) {
      const most = limit[d] ?? Infinity;
      frame[d] = Math.max(-most, Math.min(most, value));
    }
  }
  return z;
}
