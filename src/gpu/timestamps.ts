// How long the GPU itself took, pass by pass. Needs the feature timestamp-query.
import { GPU_USAGE, type Gpu } from './device.ts';

const AT_ONCE = 2048; // a query set holds at most 4096 queries

/** Milliseconds of `count` compute passes, each filled by `record`, in one submit per 2048. */
export async function timePasses(gpu: Gpu, count: number, record: (pass: GPUComputePassEncoder, i: number) => void): Promise<number[]> {
  const times: number[] = [];
  for (let from = 0; from < count; from += AT_ONCE) times.push(...(await timeSome(gpu, from, Math.min(from + AT_ONCE, count), record)));
  return times;
}

async function timeSome(gpu: Gpu, from: number, to: number, record: (pass: GPUComputePassEncoder, i: number) => void): Promise<number[]> {
  const n = to - from;
  const querySet = gpu.device.createQuerySet({ type: 'timestamp', count: n * 2 });
  const resolved = gpu.buffer(n * 16, GPU_USAGE.QUERY_RESOLVE | GPU_USAGE.COPY_SRC, 'timestamps');
  try {
    const encoder = gpu.device.createCommandEncoder();
    for (let i = 0; i < n; i++) {
      const pass = encoder.beginComputePass({
        timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * i, endOfPassWriteIndex: 2 * i + 1 },
      });
      record(pass, from + i);
      pass.end();
    }
    encoder.resolveQuerySet(querySet, 0, n * 2, resolved, 0);
    gpu.device.queue.submit([encoder.finish()]);
    const ns = new BigUint64Array(await gpu.read(resolved, n * 16));
    return Array.from({ length: n }, (_, i) => Number((ns[2 * i + 1] ?? 0n) - (ns[2 * i] ?? 0n)) / 1e6);
  } finally {
    querySet.destroy();
    gpu.free(resolved);
  }
}
