// melody bench systems: how often the networks of five designs run one after another for 10 and for 30 seconds of music. Each is played by its own
// program, at the rates, steps and codebooks that were published, in networks of a few columns with random weights: the count does not depend on
// them. What it would compute and hold at the published sizes is added up from the same program's plans, which nothing runs.
import { platform } from '#platform';
import { type Checked, Engine, type EngineOptions, type Machine } from '../../engine/engine.ts';
import { forecast } from '../../engine/memory.ts';
import type { Graph } from '../../graph/graph.ts';
import { systemShapes } from './system_shapes.ts';

export interface SystemCount {
  readonly system: string;
  readonly size: string;
  readonly seconds: number;
  /** Passes that were run. */
  readonly passes: number;
  /** Seconds that the narrow run took. */
  readonly took: number;
  /** At the published size: what all plans compute, and the most that is held at one time on this device. */
  readonly gflop: number;
  readonly peakBytes: number;
}

/** A machine that counts what its plans run. `flops` of each plan is learnt when it is recorded, which an engine does once. */
function counting<Model>(machine: Machine<Model>, flops: Map<string, number>) {
  const runs = new Map<string, number>();
  const counted: Machine<Model> = {
    model: machine.model,
    residents: machine.residents,
    get recoveries() {
      return machine.recoveries;
    },
    async plan(name, record, signal) {
      const plan = await machine.plan(
        name,
        (g: Graph) => {
          record(g);
          flops.set(
            name,
            g.dispatches.reduce((sum, one) => sum + one.flops, 0),
          );
        },
        signal,
      );
      return {
        run(...how) {
          runs.set(name, (runs.get(name) ?? 0) + 1);
          plan.run(...how);
        },
        read: (output) => plan.read(output),
        readBytes: (output) => plan.readBytes(output),
      };
    },
    keep: (name, make) => machine.keep(name, make),
    settle: (signal) => machine.settle(signal),
    resilient: (stage) => machine.resilient(stage),
  };
  return { counted, runs };
}

/** Runs and counts those whose name contains `filter`. Throws `aborted`, `no_adapter`. */
export async function benchSystems(
  options: EngineOptions,
  lengths: readonly number[],
  say: (line: string) => void,
  { filter = '', signal }: { filter?: string; signal?: AbortSignal } = {},
): Promise<SystemCount[]> {
  const counts: SystemCount[] = [];
  const open = (model: Checked) => Engine.open(model, () => platform.openGpu(), options);
  for (const { name, passes, longest, published, narrow } of systemShapes()) {
    if (!name.toLowerCase().includes(filter.toLowerCase())) continue;
    const flops = new Map<string, number>();
    const [small, large] = [await open(narrow.model), await open(published.shape.model)];
    try {
      for (const seconds of lengths) {
        if (seconds > longest) continue;
        say(`${name}: ${seconds} s`);
        const { counted, runs } = counting(small, new Map());
        const before = performance.now();
        await narrow.play(counted, seconds, signal);
        const took = (performance.now() - before) / 1000;
        const count = (of: typeof runs) => [...of].reduce((sum, [plan, n]) => sum + (passes.test(plan) ? n : 0), 0);
        let rehearsed: typeof runs = new Map();
        const { peak } = await forecast(large, signal, (m) => {
          const rehearsal = counting(m, flops);
          rehearsed = rehearsal.runs;
          return published.shape.play(rehearsal.counted, seconds, signal);
        });
        if (count(rehearsed) !== count(runs)) throw new Error(`${name}: ${count(runs)} passes were run, ${count(rehearsed)} planned`);
        const gflop = [...rehearsed].reduce((sum, [plan, n]) => sum + n * (flops.get(plan) as number), 0) / 1e9;
        counts.push({ system: name, size: published.size, seconds, passes: count(runs), took, gflop, peakBytes: peak });
      }
    } finally {
      small.dispose();
      large.dispose();
    }
  }
  return counts;
}

/** The table for people, in Markdown. */
export function systemsTable(counts: readonly SystemCount[]): string {
  const lengths = [...new Set(counts.map(({ seconds }) => seconds))];
  const names = [...new Set(counts.map(({ system }) => system))];
  const find = (system: string, seconds: number) => counts.find((one) => one.system === system && one.seconds === seconds);
  const cells = (system: string, of: (count: SystemCount) => string) =>
    lengths.map((seconds) => {
      const count = find(system, seconds);
      return count ? of(count) : '–';
    });
  const heads = (what: string) => lengths.map((seconds) => `${what}, ${seconds} s`);
  const row = (values: readonly string[]) => `| ${values.join(' | ')} |`;
  const head = [
    'system',
    ...heads('passes'),
    ...heads('seconds of the count'),
    'published size',
    ...heads('TFLOP'),
    ...heads('GB at most'),
  ];
  return [
    row(head),
    row(head.map(() => '---')),
    ...names.map((name) =>
      row([
        name,
        ...cells(name, ({ passes }) => passes.toLocaleString('en')),
        ...cells(name, ({ took }) => took.toFixed(1)),
        counts.find(({ system }) => system === name)?.size ?? '',
        ...cells(name, ({ gflop }) => (gflop / 1000).toFixed(2)),
        ...cells(name, ({ peakBytes }) => (peakBytes / 1e9).toFixed(2)),
      ]),
    ),
    '',
    ...lengths.flatMap((seconds) => {
      const [ours, theirs] = [find('MeLoDy', seconds), find('MusicLM', seconds)];
      if (!ours || !theirs) return [];
      const fewer = (100 * (1 - ours.passes / theirs.passes)).toFixed(1);
      return [`${seconds} s: MeLoDy runs ${fewer} % fewer passes than MusicLM (${ours.passes} for ${theirs.passes})`];
    }),
    '',
  ].join('\n');
}
