// Cases of element-wise steps that become one launch; recordCases fuses them as the engine does.
import type { Tensor } from '../graph/tensor.ts';
import { add, mul } from '../ops/elementwise.ts';
import { type Case, list, type Measured, measured } from './case.ts';

/** `steps` dependent steps in turn: x·a, x + b, x·a, x + b, … */
const chainCase = (name: string, steps: number, n: number): Case => ({
  name,
  record({ g, x }) {
    const [[a, as], [factor, factors], [term, terms]] = [x([n]), x([n], 0.1), x([n])];
    factors.forEach((v, i) => {
      factors[i] = v + 0.9; // keeps two hundred products in range
    });
    let y: Tensor = a;
    for (let step = 0; step < steps; step++) y = step % 2 === 0 ? mul(g, y, factor) : add(g, y, term);
    const one = (i: number) => {
      let value = as[i];
      for (let step = 0; step < steps; step++) value = step % 2 === 0 ? value * factors[i] : value + terms[i];
      return value;
    };
    return [y, () => list(n, one)];
  },
});

export const odd = (): Case[] => [chainCase('chain of products and sums', 6, 131)];
export const paper = (): Measured[] => [measured(chainCase('elementwise_chain_200', 200, 1024), 200 * 1024, 3 * 200 * 1024)];
