// Check first, then time: one prepared plan becomes one row.
import { percentile } from '../../audio/statistics.ts';
import { compareWithReference, NMSE_LIMIT } from '../../cases/compare.ts';
import { profile } from '../../graph/inspect_plan.ts';
import { Plan } from '../../graph/plan.ts';
import { watchLoad } from './cpu_load.ts';
import type { Measurable, Prepared, Where } from './prepare_case.ts';
import type { Row } from './report.ts';
import { summarise } from './stats.ts';
import { sample } from './timing.ts';

export interface MeasureOptions {
  minSamples: number;
  minMs: number;
}

const WARM_UP_RUNS = 2;
const PROFILES = 5;

/** Median over a few profiled runs of the summed GPU time of all dispatches, ms. */
async function gpuTime({ plan }: Prepared): Promise<number | undefined> {
  if (!(plan instanceof Plan) || !plan.gpu.caps.timestamps) return undefined;
  const times: number[] = [];
  for (let i = 0; i < PROFILES; i++) times.push((await profile(plan)).reduce((sum, d) => sum + d.ms, 0));
  return percentile(
    times.sort((a, b) => a - b),
    0.5,
  );
}

/** Run `times` times in a row and wait once. */
export async function runAndWait({ plan, settle }: Pick<Prepared, 'plan' | 'settle'>, times: number): Promise<void> {
  for (let i = 0; i < times; i++) plan.run();
  await settle();
}

/** A wrong or failing kernel is a row that says so, never a time. */
export async function measure(where: Where, what: Measurable, options: MeasureOptions): Promise<Row> {
  const { name, storage, flops, bytes } = what;
  const row: Row = { type: 'kernel', case: name, storage, ok: null, nmse: null, dispatches: 0, coldMs: Number.NaN, flops, bytes };
  let prepared: Prepared | undefined;
  try {
    const start = performance.now();
    const ready = await what.prepare(where);
    prepared = ready;
    row.dispatches = prepared.dispatches;
    await runAndWait(ready, 1);
    row.coldMs = performance.now() - start;
    const output = await prepared.read();
    if (prepared.reference) {
      const fit = compareWithReference(output, prepared.reference(), NMSE_LIMIT[storage]);
      row.ok = fit.ok;
      row.nmse = fit.nmse;
      if (!fit.ok) return row;
    }
    await runAndWait(ready, WARM_UP_RUNS);
    const loadOf = watchLoad();
    const samples = await sample((times) => runAndWait(ready, times), options);
    row.otherCores = loadOf(samples.totalCpuMs);
    row.wallMs = summarise(samples.ms);
    row.cpuMs = samples.cpuMs;
    row.gpuMs = await gpuTime(ready);
  } catch (error) {
    row.error = error instanceof Error ? error.message : String(error);
  } finally {
    prepared?.dispose();
  }
  return row;
}
