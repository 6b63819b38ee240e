// What a product and a copy reach on the CPU executor where their numbers lie in the caches: kernels are shown as shares of these.
import type { Case } from '../../cases/case.ts';
import { copyCase } from '../../cases/elementwise.ts';
import { linearCase } from '../../cases/matmul.ts';
import type { Ceilings } from './ceilings.ts';
import { runAndWait } from './measure.ts';
import { prepareCase, type Where } from './prepare_case.ts';

const SIDE = 256; // of the product: three matrices of 256 KiB
const COPIED = 2 ** 18; // floats
const ROUNDS = 12;
const RUNS = 8; // a round

/** Of the best of twelve rounds. */
export async function cpuCeilings(where: Where): Promise<Ceilings> {
  const product = await leastMs(where, linearCase('ceiling of products', { rows: SIDE, inner: SIDE, cols: SIDE }));
  const copy = await leastMs(where, copyCase('ceiling of copies', COPIED));
  return { fmaGflops: (2 * SIDE ** 3) / product / 1e6, copyGBs: (8 * COPIED) / copy / 1e6 };
}

async function leastMs(where: Where, c: Case): Promise<number> {
  const prepared = await prepareCase(where, c);
  try {
    let best = Infinity;
    for (let round = 0; round < ROUNDS; round++) {
      const start = performance.now();
      await runAndWait(prepared, RUNS);
      best = Math.min(best, (performance.now() - start) / RUNS);
    }
    return best;
  } finally {
    prepared.dispose();
  }
}
