// What this adapter can do at best, measured: plain copying and plain multiply-adds. Kernels are shown as shares of these.
import type { Gpu } from '../../gpu/device.ts';
import type { Kernel } from '../../gpu/kernel.ts';
import { Graph } from '../../graph/graph.ts';
import { Plan } from '../../graph/plan.ts';
import { Residents } from '../../graph/residents.ts';
import { spread } from '../../ops/spread.ts';

export interface Ceilings {
  /** Bytes read plus bytes written per second, in GB/s: the best of copying 4 and 32 MiB on software adapters, of 128 MiB on others. */
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
  meaning: {},
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
  meaning: {},
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

/** Wall time of so many runs of a plan and one wait. */
async function runMs(plan: Plan, times: number, scalars: Record<string, number> = {}): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < times; i++) plan.run(scalars);
  await plan.gpu.device.queue.onSubmittedWorkDone();
  return performance.now() - start;
}

const LONG_MS = 8; // beside which launching and the one wait do not count
const MOST = 4096;

/**
 * Time of one of `times` equal pieces of work, in the quickest of several batches that last long enough: a ceiling is what the machine can
 * do, not what it did on average.
 */
export async function quickest(batch: (times: number) => Promise<number>): Promise<number> {
  let times = 1;
  while ((await batch(times)) < LONG_MS && times < MOST) times *= 2;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 12; i++) best = Math.min(best, await batch(times));
  return best / times;
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
  const ms = await quickest((times) => runMs(plan, times));
  plan.dispose();
  return (2 * bytes) / ms / 1e6;
}

async function fmaCeiling(gpu: Gpu, residents: Residents): Promise<number> {
  const threads = gpu.caps.executor !== 'gpu' ? 4096 : 2 ** 18;
  const g = new Graph(gpu.caps);
  const y = g.temp([threads * 4]);
  g.dispatch(FMA, { in: {}, out: { y }, params: { steps: g.scalar('steps'), scale: 0.999 }, grid: [threads / WG] });
  g.output('y', y);
  const plan = await Plan.compile(residents, g);
  const steps = 256;
  const ms = await quickest((times) => runMs(plan, 1, { steps: steps * times }));
  plan.dispose();
  return (2 * 4 * CHAINS * steps * threads) / ms / 1e6;
}

export async function measureCeilings(gpu: Gpu): Promise<Ceilings> {
  const residents = new Residents(gpu);
  try {
    const copies: number[] = [];
    // A GPU's last cache holds up to 128 MiB, so there less would measure the cache; the largest binding that every adapter has, twice, does not fit.
    for (const mebibytes of gpu.caps.executor !== 'gpu' ? [4, 32] : [128]) {
      for (const variant of [undefined, 'scalar'] as const) copies.push(await copyRate(gpu, residents, mebibytes * 2 ** 20, variant));
    }
    return { copyGBs: Math.max(...copies), fmaGflops: await fmaCeiling(gpu, residents) };
  } finally {
    residents.dispose();
  }
}
