// Runs a case of src/cases as the tests of ops want it: poisoned, guarded, compared with its formula.
import { type Case, numbersOf, recordCases } from '../../src/cases/case.ts';
import { CpuPlan } from '../../src/cpu/plan.ts';
import type { Caps } from '../../src/gpu/caps.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { checkGuards } from '../../src/graph/inspect_plan.ts';
import type { Plan } from '../../src/graph/plan.ts';
import { expectClose } from './data.ts';
import { runnerOf } from './gpu.ts';

/** Fails unless the case is right within `limit` (see expectClose); `caps` makes its op choose as on another adapter. */
export async function checkCase(gpu: Gpu, c: Case, { caps = gpu.caps, limit }: { caps?: Caps; limit?: number } = {}): Promise<void> {
  const { g, inputs, results } = recordCases(caps, [c]);
  const runner = runnerOf(gpu);
  try {
    const plan = await runner.compile(g, { poison: true, guard: true });
    try {
      plan.run({}, inputs);
      await (plan instanceof CpuPlan ? plan.checkGuards() : checkGuards(plan as Plan));
      const [{ y, reference }] = results;
      expectClose(numbersOf(y, await plan.readBytes('0')), reference(), limit);
    } finally {
      plan.dispose();
    }
  } finally {
    runner.residents.dispose();
  }
}

/** The same in the forms for software adapters and in those for GPUs. */
export async function checkBothForms(gpu: Gpu, c: Case): Promise<void> {
  for (const executor of ['software', 'gpu'] as const) await checkCase(gpu, c, { caps: { ...gpu.caps, executor } });
}
