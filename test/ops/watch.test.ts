import { describe, expect, it } from 'vitest';
import { Graph } from '../../src/graph/graph.ts';
import { state } from '../../src/graph/tensor.ts';
import { copy } from '../../src/ops/elementwise.ts';
import { countNonFinite, firstNonFinite } from '../../src/ops/watch.ts';
import { runGraph, runnerOf, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

describe('countNonFinite', () => {
  for (const n of [1, 63, 64, 65, 1000])
    it(`counts NaN and infinities of either sign among ${n}, and adds to what was there`, async () => {
      const { residents, compile } = runnerOf(gpu());
      const counts = state('counts', [3], 'u32');
      const g = new Graph(gpu().caps);
      countNonFinite(g, g.input('x', [n]), counts, g.scalar('at'));
      const plan = await compile(g);
      const x = new Float32Array(n).fill(3.4e38); // the largest finite exponent is not counted
      x[n - 1] = Number.NaN;
      if (n > 2) [x[0], x[1]] = [Infinity, -Infinity];
      plan.run({ at: 1 }, { x });
      plan.run({ at: 1 }, { x });
      plan.run({ at: 2 }, { x: new Float32Array(n).fill(1e-45) });
      expect([...new Uint32Array(await residents.read(counts))]).toEqual([0, n > 2 ? 6 : 2, 0]);
      plan.dispose();
      residents.dispose();
    });

  it('writes its place alone', async () => {
    const { raw } = await runGraph(
      gpu(),
      (g) => {
        const counts = copy(g, g.input('before', [3], 'u32')); // with guard words behind it
        countNonFinite(g, g.input('x', [70]), counts, 2);
        return { counts };
      },
      { x: new Float32Array(70).fill(Infinity), before: Uint32Array.of(5, 6, 7) },
    );
    expect([...new Uint32Array(raw.counts)]).toEqual([5, 6, 77]);
  });
});

describe('firstNonFinite', () => {
  it('finds the first', () => {
    expect(firstNonFinite(Float32Array.of(1, 2, Number.NaN, Infinity))).toBe(2);
    expect(firstNonFinite(Float32Array.of(1, 3.4e38))).toBe(-1);
  });
});
