// The cases of src/cases on a GPU: recorded, uploaded, compiled.
import { type Case, type FloatStorage, type Measured, numbersOf, recordCases } from '../../cases/case.ts';
import type { Gpu } from '../../gpu/device.ts';
import type { Graph } from '../../graph/graph.ts';
import { Plan } from '../../graph/plan.ts';
import { Residents } from '../../graph/residents.ts';

/** A plan with its inputs written, ready to run. */
export interface Prepared {
  plan: Plan;
  dispatches: number;
  /** The output that is checked, in the reference's layout. */
  read(): Promise<ArrayLike<number>>;
  /** Undefined when there is nothing to compare with. */
  reference?: () => ArrayLike<number>;
  dispose(): void;
}

/** What can be checked and timed: one of our cases, or a kernel from outside. */
export interface Measurable {
  name: string;
  storage: FloatStorage;
  flops: number;
  bytes: number;
  prepare(gpu: Gpu): Promise<Prepared>;
}

export const measurable = (c: Measured): Measurable => ({
  name: c.name,
  storage: c.storage ?? 'f32',
  flops: c.flops,
  bytes: 4 * c.values,
  prepare: (gpu) => prepareCase(gpu, c),
});

/** One case alone. The caller disposes. */
export async function prepareCase(gpu: Gpu, c: Case): Promise<Prepared & { reference: () => ArrayLike<number> }> {
  const { g, inputs, results } = recordCases(gpu.caps, [c]);
  const { plan, dispose } = await compileWith(gpu, g, inputs);
  const [{ y, reference }] = results;
  return {
    plan,
    dispatches: g.dispatches.length,
    async read() {
      plan.run();
      return numbersOf(y, await plan.readBytes('0'));
    },
    reference,
    dispose,
  };
}

/** A plan whose inputs are written, and what frees it. */
export async function compileWith(gpu: Gpu, g: Graph, inputs: { readonly [name: string]: Float32Array | Uint32Array }) {
  const residents = new Residents(gpu);
  try {
    const plan = await Plan.compile(residents, g);
    for (const [name, data] of Object.entries(inputs)) plan.write(name, data);
    const dispose = () => {
      plan.dispose();
      residents.dispose();
    };
    return { plan, dispose };
  } catch (error) {
    residents.dispose();
    throw error;
  }
}
