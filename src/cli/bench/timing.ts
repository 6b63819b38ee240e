// The sampling loop: tinybench times the calls, we keep the raw samples and the CPU time of the whole process.
import { Bench } from 'tinybench';

export interface SampleOptions {
  /** At least this many samples … */
  minSamples: number;
  /** … and at least this long, in milliseconds. */
  minMs: number;
}

export interface Samples {
  /** Wall time of one run, ms; a sample of a short run is the mean over its batch. */
  ms: number[];
  /** CPU time of this process (all threads, software GPU included) per run, ms. Steadier than wall time on a busy machine. */
  cpuMs: number;
  /** CPU time of the whole call, ms. */
  totalCpuMs: number;
}

/** A sample lasts about this long: a wait for a software GPU ends up to a millisecond late (platform/nap.ts). */
const SAMPLE_MS = 20;
const MAX_BATCH = 64;

/** Time `run(times)` again and again, with `times` such that short runs are timed in batches. */
export async function sample(run: (times: number) => Promise<void>, options: SampleOptions): Promise<Samples> {
  const spent = (since: NodeJS.CpuUsage) => {
    const { user, system } = process.cpuUsage(since);
    return (user + system) / 1000;
  };
  const begin = process.cpuUsage();
  const start = performance.now();
  await run(1);
  const batch = Math.min(MAX_BATCH, Math.max(1, Math.round(SAMPLE_MS / (performance.now() - start))));
  const bench = new Bench({ warmup: false, iterations: options.minSamples, time: options.minMs, retainSamples: true, throws: true });
  const timed = async () => {
    const from = bench.now();
    await run(batch);
    const cost = bench.now() - from;
    return { overriddenDuration: cost / batch, overriddenIterationCost: cost };
  };
  bench.add('run', timed, { async: true });
  const before = process.cpuUsage();
  const [task] = await bench.run();
  const used = spent(before);
  const result = task?.result;
  if (!result || !('latency' in result) || !result.latency.samples) throw new Error(`sampling ended as '${result?.state}' without samples`);
  const ms = [...result.latency.samples];
  return { ms, cpuMs: used / ms.length / batch, totalCpuMs: spent(begin) };
}
