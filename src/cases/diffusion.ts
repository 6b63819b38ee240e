// Cases of the dual-path diffusion: segments, columns, angles and the sampler's steps.
import type { Tensor } from '../graph/tensor.ts';
import { angleEmbedding, ddpmStep, diffusionStep, frameAngles, mergeColumns, overlapAdd, segment } from '../ops/diffusion.ts';
import { copy } from '../ops/elementwise.ts';
import { at, type Case, type Kit, list, type Measured, measured, sum, type Values } from './case.ts';

/** overlapAdd(segment(x)) = 2x. */
const segmentCase = (name: string, length: number, dim: number, size: number): Case => ({
  name,
  record({ g, x }) {
    const [a, as] = x([length, dim]);
    return [overlapAdd(g, segment(g, a, { size }), length), () => as.map((v) => 2 * v)];
  },
});

export interface Columns {
  readonly segments: number;
  readonly columns: number;
  readonly dim: number;
  readonly window: number;
}

/** Means over windows that begin every half window, of h [1, segments, columns, dim] → [1, W, segments, dim], W = 2 columns / window. */
export function merged(h: Values, { segments, columns, dim, window }: Columns): Float64Array {
  const mean = (s: number, first: number, d: number) =>
    sum(Math.min(window, columns - first), (k) => h[(s * columns + first + k) * dim + d]) / window;
  const row = segments * dim;
  return list(((2 * columns) / window) * row, (i) => mean(Math.floor((i % row) / dim), (Math.floor(i / row) * window) / 2, i % dim));
}

/** The coarse path's way there. */
const columnsCase = (name: string, c: Columns): Case => ({
  name,
  record({ g, x }) {
    const [h, hs] = x([1, c.segments, c.columns, c.dim]);
    return [mergeColumns(g, h, c), () => merged(hs, c)];
  },
});

/** cos δ · start + sin δ · end. */
const anglesCase = (name: string, frames: number, dim: number): Case => ({
  name,
  record({ g, x, w }) {
    const [[delta, angles], [start, starts], [end, ends]] = [x([frames], Math.PI / 2), w([dim]), w([dim])];
    const one = (frame: number, d: number) => Math.cos(angles[frame]) * starts[d] + Math.sin(angles[frame]) * ends[d];
    return [angleEmbedding(g, delta, start, end), () => list(frames * dim, (i) => one(...at(i, dim)))];
  },
});

/** One frame in three stands still. */
function stillFrames({ x }: Kit, frames: number): [Tensor, Float32Array] {
  const [mask, moves] = x([frames]);
  moves.forEach((_, frame) => {
    moves[frame] = frame % 3 ? 1 : 0;
  });
  return [mask, moves];
}

/** The angle of a step on the frames that move. */
const frameAnglesCase = (name: string, frames: number): Case => ({
  name,
  record(kit) {
    const [mask, moves] = stillFrames(kit, frames);
    return [frameAngles(kit.g, mask, 1.25), () => moves.map((v) => 1.25 * v)];
  },
});

/** z cos ω − v sin ω on the frames that move, with v = guidance · cond + (1 − guidance) · free. */
const diffusionStepCase = (name: string, frames: number, dim: number): Case => ({
  name,
  record(kit) {
    const [omega, guidance] = [0.3, 2.5];
    const [[z, zs], [cond, conds], [free, frees]] = [0, 1, 2].map(() => kit.x([frames, dim]));
    const [mask, moves] = stillFrames(kit, frames);
    const y = copy(kit.g, z); // the step works in place, and no dispatch may write an input
    diffusionStep(kit.g, y, cond, free, { mask, omega, guidance, into: y });
    const moved = (i: number) => Math.cos(omega) * zs[i] - Math.sin(omega) * (guidance * conds[i] + (1 - guidance) * frees[i]);
    return [y, () => list(zs.length, (i) => (moves[at(i, dim)[0]] ? moved(i) : zs[i]))];
  },
});

/** Ho et al. 2020, equations 4 to 7, with ᾱ = cos²: from angle `from` to angle `to`. */
export function ddpmReference(z: number, v: number, noise: number, from: number, to: number): number {
  const [bar, next] = [Math.cos(from) ** 2, Math.cos(to) ** 2];
  const alpha = bar / next;
  const clean = Math.cos(from) * z - Math.sin(from) * v;
  const mean = (Math.sqrt(next) * (1 - alpha) * clean + Math.sqrt(alpha) * (1 - next) * z) / (1 - bar);
  return mean + Math.sqrt(((1 - next) / (1 - bar)) * (1 - alpha)) * noise;
}

const ddpmStepCase = (name: string, frames: number, dim: number): Case => ({
  name,
  record(kit) {
    const [angle, nextAngle, guidance] = [1.2, 0.9, 2.5];
    const [[z, zs], [cond, conds], [free, frees], [noise, noises]] = [0, 1, 2, 3].map(() => kit.x([frames, dim]));
    const [mask, moves] = stillFrames(kit, frames);
    const y = ddpmStep(kit.g, z, cond, free, noise, { mask, angle, nextAngle, guidance });
    const velocity = (i: number) => guidance * conds[i] + (1 - guidance) * frees[i];
    const moved = (i: number) => ddpmReference(zs[i], velocity(i), noises[i], angle, nextAngle);
    return [y, () => list(zs.length, (i) => (moves[at(i, dim)[0]] ? moved(i) : zs[i]))];
  },
});

export const quick = (): Case[] => [segmentCase('segments and overlap-add', 37, 8, 8), diffusionStepCase('diffusion step', 37, 8)];

export const odd = (): Case[] => [
  segmentCase('segments and overlap-add', 37, 6, 8),
  columnsCase('merged columns', { segments: 5, columns: 8, dim: 19, window: 4 }),
  anglesCase('angle embedding', 37, 19),
  frameAnglesCase('angles of frames', 37),
  diffusionStepCase('diffusion step', 37, 6),
  ddpmStepCase('ancestral step', 37, 6),
];

export const paper = (): Measured[] => [
  measured(segmentCase('dpd_segment', 2500, 768, 64), 2500 * 768, 6 * 2500 * 768),
  measured(
    columnsCase('dpd_columns', { segments: 80, columns: 64, dim: 768, window: 16 }),
    2 * 80 * 64 * 768,
    (1 + 2 / 16) * 80 * 64 * 768,
  ),
  measured(anglesCase('dpd_angles', 2500, 768), 3 * 2500 * 768, 2500 * 769 + 2 * 768),
  measured(diffusionStepCase('dpd_step', 2500, 16), 6 * 2500 * 16, 4 * 2500 * 16),
  measured(ddpmStepCase('dpd_ddpm_step', 2500, 16), 30 * 2500 * 16, 5 * 2500 * 16),
];
