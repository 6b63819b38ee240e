import { describe, expect, it } from 'vitest';
import { DEFAULT_CAPS } from '../../src/gpu/caps.ts';
import { Graph } from '../../src/graph/graph.ts';
import { state, type Tensor } from '../../src/graph/tensor.ts';
import { add, copy, mul } from '../../src/ops/elementwise.ts';
import { fuseElementwise } from '../../src/ops/fuse.ts';
import { expectClose, randomArray } from '../helpers/data.ts';
import { runGraph, useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

/** Every kind of step over five operands, two of them rows. */
function chain(g: Graph, n: number, steps: number): Tensor {
  const cols = n % 3 === 0 ? 3 : 1;
  const x = g.input('x', [n / cols, cols]);
  const whole = ['a', 'b', 'c'].map((name) => g.input(name, [n / cols, cols]));
  const rows = ['d', 'e'].map((name) => g.input(name, [cols]));
  const operands = [...whole, ...rows];
  let y = x;
  for (let s = 0; s < steps; s++)
    y = s % 2 ? mul(g, y, operands[s % 5]) : add(g, y, operands[(s * 3) % 5], { alpha: 0.5 + (s % 3) / 4, beta: -1 });
  return y;
}

const inputsOf = (n: number) => {
  const cols = n % 3 === 0 ? 3 : 1;
  return Object.fromEntries(['x', 'a', 'b', 'c', 'd', 'e'].map((name, i) => [name, randomArray(i > 3 ? cols : n, i + 1)]));
};

describe('fuseElementwise', () => {
  for (const [n, steps] of [
    [1, 2],
    [63, 3],
    [64, 10],
    [65, 7],
    [511, 5],
    [1024, 200],
    [3000, 20],
  ])
    it(`${steps} steps over ${n} elements equal the unfused ops, in one launch`, async () => {
      const inputs = inputsOf(n);
      const plain = await runGraph(gpu(), (g) => ({ y: chain(g, n, steps) }), inputs);
      let launches = 0;
      const fused = await runGraph(
        gpu(),
        (g) => {
          const y = chain(g, n, steps);
          fuseElementwise(g);
          launches = g.dispatches.length;
          return { y };
        },
        inputs,
      );
      expect(launches).toBe(1);
      expectClose(fused.y, plain.y);
    });

  const launchesOf = (body: (g: Graph, x: Tensor, b: Tensor) => void) => {
    const g = new Graph(DEFAULT_CAPS);
    body(g, g.input('x', [4, 2]), g.input('b', [4, 2]));
    fuseElementwise(g);
    return g.dispatches.map(({ kernel }) => kernel.name);
  };

  it('leaves alone what is read twice, read by the host, of run-time numbers, or no run at all', () => {
    expect(launchesOf((g, x, b) => add(g, x, b))).toEqual(['add']);
    expect(
      launchesOf((g, x, b) => {
        const y = add(g, x, b);
        add(g, mul(g, y, b), y);
      }),
    ).toEqual(['add', 'elementwise_chain']);
    expect(
      launchesOf((g, x, b) => {
        mul(g, g.output('y', add(g, x, b)), b);
      }),
    ).toEqual(['add', 'mul']);
    expect(launchesOf((g, x, b) => mul(g, add(g, x, b, { alpha: g.scalar('t') }), b))).toEqual(['add', 'mul']);
    expect(
      launchesOf((g, x, b) => {
        const y = add(g, x, b);
        add(g, y, y);
      }),
    ).toEqual(['add', 'add']);
  });

  it('starts a new launch where the operands no longer fit the bindings', () => {
    const names = launchesOf((g, x) => {
      let y = x;
      for (let i = 0; i < 8; i++) y = add(g, y, g.input(`o${i}`, [4, 2]));
    });
    expect(names).toEqual(['elementwise_chain', 'elementwise_chain']);
  });

  it('ends a run before a step that writes what the run reads, which one launch may not', async () => {
    const x = randomArray(6, 1);
    for (const operand of [false, true]) {
      let launches: string[] = [];
      const body = (fuse: boolean) => (g: Graph) => {
        const kept = state('kept', [6]);
        const input = g.input('x', [6]);
        copy(g, input, { into: kept });
        const sum = add(g, operand ? add(g, input, kept) : add(g, kept, input), input);
        mul(g, sum, input, { into: kept });
        const after = copy(g, kept);
        if (fuse) fuseElementwise(g);
        launches = g.dispatches.map(({ kernel }) => kernel.name);
        return { after };
      };
      const plain = await runGraph(gpu(), body(false), { x });
      const fused = await runGraph(gpu(), body(true), { x });
      expect(launches).toEqual(['copy', 'elementwise_chain', 'mul', 'copy']);
      expectClose(fused.after, plain.after);
      expectClose(
        plain.after,
        x.map((v) => 3 * v * v),
      );
    }
  });
});
