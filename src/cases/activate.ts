// The activations of src/ops/act.ts in double precision.
import type { Act } from '../ops/act.ts';
import { sigmoid, silu } from './case.ts';

/** erf by its Maclaurin series, and by its continued fraction where that converges faster; absolute error under 1e-14. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a > 6) return Math.sign(x);
  if (a < 3) {
    let term = x;
    let sum = x;
    for (let n = 1; Math.abs(term) > 1e-17; n++) {
      term *= -(x * x) / n;
      sum += term / (2 * n + 1);
    }
    return (2 / Math.sqrt(Math.PI)) * sum;
  }
  let fraction = 0;
  for (let n = 60; n > 0; n--) fraction = n / 2 / (a + fraction);
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / (a + fraction));
}

const ACTIVATIONS: { readonly [A in Act]: (x: number) => number } = {
  none: (x) => x,
  gelu: (x) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  gelu_tanh: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  silu,
  relu: (x) => Math.max(x, 0),
  leaky_relu: (x) => (x > 0 ? x : 0.1 * x),
  tanh: Math.tanh,
  sigmoid,
  exp: Math.exp,
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
};

export const activate = (act: Act, x: number): number => ACTIVATIONS[act](x);
