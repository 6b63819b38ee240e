// At WebGPU's limits themselves: the largest tensor computes right, and what is over is refused by name.
import { describe, expect, it } from 'vitest';
import { DEFAULT_CAPS } from '../../src/gpu/caps.ts';
import type { Kernel } from '../../src/gpu/kernel.ts';
import { parseKernel } from '../../src/gpu/kernel_file.mjs';
import { Graph } from '../../src/graph/graph.ts';
import { Plan } from '../../src/graph/plan.ts';
import { Residents } from '../../src/graph/residents.ts';
import { softmax } from '../../src/ops/biased_attention.ts';
import { add, clamp } from '../../src/ops/elementwise.ts';
import { useGpu } from '../helpers/gpu.ts';

const gpu = useGpu({ limits: 'default', features: 'none' });

/** A kernel of so many storage buffers, the last written. */
const buffers = (count: number) => `// many: y[i] = x1[i] + …
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
${Array.from({ length: count - 1 }, (_, i) => `@group(0) @binding(${i + 1}) var<storage, read> x${i + 1}: array<f32>;`).join('\n')}
@group(0) @binding(${count}) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(1) fn main() { y[0] = ${Array.from({ length: count - 1 }, (_, i) => `x${i + 1}[p.n]`).join(' + ')}; }
`;

describe('storage buffers', () => {
  it('eight are bound, nine are refused when the kernel is read', async () => {
    const g = new Graph(gpu().caps);
    const inputs = Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`x${i + 1}`, g.input(`x${i + 1}`, [1])]));
    const kernel = parseKernel('many', buffers(8), () => '') as Kernel;
    const y = g.temp([1]);
    g.dispatch(kernel, { in: inputs as never, out: { y } as never, params: { n: 0 } as never, grid: [1] });
    g.output('y', y);
    const plan = await Plan.compile(new Residents(gpu()), g);
    plan.run({}, Object.fromEntries(Object.keys(inputs).map((name, i) => [name, Float32Array.of(2 ** i)])));
    expect([...(await plan.read('y'))]).toEqual([127]);
    plan.dispose();
    expect(() => parseKernel('many', buffers(9), () => '')).toThrow('many.wgsl: more than 8 storage bindings');
  });
});

describe('workgroup memory', () => {
  /** A kernel that holds so many floats of it. */
  const holder = (floats: number) =>
    parseKernel(
      `holder${floats}`, // errors say the name
      `// holder${floats}: y[0] = 7 through workgroup memory
const N = ${floats}u;
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
var<workgroup> held: array<f32, N>;
@compute @workgroup_size(1) fn main() { held[p.n] = 7.0; y[0] = held[p.n]; }
`,
      () => '',
    ) as Kernel;
  const compile = (floats: number) => {
    const g = new Graph(gpu().caps);
    const y = g.temp([1]);
    g.dispatch(holder(floats), { in: {}, out: { y } as never, params: { n: floats - 1 } as never, grid: [1] });
    g.output('y', y);
    return Plan.compile(new Residents(gpu()), g);
  };

  it('a kernel may fill it; one that wants more is named when it compiles, and nothing is left behind', async () => {
    const most = DEFAULT_CAPS.workgroupMemory / 4;
    const plan = await compile(most);
    plan.run();
    expect([...(await plan.read('y'))]).toEqual([7]);
    plan.dispose();
    const before = { ...gpu().memory };
    await expect(compile(most + 4)).rejects.toMatchObject({
      code: 'kernel',
      message: expect.stringMatching(/^holder4100\|.*does not compile/),
    });
    expect(gpu().memory).toMatchObject({ buffers: before.buffers, bytes: before.bytes });
    gpu().check();
  });
});

describe('a tensor of the largest binding, 128 MiB', () => {
  for (const executor of ['software', 'gpu'] as const)
    it(`clamp, add and softmax in the forms for ${executor === 'software' ? 'software adapters' : 'GPUs'}`, async () => {
      const [rows, cols] = [2 ** 17, 256]; // more rows than groups fit an axis
      const n = rows * cols;
      expect(4 * n).toBe(gpu().caps.storageBinding);
      const residents = new Residents(gpu());
      const g = new Graph({ ...gpu().caps, executor });
      const x = g.input('x', [rows, cols]);
      const sum = g.output('sum', add(g, x, clamp(g, x, g.scalar('v'), g.scalar('v'))));
      g.output('y', softmax(g, sum));
      const plan = await Plan.compile(residents, g);
      try {
        const data = new Float32Array(n);
        for (let i = 0; i < n; i++) data[i] = (i % 65521) / 16384; // a prime: no two rows alike
        plan.run({ v: 0.5 }, { x: data });
        const sums = await plan.read('sum');
        let wrong = 0;
        for (let i = 0; i < n; i++) if (sums[i] !== data[i] + 0.5) wrong++;
        expect(wrong).toBe(0);
        const y = await plan.read('y');
        let worst = 0;
        for (let row = rows - 1; row >= 0; row -= 13) {
          const of = (c: number) => Math.exp(data[row * cols + c] - 4);
          let total = 0;
          for (let c = 0; c < cols; c++) total += of(c);
          for (let c = 0; c < cols; c++) worst = Math.max(worst, Math.abs((y[row * cols + c] * total) / of(c) - 1));
        }
        expect(worst).toBeLessThan(1e-5);
      } finally {
        plan.dispose();
        residents.dispose();
      }
    });
});
