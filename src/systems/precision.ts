import { compact, halved } from '../weights/references.ts';
import type { Scope } from '../weights/weights.ts';

/** The scope with its matrices in half precision, where `half` is true. */
export function inPrecision(w: Scope, half: boolean): Scope {
  if (!half) return w;
  return {
    path: w.path,
    at: (prefix) => inPrecision(w.at(prefix), half),
    get: (name, shape) => (shape.length > 1 ? compact(halved(w.get(name, shape))) : w.get(name, shape)),
    has: (name) => w.has(name),
  };
}
