// Watching for NaN and infinity on the GPU, so that silent garbage is caught at the stage that made it.
import { MelodyError } from '../errors.ts';
import { type Graph, isScalar, type ParamValue, within } from '../graph/graph.ts';
import { elementsOf, type Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';

/** counts[at] += how many elements of x (f32) are NaN or infinite. counts: a u32 state, cleared by the host. Throws `shape`. */
export function countNonFinite(g: Graph, x: Tensor, counts: Tensor, at: ParamValue): void {
  const slots = elementsOf(counts.shape);
  if (counts.dtype !== 'u32' || (!isScalar(at) && (at < 0 || at >= slots)))
    throw new MelodyError(
      'shape',
      `count_non_finite: cannot count at ${String(at)} of ${counts.dtype} [${counts.shape}], expected u32 and a place in it`,
    );
  g.dispatch(K.count_non_finite, {
    in: { x },
    out: { counts },
    params: { n: elementsOf(x.shape), at: within(at, 0, slots - 1) },
    grid: [1],
  });
}

/** Index of the first NaN or infinity of host data, −1 when all is finite. */
export function firstNonFinite(data: Float32Array): number {
  for (let i = 0; i < data.length; i++) if (data[i] - data[i] !== 0) return i;
  return -1;
}

/** The data; throws `non_finite` where any of it is NaN or infinite. */
export function finite(stage: string, data: Float32Array): Float32Array {
  if (firstNonFinite(data) >= 0) throw nonFinite(stage);
  return data;
}

export const nonFinite = (stage: string): MelodyError =>
  new MelodyError('non_finite', `NaN or infinity in ${stage}`, 'run `melody doctor`: it checks this GPU against known answers');
