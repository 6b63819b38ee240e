// Activations as transformers names them, for published models: pages with MeLoDy's own need none of it.
import { MelodyError } from '../errors.ts';
import type { Act } from './act.ts';

const ACTIVATION_NAMES: { readonly [name: string]: Act } = {
  relu: 'relu',
  gelu: 'gelu',
  gelu_new: 'gelu_tanh',
  gelu_pytorch_tanh: 'gelu_tanh',
  silu: 'silu',
  swish: 'silu',
};

/** The activation that transformers knows by this name. Throws `weights` for one that is not here. */
export function activationOf(name: string): Act {
  const act = ACTIVATION_NAMES[name];
  if (act) return act;
  throw new MelodyError('weights', `activation "${name}" is not known; expected one of ${Object.keys(ACTIVATION_NAMES).join(', ')}`);
}
