// The sampling loop: tinybench times the calls, we keep the raw samples and the CPU time of the whole process.
import { Bench } from 'tinybench';

export interface SampleOptions {
  /** At least this many timed calls … */
  minRuns: number;
  /** … and at least this long, in milliseconds. */
  minMs: number;
}

export interface Samples {
  /** Wall time of each call, ms. */
  ms: number[];
  /** CPU time of this process (all threads, software GPU included) per call, ms. Steadier than wall time on a busy machine. */
  cpuMs: number;
}

/** Time `run` again and again; a call counts from its start until its promise settles. */
export async function sample(run: () => Promise<void>, options: SampleOptions): Promise<Samples> {
  const bench = new Bench({ warmup: false, iterations: options.minRuns, time: options.minMs, retainSamples: true, throws: true });
  bench.add('run', run, { async: true });
  const before = process.cpuUsage();
  const [task] = await bench.run();
  const used = process.cpuUsage(before);
  const result = task.result;
  if (!('latency' in result) || !result.latency.samples) throw new Error(`sampling ended as '${result.state}' without samples`);
  const ms = [...result.latency.samples];
  return { ms, cpuMs: (used.user + used.system) / 1000 / ms.length };
}
