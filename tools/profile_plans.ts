// Where the time of a clip goes on the CPU executor: every command of every plan on the one thread that calls, in CPU time of the process, the
// least of several rounds, so that a busy machine disturbs it little. Prints a table for each plan: milliseconds and GFLOP/s by kernel, then
// the longest commands.
//
//   node tools/run.mjs tools/profile_plans.ts [model folder] [seconds] [rounds] [part of a plan's name]
import { CpuPlan } from '../src/cpu/plan.ts';
import type { DispatchTime } from '../src/graph/inspect_plan.ts';
import { MeLoDy } from '../src/pipeline/melody.ts';
import { openModel } from '../src/pipeline/model.ts';
import { platform } from '../src/platform/node.ts';

const [folder = 'weights/melody-small', seconds = '10', rounds = '10', only = ''] = process.argv.slice(2);
const LONGEST = 25;

performance.now = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

const model = await openModel(platform.openFolder(folder));
const melody = await MeLoDy.over(model, () => platform.openGpu(), { device: 'cpu', threads: 0 });
const scalars = new Map<CpuPlan, Record<string, number>>();
const { run } = CpuPlan.prototype;
CpuPlan.prototype.run = function (numbers = {}, inputs = {}) {
  scalars.set(this, numbers);
  run.call(this, numbers, inputs);
};
await melody.generate({ prompt: 'calm piano, 80 bpm', durationSeconds: Number(seconds), seed: 1 });

for (const [name, plan] of await melody.engine.plans()) {
  if (!(plan instanceof CpuPlan) || !scalars.has(plan) || !name.includes(only)) continue;
  let best: DispatchTime[] = [];
  for (let round = 0; round < Number(rounds); round++) {
    const times = await plan.profile(scalars.get(plan));
    best = times.map((d, i) => ({ ...d, ms: Math.min(d.ms, best[i]?.ms ?? Number.POSITIVE_INFINITY) }));
  }
  const sum = (list: readonly DispatchTime[]) =>
    list.reduce((all, { ms, flops }) => ({ ms: all.ms + ms, flops: all.flops + flops }), { ms: 0, flops: 0 });
  const line = (ms: number, flops: number, text: string) =>
    console.log(`${ms.toFixed(3).padStart(9)} ms ${(flops / ms / 1e6).toFixed(1).padStart(7)} GFLOP/s  ${text}`);
  const all = sum(best);
  console.log(`\n${name}: ${best.length} commands`);
  line(all.ms, all.flops, 'all');
  const kernels = [...new Set(best.map(({ kernel }) => kernel))].map((kernel) => {
    const list = best.filter((d) => d.kernel === kernel);
    return { kernel, count: list.length, ...sum(list) };
  });
  for (const { kernel, count, ms, flops } of kernels.sort((a, b) => b.ms - a.ms)) line(ms, flops, `${count} × ${kernel}`);
  console.log('  the longest');
  const shapes = (i: number) => plan.graph.dispatches[i];
  const order = best.map((d, i) => ({ ...d, i })).sort((a, b) => b.ms - a.ms);
  for (const { ms, flops, kernel, label, i } of order.slice(0, LONGEST)) {
    const { inputs, outputs, meaning } = shapes(i);
    const flags = Object.entries(meaning).map(([id, value]) => `${id}=${value}`);
    line(
      ms,
      flops,
      `${kernel} ${label} ${inputs.map(({ shape }) => `[${shape}]`).join(' ')} → ${outputs.map(({ shape }) => `[${shape}]`).join(' ')} ${flags.join(' ')}`,
    );
  }
}
melody.dispose();
process.exit(0);
