// The ops of Stable Audio: the samplers' step, rotary positions of a part of each head.
import { describe, expect, it } from 'vitest';
import { partialRopeCase } from '../../src/cases/partial_rope.ts';
import { samplerStepCase } from '../../src/cases/sampler.ts';
import { DEFAULT_CAPS } from '../../src/gpu/caps.ts';
import { Graph } from '../../src/graph/graph.ts';
import { partialRope } from '../../src/ops/partial_rope.ts';
import { samplerStep } from '../../src/ops/sampler.ts';
import { checkBothForms } from '../helpers/cases.ts';
import { useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

describe('samplerStep', () => {
  for (const [frames, channels, rows, first] of [
    [1, 1, 1, false],
    [5, 3, 1, true],
    [64, 4, 2, false],
    [37, 29, 2, true],
  ] as const)
    it(`[${frames}, ${channels}], ${rows} rows${first ? ', first' : ''}`, () =>
      checkBothForms(gpu(), samplerStepCase('step', [frames, channels], rows, first)));

  it('refuses velocities that are not one or two', () => {
    const g = new Graph(DEFAULT_CAPS);
    const [x, v] = [g.temp([4, 2]), g.temp([3, 4, 2])];
    const numbers = { skip: 1, out: 1, a: 1, b: 1, c: 0, d: 0 };
    expect(() => samplerStep(g, x, g.temp([4, 2]), v, g.temp([4, 2]), numbers)).toThrow('sampler_step: got v [3,4,2]');
  });
});

describe('partialRope', () => {
  for (const [batch, len, heads, dh, width] of [
    [1, 1, 1, 2, 2],
    [2, 9, 3, 11, 6],
    [1, 33, 2, 64, 32],
  ])
    it(`[${batch}, ${len}, ${heads}·${dh}], ${width} columns`, () =>
      checkBothForms(gpu(), partialRopeCase('rope', { batch, len, heads, dh }, width)));

  it('refuses angles of more columns than a head has', () => {
    const g = new Graph(DEFAULT_CAPS);
    expect(() => partialRope(g, g.temp([1, 3, 8]), g.temp([3, 6]), { heads: 2 })).toThrow('got angles of 6 columns in heads of 4');
  });
});
