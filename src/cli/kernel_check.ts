// Does this very GPU or CPU compute right? Every kernel that it is given, on small sizes, against its formula in double precision.
import { oddCases } from '../cases/all.ts';
import type { Case } from '../cases/case.ts';
import { compareWithReference, NMSE_LIMIT } from '../cases/compare.ts';
import { prepareCase, type Where } from './bench/prepare_case.ts';

export interface KernelResult {
  name: string;
  storage: 'f32' | 'f16';
  ok: boolean;
  /** Normalised mean square error, NaN when the kernel did not run. */
  nmse: number;
  error?: string;
}

async function checkOne(where: Where, c: Case): Promise<KernelResult> {
  const { name, storage = 'f32' } = c;
  try {
    const prepared = await prepareCase(where, c);
    try {
      const output = await prepared.read();
      const { nmse, ok } = compareWithReference(output, prepared.reference(), NMSE_LIMIT[storage]);
      return { name, storage, ok, nmse };
    } finally {
      prepared.dispose();
    }
  } catch (error) {
    return { name, storage, ok: false, nmse: Number.NaN, error: error instanceof Error ? error.message : String(error) };
  }
}

/** A result for each case, in order. Never throws for a kernel that fails: that is a result. */
export async function checkKernels(where: Where): Promise<KernelResult[]> {
  return Promise.all(oddCases().map((c) => checkOne(where, c))); // pipelines compile side by side
}
