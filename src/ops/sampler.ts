// One step of the samplers of published diffusion models: Euler, pingpong, DPM-Solver++ of first and second order, with noise and without.
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, type ParamValue } from '../graph/graph.ts';
import { elementsOf, type Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { spread } from './spread.ts';

/** The numbers of a step; src/systems/stable_audio/schedule.ts makes them. */
export interface StepNumbers<N = ParamValue> {
  /** clean = skip · x + out · v. */
  readonly skip: N;
  readonly out: N;
  /** x' = a · x + b · clean + c · (clean of the step before) + d · noise. */
  readonly a: N;
  readonly b: N;
  readonly c: N;
  readonly d: N;
}

/**
 * One step in place: x and `before`, what the step before found clean and then what this one does, are states [..., n]; `before` is not read where
 * c is 0. v [1, ..., n], or [2, ..., n] with the velocity of the condition first, of which v₁ + guidance · (v₀ − v₁) is taken; noise [..., n].
 * Throws `shape`.
 */
export function samplerStep(
  g: Graph,
  x: Tensor,
  before: Tensor,
  v: Tensor,
  noise: Tensor,
  options: StepNumbers & { guidance?: ParamValue },
): void {
  const n = elementsOf(x.shape);
  const rows = elementsOf(v.shape) / n;
  expectShape('sampler_step', 'before', before, x.shape);
  expectShape('sampler_step', 'noise', noise, x.shape);
  if (rows !== 1 && rows !== 2) throw new MelodyError('shape', `sampler_step: got v [${v.shape}], expected one or two of [${x.shape}]`);
  const { guidance = 1, skip, out, a, b, c, d } = options;
  g.dispatch(K.sampler_step, {
    in: { v, noise },
    out: { x, before },
    params: { n, guidance, skip, out, a, b, c, d },
    meaning: { GUIDED: rows === 2 ? 1 : 0 },
    ...spread(g.caps, n),
    flops: 14 * n,
    bytes: 4 * (4 + rows) * n,
  });
}
