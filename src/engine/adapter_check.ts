// Does this executor compute right? Asked once of every adapter and driver before they make their first music, so that a GPU that computes wrong is refused before it plays noise.
// One case for each kind of kernel, all in one submit; `melody doctor` looks closer.
import { platform } from '#platform';
import { quickCases } from '../cases/all.ts';
import { type Case, numbersOf, type Recorded, recordCases } from '../cases/case.ts';
import { compareWithReference } from '../cases/compare.ts';
import { MelodyError } from '../errors.ts';
import type { Runner } from '../graph/runner.ts';

/** Largest normalised error: rounding makes a thousandth of it, a wrong kernel a thousand times as much. */
const LIMIT = 1e-6;

/** Names of the kinds of kernels that this GPU computes wrong; none on a sound one. Leaves nothing there: give it a fresh runner. */
export async function wrongKinds(
  runner: Runner,
  cases: readonly Case[] = quickCases(),
  { g, inputs, results }: Recorded = recordCases(runner.device.caps, cases),
): Promise<string[]> {
  try {
    const plan = await runner.compile(g);
    try {
      plan.run({}, inputs);
      const expected = results.map(({ reference }) => reference()); // while the device computes
      const outputs = await Promise.all(results.map(async ({ y }, i) => numbersOf(y, await plan.readBytes(String(i)))));
      const wrong = expected.map((reference, i) => !compareWithReference(outputs[i] ?? [], reference, LIMIT).ok);
      return cases.filter((_, i) => wrong[i]).map(({ name }) => name);
    } finally {
      plan.dispose();
    }
  } finally {
    runner.residents.dispose();
  }
}

/**
 * Throws `wrong_results` when this GPU computes wrong. An adapter that passed is not asked again until its driver, the WebGPU
 * implementation or our kernels change. `more` is looked at beside the cases that every model needs.
 */
export async function checkAdapter(runner: Runner, more: readonly Case[] = []): Promise<void> {
  const cases = [...quickCases(), ...more];
  const { caps } = runner.device;
  const recorded = recordCases(caps, cases);
  const kernels = new Set(recorded.g.dispatches.map(({ kernel }) => kernel.source));
  const key = `quick test: ${more.map(({ name }) => `${name}; `).join('')}${runner.build ?? platform.runtime}; ${caps.name}; ${JSON.stringify(caps)}; ${[...kernels].join('')}`;
  if (await platform.facts.get(key)) return;
  const wrong = await wrongKinds(runner, cases, recorded);
  if (wrong.length) {
    const cpu = caps.executor === 'cpu';
    throw new MelodyError(
      'wrong_results',
      `this ${cpu ? 'processor' : 'GPU'} computes wrong: ${wrong.join(', ')} (${wrong.length} of ${cases.length} kinds of kernels, on ${caps.name})`,
      `${cpu ? '' : "use the CPU (--device cpu, device: 'cpu'), or "}update the driver or browser; \`melody doctor\` says more; please report it`,
    );
  }
  await platform.facts.set(key, 'passed');
}
