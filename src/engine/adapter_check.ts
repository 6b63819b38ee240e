// Does this executor compute right? Asked once of every adapter and driver before they make their first music, so that no user hears noise.
// One case for each kind of kernel, all in one submit; `melody doctor` looks closer.
import { platform } from '#platform';
import { quickCases } from '../cases/all.ts';
import { numbersOf, recordCases } from '../cases/case.ts';
import { compareWithReference } from '../cases/compare.ts';
import { MelodyError } from '../errors.ts';
import type { Gpu } from '../gpu/device.ts';
import { Plan } from '../graph/plan.ts';
import { Residents } from '../graph/residents.ts';

/** Largest normalised error: rounding makes a thousandth of it, a wrong kernel a thousand times as much. */
const LIMIT = 1e-6;

/** Names of the kinds of kernels that this GPU computes wrong; none on a sound one. Leaves nothing on the GPU. */
export async function wrongKinds(gpu: Gpu): Promise<string[]> {
  const cases = quickCases();
  const { g, inputs, results } = recordCases(gpu.caps, cases);
  const residents = new Residents(gpu);
  try {
    const plan = await Plan.compile(residents, g);
    try {
      plan.run({}, inputs);
      const outputs = await Promise.all(results.map(async ({ y }, i) => numbersOf(y, await plan.readBytes(String(i)))));
      const right = (i: number) => compareWithReference(outputs[i], results[i].reference(), LIMIT).ok;
      return cases.filter((_, i) => !right(i)).map(({ name }) => name);
    } finally {
      plan.dispose();
    }
  } finally {
    residents.dispose();
  }
}

/**
 * Throws `wrong_results` when this GPU computes wrong. An adapter that passed is not asked again until its driver, the WebGPU
 * implementation or our kernels change.
 */
export async function checkAdapter(gpu: Gpu): Promise<void> {
  const cases = quickCases();
  const { dispatches } = recordCases(gpu.caps, cases).g;
  const kernels = new Set(dispatches.map(({ kernel }) => kernel.source));
  const key = `quick test: ${platform.runtime}; ${gpu.caps.name}; ${JSON.stringify(gpu.caps)}; ${[...kernels].join('')}`;
  if (await platform.facts.get(key)) return;
  const wrong = await wrongKinds(gpu);
  if (wrong.length)
    throw new MelodyError(
      'wrong_results',
      `this GPU computes wrong: ${wrong.join(', ')} (${wrong.length} of ${cases.length} kinds of kernels, on ${gpu.caps.name})`,
      'update the driver or browser, or use another adapter; `melody doctor` tells more, and please report it',
    );
  await platform.facts.set(key, 'passed');
}
