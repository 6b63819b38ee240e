// Normalisation of groups of channels over the whole length.
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, grid1d } from '../graph/graph.ts';
import type { Tensor, WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { VECTOR } from './layouts.ts';
import { workgroupOf } from './norm.ts';

/**
 * GroupNorm (Wu & He 2018): each of `groups` runs of channels is normalised over its channels and the whole length.
 * x, y [L, C] or [B, L, C], w, b [C], C a multiple of groups. Throws `shape`.
 */
export function groupNorm(g: Graph, x: Tensor, w: WeightRef, b: WeightRef, options: { groups: number; eps?: number }): Tensor {
  const [length, channels] = x.shape.slice(-2);
  const items = x.shape.length === 3 ? x.shape[0] : 1;
  if (x.shape.length < 2 || x.shape.length > 3 || channels % options.groups !== 0)
    throw new MelodyError(
      'shape',
      `group_norm: got [${x.shape}] in ${options.groups} groups, expected [L, C] or [B, L, C] with C a multiple of the groups`,
    );
  expectShape('group_norm', w.name, w, [channels]);
  expectShape('group_norm', b.name, b, [channels]);
  const y = g.temp(x.shape, 'f32', 'group_norm');
  g.dispatch(K.group_norm, {
    in: { x, w: g.weight(w, VECTOR), bias: g.weight(b, VECTOR) },
    out: { y },
    params: { items, length, channels, groups: options.groups, eps: options.eps ?? 1e-6 },
    tuning: { WG: workgroupOf(g.caps, (length * channels) / options.groups) },
    grid: grid1d(g.caps, items * options.groups, 1),
    label: w.name,
    flops: 8 * items * length * channels,
  });
  return y;
}
