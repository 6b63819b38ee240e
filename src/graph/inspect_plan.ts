// A look into a compiled plan: times, tables, guard words. For benches and tests; a page does not download it.
import { MelodyError } from '../errors.ts';
import { timePasses } from '../gpu/timestamps.ts';
import type { Dispatch } from './graph.ts';
import type { HostData } from './places.ts';
import { encode, GUARD_WORD, type Plan, type Step } from './plan.ts';
import type { TensorStorage } from './tensor.ts';

export interface DispatchTime {
  readonly label: string;
  readonly kernel: string;
  readonly ms: number;
  readonly flops: number;
  readonly bytes: number;
}

/** Run once with a timestamp around every dispatch. Needs the feature timestamp-query; throws `limit` without it. */
export async function profile(
  plan: Plan,
  scalars: { readonly [name: string]: number } = {},
  inputs: { readonly [name: string]: HostData } = {},
): Promise<DispatchTime[]> {
  const { gpu, steps } = plan;
  if (!gpu.caps.timestamps) throw new MelodyError('limit', `profiling needs the feature timestamp-query; ${gpu.caps.name} has none`);
  plan.prepare(scalars, inputs);
  const times = await timePasses(gpu, steps.length, (pass, i) => {
    encode(pass, steps[i] as Step);
  });
  return steps.map(({ dispatch: { label, kernel, flops, bytes } }, i) => ({
    label,
    kernel: kernel.name,
    ms: times[i] as number,
    flops,
    bytes,
  }));
}

/** One line a dispatch: what, kernel, grid, tensors with their slots, cost. */
export function table(plan: Plan): string {
  const { slotOf, slotBytes } = plan.places;
  const place = (s: TensorStorage) => (s.kind === 'temp' ? `slot ${slotOf.get(s)}` : s.kind);
  const lines = plan.steps.map(({ dispatch: d }, i) => {
    const tensors = (list: Dispatch['inputs']) => list.map((t) => `[${t.shape}] ${place(t.storage)}`).join(', ');
    return `${String(i).padStart(4)}  ${d.label}  ${d.kernel.name}${d.how.variant ? `.${d.how.variant}` : ''}  grid ${d.grid.join('x')}  ${tensors(d.inputs)} -> ${tensors(d.outputs)}  ${(d.flops / 1e6).toFixed(2)} MFLOP`;
  });
  const total = `${plan.dispatches} dispatches, ${slotBytes.length} slots, ${plan.bytes} bytes, ${(plan.flops / 1e9).toFixed(3)} GFLOP`;
  return [...lines, total].join('\n');
}

/** After a run compiled with `guard`: throws `kernel` when a dispatch wrote past the end of a temporary, input or output. */
export async function checkGuards({ gpu, buffers, options }: Plan): Promise<void> {
  if (!options.guard) throw new MelodyError('graph', 'checkGuards needs a plan compiled with { guard: true }');
  for (const [storage, buffer] of buffers) {
    if (storage.kind === 'weight' || storage.kind === 'state') continue;
    const words = new Uint32Array(await gpu.read(buffer, buffer.size));
    const tail = words.subarray(storage.bytes / 4);
    const bad = tail.findIndex((w) => w !== GUARD_WORD);
    if (bad >= 0) throw new MelodyError('kernel', `${storage.label}: guard word ${bad} was overwritten with 0x${tail[bad]?.toString(16)}`);
  }
}
