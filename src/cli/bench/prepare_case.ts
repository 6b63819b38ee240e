// The cases of src/cases on a GPU or the CPU: recorded, uploaded, compiled.
import { type Case, type FloatStorage, type Measured, numbersOf, recordCases } from '../../cases/case.ts';
import { Gpu } from '../../gpu/device.ts';
import type { Graph } from '../../graph/graph.ts';
import { gpuRunner, type Replay, type Runner } from '../../graph/runner.ts';

/** What computes: a GPU, or what makes a runner with memory of its own. */
export type Where = Gpu | (() => Runner);

const runnerOf = (where: Where): Runner => (where instanceof Gpu ? gpuRunner(where) : where());
export const deviceOf = (where: Where) => (where instanceof Gpu ? where : where().device);

/** A plan with its inputs written, ready to run. */
export interface Prepared {
  plan: Replay;
  /** Waits until the device has finished its work. */
  settle(): Promise<void>;
  dispatches: number;
  /** The output that is checked, in the reference's layout. */
  read(): Promise<ArrayLike<number>>;
  /** Undefined when there is nothing to compare with. */
  reference?: (() => ArrayLike<number>) | undefined;
  dispose(): void;
}

/** What can be checked and timed: one of our cases, or a kernel from outside. */
export interface Measurable {
  name: string;
  storage: FloatStorage;
  flops: number;
  bytes: number;
  prepare(where: Where): Promise<Prepared>;
}

export const measurable = (c: Measured): Measurable => ({
  name: c.name,
  storage: c.storage ?? 'f32',
  flops: c.flops,
  bytes: 4 * c.values,
  prepare: (where) => prepareCase(where, c),
});

/** One case alone. The caller disposes. */
export async function prepareCase(where: Where, c: Case): Promise<Prepared & { reference: () => ArrayLike<number> }> {
  const { g, inputs, results } = recordCases(deviceOf(where).caps, [c]);
  const { plan, settle, dispose } = await compileWith(where, g, inputs);
  const [{ y, reference }] = results as [(typeof results)[0]]; // of one case
  return {
    plan,
    settle,
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
export async function compileWith(where: Where, g: Graph, inputs: { readonly [name: string]: Float32Array | Uint32Array }) {
  const { compile, residents, device } = runnerOf(where);
  try {
    const plan = await compile(g);
    for (const [name, data] of Object.entries(inputs)) plan.write(name, data);
    const dispose = () => {
      plan.dispose();
      residents.dispose();
    };
    return { plan, dispose, settle: () => device.settle() };
  } catch (error) {
    residents.dispose();
    throw error;
  }
}
