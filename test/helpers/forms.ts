// Runs one test body for every form of a kernel that the adapter can run.
import { expect, it } from 'vitest';
import { MelodyError } from '../../src/errors.ts';
import type { Gpu } from '../../src/gpu/device.ts';

/**
 * `each(body)` runs body with no form (the op chooses), then with every form in turn; a form that says it cannot run this very product is
 * passed over. `covered` adds the test that none was passed over always: every form of `always`, and of `on8` where subgroups are 8 wide.
 */
export function formRunner<Form extends string>(gpu: () => Gpu, forms: readonly Form[]) {
  const ran = new Set<Form>();
  return {
    async each(body: (form: Form | undefined) => Promise<void>): Promise<void> {
      await body(undefined);
      for (const form of forms) {
        try {
          await body(form);
          ran.add(form);
        } catch (error) {
          if (!(error instanceof MelodyError && error.message.includes('cannot run'))) throw error;
        }
      }
    },
    covered(always: readonly Form[], on8: readonly Form[]): void {
      it('has run every form that this adapter allows', () => {
        const subgroupsOf8 = gpu().caps.subgroupMin === 8 && gpu().caps.subgroupMax === 8;
        expect([...ran].sort()).toEqual([...always, ...(subgroupsOf8 ? on8 : [])].sort());
      });
    },
  };
}
