// What this adapter can do at best, measured: plain copying and plain multiply-adds. Kernels are shown as shares of these.
import type { Gpu } from '../../gpu/device.ts';
import type { Kernel } from '../../gpu/kernel.ts';
import { Graph } from '../../graph/graph.ts';
import { Plan } from '../../graph/plan.ts';
import { Residents } from '../../graph/residents.ts';
import { spread } from '../../ops/spread.ts';

export interface Ceilings {
  /** Bytes read plus bytes written per second, in GB/s: the best of copying 4 and 32 MiB. */
  copyGBs: number;
  /** f32 multiply-adds counted twice, in GFLOP/s, on registers alone. */
  fmaGflops: number;
}

const WG = 64;

/** GPUs copy fastest four floats at a time, software adapters one float a lane: both are tried. */
const COPY = {
  name: 'ceiling_copy',
  params: { n: 'u32' },
  bindings: { x: 'read', y: 'write' },
  consts: {},
  overrides: { WG: 64, PER: 1 },
  variants: ['scalar'],
  subgroups: false,
  source: `
alias elem = vec4f;     //@scalar f32
override WG = 64u;
override PER = 1u;
struct Params { n: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<elem>;
@group(0) @binding(2) var<storage, read_write> y: array<elem>;
@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let block = (wid.x + wid.y * nwg.x) * WG * PER;
  let end = min(block + WG * PER, p.n);
  for (var i = block + lid; i < end; i += WG) { y[i] = x[i]; }
}`,
} as const satisfies Kernel;

/** 8 independent chains of vec4: enough to hide the latency of one multiply-add, few enough to stay in registers. */
const CHAINS = 8;
const chains = (line: (i: number) => string) => Array.from({ length: CHAINS }, (_, i) => line(i)).join('\n');

const FMA = {
  name: 'ceiling_fma',
  params: { steps: 'u32', scale: 'f32' },
  bindings: { y: 'write' },
  consts: {},
  overrides: {},
  variants: [],
  subgroups: false,
  source: `
struct Params { steps: u32, scale: f32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(${WG})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let s = vec4f(p.scale);
  let t = vec4f(f32(id.x) * 1e-9);
${chains((i) => `  var a${i} = vec4f(${i}.0, 1.0, 2.0, 3.0) + t;`)}
  for (var k = 0u; k < p.steps; k++) {
${chains((i) => `    a${i} = fma(a${i}, s, t);`)}
  }
  y[id.x] = ${Array.from({ length: CHAINS }, (_, i) => `a${i}`).join(' + ')};
}`,
} as const satisfies Kernel;

async function runMs(plan: Plan, scalars: Record<string, number>): Promise<number> {
  const start = performance.now();
  plan.run(scalars);
  await plan.gpu.device.queue.onSubmittedWorkDone();
  return performance.now() - start;
}

/** Quickest of several runs: a ceiling is what the machine can do, not what it did on average. */
async function bestMs(plan: Plan, scalars: Record<string, number>): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 12; i++) best = Math.min(best, await runMs(plan, scalars));
  return best;
}

/** GB/s of copying `bytes`, which may fit in a cache. */
async function copyRate(gpu: Gpu, residents: Residents, bytes: number, variant?: 'scalar'): Promise<number> {
  const elements = bytes / (variant ? 4 : 16);
  const g = new Graph(gpu.caps);
  const x = g.input('x', [bytes / 4]);
  const y = g.temp([bytes / 4]);
  g.dispatch(COPY, { in: { x }, out: { y }, params: { n: elements }, variant, ...spread(g.caps, elements) });
  g.output('y', y);
  const plan = await Plan.compile(residents, g);
  const ms = await bestMs(plan, {});
  plan.dispose();
  return (2 * bytes) / ms / 1e6;
}

async function fmaCeiling(gpu: Gpu, residents: Residents): Promise<number> {
  const threads = gpu.caps.software ? 4096 : 2 ** 18;
  const g = new Graph(gpu.caps);
  const y = g.temp([threads * 4]);
  g.dispatch(FMA, { in: {}, out: { y }, params: { steps: g.scalar('steps'), scale: 0.999 }, grid: [threads / WG] });
  g.output('y', y);
  const plan = await Plan.compile(residents, g);
  // Double the work until a run lasts long enough that launching it does not count.
  let steps = 256;
  while ((await runMs(plan, { steps })) < 8 && steps < 2 ** 20) steps *= 2;
  const ms = await bestMs(plan, { steps });
  plan.dispose();
  return (2 * 4 * CHAINS * steps * threads) / ms / 1e6;
}

export async function measureCeilings(gpu: Gpu): Promise<Ceilings> {
  const residents = new Residents(gpu);
  try {
    const copies: number[] = [];
    for (const mebibytes of [4, 32]) {
      for (const variant of [undefined, 'scalar'] as const) copies.push(await copyRate(gpu, residents, mebibytes * 2 ** 20, variant));
    }
    return { copyGBs: Math.max(...copies), fmaGflops: await fmaCeiling(gpu, residents) };
  } finally {
    residents.dispose();
  }
}
