// What is particular to dual-path diffusion (docs/system.md §4 and §5): segments, columns, angles and the sampler's steps.
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, type ParamValue, rowsCols } from '../graph/graph.ts';
import { elementsOf, type Tensor, type WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { add, copy } from './elementwise.ts';
import { VECTOR } from './layouts.ts';
import { spread, spreadRows } from './spread.ts';

/** Half-overlapping segments that cover `length` frames twice, P = size/2 zeros in front: S = ⌈2L/K⌉ + 1. */
export const segmentCount = (length: number, size: number): number => Math.ceil((2 * length) / size) + 1;

/** x [L, D] or [B, L, D] → [B, S, K, D]: segment s holds frames (s − 1)·K/2 … (s + 1)·K/2 − 1, zeros outside. K even. Throws `shape`. */
export function segment(g: Graph, x: Tensor, options: { size: number }): Tensor {
  const { size } = options;
  const [length, dim] = x.shape.slice(-2);
  if (x.shape.length < 2 || x.shape.length > 3 || size < 2 || size % 2 !== 0)
    throw new MelodyError('shape', `segment: got [${x.shape}] in segments of ${size}, expected [L, D] or [B, L, D] and an even size`);
  const segments = segmentCount(length, size);
  const y = g.temp([x.shape.length === 3 ? x.shape[0] : 1, segments, size, dim], 'f32', 'segment');
  const [rows] = rowsCols(y);
  g.dispatch(K.segment, { in: { x }, out: { y }, params: { rows, length, dim, segments, size }, ...spreadRows(g.caps, rows, dim) });
  return y;
}

/** The sum of both covers of each frame, padding dropped: overlapAdd(segment(x)) = 2x. h [B, S, K, D] → [B, L, D]. Throws `shape`. */
export function overlapAdd(g: Graph, h: Tensor, length: number): Tensor {
  const [items, segments, size, dim] = h.shape;
  expectShape('overlap_add', 'h', h, [null, segmentCount(length, size), null, null]);
  const y = g.temp([items, length, dim], 'f32', 'overlap_add');
  const rows = items * length;
  g.dispatch(K.overlap_add, {
    in: { h },
    out: { y },
    params: { rows, length, dim, segments, size },
    ...spreadRows(g.caps, rows, dim),
    flops: rows * dim,
  });
  return y;
}

/**
 * Means over windows of columns at a stride of window/2, zeros after the last column: h [B, S, K, D] → [B, W, S, D], W = 2K/window,
 * so that each column is a sequence over the segments. Throws `shape`.
 */
export function mergeColumns(g: Graph, h: Tensor, options: { window: number }): Tensor {
  const { window } = options;
  expectShape('merge_columns', 'h', h, [null, null, null, null]);
  const [items, segments, columns, dim] = h.shape;
  const width = (2 * columns) / window;
  if (window < 2 || window % 2 !== 0 || !Number.isInteger(width))
    throw new MelodyError(
      'shape',
      `merge_columns: got a window of ${window}, expected an even number whose half divides the ${columns} columns of [${h.shape}]`,
    );
  const y = g.temp([items, width, segments, dim], 'f32', 'merge_columns');
  const [rows] = rowsCols(y);
  g.dispatch(K.merge_columns, {
    in: { h },
    out: { y },
    params: { rows, dim, segments, columns, width, window },
    ...spreadRows(g.caps, rows, dim),
    flops: rows * dim * (window + 1),
  });
  return y;
}

/** y[l] = cos δ_l · start + sin δ_l · end. delta [L] radians, start, end [E], y [L, E]. Throws `shape`. */
export function angleEmbedding(g: Graph, delta: Tensor, start: WeightRef, end: WeightRef): Tensor {
  const [dim] = start.shape;
  expectShape('angle_embedding', start.name, start, [null]);
  expectShape('angle_embedding', end.name, end, [dim]);
  const y = g.temp([...delta.shape, dim], 'f32', 'angle_embedding');
  const [rows] = rowsCols(y);
  g.dispatch(K.angle_embedding, {
    in: { angle: delta, start: g.weight(start, VECTOR), stop: g.weight(end, VECTOR) },
    out: { y },
    params: { rows, dim },
    ...spreadRows(g.caps, rows, dim),
    label: start.name,
    flops: 3 * rows * dim,
  });
  return y;
}

/** δ where the mask is 1, 0 where it is 0. mask [L] or [B, L] of zeros and ones, delta radians. */
export function frameAngles(g: Graph, mask: Tensor, delta: ParamValue): Tensor {
  return add(g, mask, mask, { alpha: delta, beta: 0 });
}

interface StepOptions {
  /** 1: the frame moves; 0: it stays as it is, bit for bit. [L], repeated over a batch, or one number for every frame of z. */
  mask: Tensor;
  /** v = guidance · vCond + (1 − guidance) · vNull; ignored without vNull. Default 1. */
  guidance?: ParamValue;
  /** Where the result goes; `into: z` updates z in place. Default: a new tensor. */
  into?: Tensor;
}

/**
 * One deterministic step of the sampler: z' = cos ω · z − sin ω · v on moving frames, guidance included.
 * z, vCond, vNull, z' [L, D] or [B, L, D], omega radians. Throws `shape`.
 */
export function diffusionStep(
  g: Graph,
  z: Tensor,
  vCond: Tensor,
  vNull: Tensor | undefined,
  options: StepOptions & { omega: ParamValue },
): Tensor {
  const { n, dim, frames, y } = prepareStep(g, 'diffusion_step', z, { vCond, vNull }, options);
  g.dispatch(K.diffusion_step, {
    in: { v_cond: vCond, v_null: vNull ?? vCond, mask: options.mask },
    out: { z: y },
    params: { n, dim, frames, omega: options.omega, guidance: options.guidance ?? 1 },
    meaning: { GUIDED: vNull ? 1 : 0 },
    ...spread(g.caps, n),
    flops: 6 * n,
    bytes: 16 * n,
  });
  return y;
}

/**
 * One ancestral step (DDPM, Ho et al. 2020) from angle to nextAngle < angle, with ᾱ = cos²: the velocity gives x̂₀, the Gaussian posterior
 * q(z' | z, x̂₀) the mean and the variance β·sin²(next)/sin²(angle). At nextAngle = 0 the result is x̂₀.
 * z, vCond, vNull, noise, z' [L, D] or [B, L, D], angles in radians, angle ≤ π/2. Throws `shape`.
 */
export function ddpmStep(
  g: Graph,
  z: Tensor,
  vCond: Tensor,
  vNull: Tensor | undefined,
  noise: Tensor,
  options: StepOptions & { angle: ParamValue; nextAngle: ParamValue },
): Tensor {
  const { n, dim, frames, y } = prepareStep(g, 'ddpm_step', z, { vCond, vNull, noise }, options);
  g.dispatch(K.ddpm_step, {
    in: { v_cond: vCond, v_null: vNull ?? vCond, noise, mask: options.mask },
    out: { z: y },
    params: { n, dim, frames, angle: options.angle, next: options.nextAngle, guidance: options.guidance ?? 1 },
    meaning: { GUIDED: vNull ? 1 : 0 },
    ...spread(g.caps, n),
    flops: 30 * n,
    bytes: 20 * n,
  });
  return y;
}

/** Check a step's shapes; the tensor it updates in place holds z already. */
function prepareStep(g: Graph, op: string, z: Tensor, others: Record<string, Tensor | undefined>, { mask, into }: StepOptions) {
  for (const [name, tensor] of Object.entries(others)) if (tensor) expectShape(op, name, tensor, z.shape);
  const [rows, dim] = rowsCols(z);
  const frames = elementsOf(mask.shape);
  if (frames !== rows && frames !== z.shape[z.shape.length - 2])
    throw new MelodyError('shape', `${op}: got a mask of [${mask.shape}] for z [${z.shape}], expected one number a frame`);
  const y = into?.storage === z.storage ? z : copy(g, z, { into });
  return { n: rows * dim, dim, frames, y };
}
