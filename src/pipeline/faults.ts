// Finds the stage that made a value which is not finite, and throws `non_finite` with its name.
import { MelodyError } from '../errors.ts';
import { firstNonFinite } from '../ops/watch.ts';

/** The data; throws `non_finite` where any of it is NaN or infinite. */
export function finite(stage: string, data: Float32Array): Float32Array {
  if (firstNonFinite(data) >= 0) throw nonFinite(stage);
  return data;
}

export const nonFinite = (stage: string): MelodyError =>
  new MelodyError('non_finite', `NaN or infinity in ${stage}`, 'run `melody doctor`: it checks this GPU against known answers');
