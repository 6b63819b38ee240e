// Families of the dual-path diffusion: segments, columns, scans, angles and the sampler's steps (docs/system.md §4 and §5).
import type { Graph } from '../../graph/graph.ts';
import type { Tensor } from '../../graph/tensor.ts';
import { angleEmbedding, ddpmStep, diffusionStep, mergeColumns, overlapAdd, repeatColumns, segment } from '../../ops/diffusion.ts';
import { copy, film } from '../../ops/elementwise.ts';
import { rmsNormRepeat } from '../../ops/norm.ts';
import { sruScan } from '../../ops/recurrent.ts';
import { uniform } from './cases.ts';
import { generate, named } from './family.ts';
import type { Named } from './measure.ts';
import { weight } from './own.ts';
import * as reference from './reference.ts';
import * as families from './reference_families.ts';

/** One SRU layer's scan, both directions, with its own skip group (docs/system.md §5). */
export const sruScanCase = (name: string, rows: number, steps: number, width: number): Named =>
  named({
    name,
    flops: 22 * rows * steps * width,
    values: 5 * rows * steps * width,
    record(g, input) {
      const [u, values] = input('u', [rows, steps, 4 * width], 2);
      const v = uniform(2 * width, 9);
      const b = uniform(2 * width, 10);
      const y = sruScan(g, u, { v: weight('v', v, [2, width]), b: weight('b', b, [2, width]), directions: 2 });
      return [y, () => families.sruScan(values, v, b, { rows, steps, width })];
    },
  });

export const filmCase = (name: string, rows: number, dim: number): Named =>
  named({
    name,
    flops: 2 * rows * dim,
    values: 4 * rows * dim,
    record(g, input) {
      const [[x, xs], [scale, scales], [shift, shifts]] = ['x', 'scale', 'shift'].map((name) => input(name, [rows, dim]));
      return [film(g, x, scale, shift), () => generate(rows * dim, (i) => xs[i] * scales[i] + shifts[i])];
    },
  });

/** overlapAdd(segment(x)) = 2x, docs/system.md §9. */
export const segmentCase = (name: string, length: number, dim: number, size: number): Named =>
  named({
    name,
    flops: length * dim,
    values: 6 * length * dim,
    record(g, input) {
      const [x, values] = input('x', [length, dim]);
      return [overlapAdd(g, segment(g, x, { size }), length), () => generate(values.length, (i) => 2 * values[i])];
    },
  });

interface Columns {
  segments: number;
  columns: number;
  dim: number;
  window: number;
}

/** Merge's means over windows, repeated back: h [1, segments, columns, dim] → the same. */
function mergedBack(h: Float32Array, { segments, columns, dim, window }: Columns): Float64Array {
  const mean = (s: number, column: number, d: number) => {
    const first = column - (column % (window / 2));
    let sum = 0;
    for (let k = first; k < Math.min(first + window, columns); k++) sum += h[(s * columns + k) * dim + d];
    return sum / window;
  };
  const row = columns * dim;
  return generate(segments * row, (i) => mean(Math.floor(i / row), Math.floor((i % row) / dim), i % dim));
}

/** The coarse path's way there and back (docs/system.md §5). */
export const columnsCase = (name: string, c: Columns): Named =>
  named({
    name,
    flops: 2 * c.segments * c.columns * c.dim,
    values: (2 + 4 / c.window) * c.segments * c.columns * c.dim,
    record(g, input) {
      const [h, values] = input('h', [1, c.segments, c.columns, c.dim]);
      return [repeatColumns(g, mergeColumns(g, h, c), c.columns), () => mergedBack(values, c)];
    },
  });

/** RMSNorm(h + Repeat(Merge(h))): how the block joins its coarse path. */
export const columnsNormCase = (name: string, c: Columns): Named =>
  named({
    name,
    flops: 6 * c.segments * c.columns * c.dim,
    values: (2 + 4 / c.window) * c.segments * c.columns * c.dim,
    record(g, input) {
      const [h, values] = input('h', [1, c.segments, c.columns, c.dim]);
      const w = uniform(c.dim, 9);
      const y = rmsNormRepeat(g, h, mergeColumns(g, h, c), weight('w', w, [c.dim]), { eps: 1e-6 });
      const joined = () => mergedBack(values, c).map((v, i) => v + values[i]);
      return [y, () => reference.rmsNorm(joined(), w, c.segments * c.columns, c.dim, 1e-6)];
    },
  });

export const anglesCase = (name: string, frames: number, dim: number): Named =>
  named({
    name,
    flops: 3 * frames * dim,
    values: frames * (dim + 1) + 2 * dim,
    record(g, input) {
      const [delta, angles] = input('delta', [frames], Math.PI / 2);
      const [start, end] = [uniform(dim, 9), uniform(dim, 10)];
      const y = angleEmbedding(g, delta, weight('start', start, [dim]), weight('end', end, [dim]));
      const one = (angle: number, d: number) => Math.cos(angle) * start[d] + Math.sin(angle) * end[d];
      return [y, () => generate(frames * dim, (i) => one(angles[Math.floor(i / dim)], i % dim))];
    },
  });

/** One frame in three stands still. */
function stillFrames(g: Graph, frames: number): { tensor: Tensor; values: Float64Array } {
  const values = generate(frames, (i) => (i % 3 === 0 ? 0 : 1));
  return { tensor: g.weight(weight('mask', Float32Array.from(values), [frames]), { key: 'flat', dtype: 'f32' }), values };
}

export const diffusionStepCase = (name: string, frames: number, dim: number): Named =>
  named({
    name,
    flops: 6 * frames * dim,
    values: 4 * frames * dim,
    record(g, input) {
      const [omega, guidance] = [0.3, 2.5];
      const [[z, zs], [cond, conds], [free, frees]] = ['z', 'cond', 'null'].map((name) => input(name, [frames, dim]));
      const mask = stillFrames(g, frames);
      const y = copy(g, z); // the step works in place, and no dispatch may write an input
      diffusionStep(g, y, cond, free, { mask: mask.tensor, omega, guidance, into: y });
      const v = (i: number) => guidance * conds[i] + (1 - guidance) * frees[i];
      const moved = (i: number) => Math.cos(omega) * zs[i] - Math.sin(omega) * v(i);
      return [y, () => generate(zs.length, (i) => (mask.values[Math.floor(i / dim)] ? moved(i) : zs[i]))];
    },
  });

/** Ho et al. 2020, equations 4 to 7, with ᾱ = cos². */
export const ddpmStepCase = (name: string, frames: number, dim: number): Named =>
  named({
    name,
    flops: 30 * frames * dim,
    values: 5 * frames * dim,
    record(g, input) {
      const [angle, nextAngle, guidance] = [1.2, 0.9, 2.5];
      const tensors = ['z', 'cond', 'null', 'noise'].map((name) => input(name, [frames, dim]));
      const [[z, zs], [cond, conds], [free, frees], [noise, noises]] = tensors;
      const mask = stillFrames(g, frames);
      const y = ddpmStep(g, z, cond, free, noise, { mask: mask.tensor, angle, nextAngle, guidance });
      const [bar, next] = [Math.cos(angle) ** 2, Math.cos(nextAngle) ** 2];
      const alpha = bar / next;
      const moved = (i: number) => {
        const v = guidance * conds[i] + (1 - guidance) * frees[i];
        const clean = Math.cos(angle) * zs[i] - Math.sin(angle) * v;
        const mean = (Math.sqrt(next) * (1 - alpha) * clean + Math.sqrt(alpha) * (1 - next) * zs[i]) / (1 - bar);
        return mean + Math.sqrt(((1 - next) / (1 - bar)) * (1 - alpha)) * noises[i];
      };
      return [y, () => generate(zs.length, (i) => (mask.values[Math.floor(i / dim)] ? moved(i) : zs[i]))];
    },
  });
