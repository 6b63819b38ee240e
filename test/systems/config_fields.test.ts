// Every field of every config of the published systems, with odd values: a typed error or a config within bounds, at once; and none that plays with a
// part of the weights left out. tools/fuzz_readers.ts does the same for hours.
import { expect, test } from 'vitest';
import { MelodyError } from '../../src/errors.ts';
import { below, mutatedJson, oddValue, pick, seedWith } from '../../tools/fuzz_mutate.ts';
import { fitOf, type Json, jsonOf, readConfigs, SYSTEMS } from '../../tools/fuzz_systems.ts';

/** Paths of all fields, inner ones and list items included. */
function paths(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [[...path]];
  return [...(path.length > 0 ? [[...path]] : []), ...Object.entries(value).flatMap(([name, inner]) => paths(inner, [...path, name]))];
}

const FIELDS = Object.entries(SYSTEMS).flatMap(([model, files]) =>
  files.flatMap((file) => paths(jsonOf(model, file)).map((path) => ({ model, file, path }))),
);

/** The file with one field changed; now and then with several, or with its text broken. */
function changed({ model, file, path }: (typeof FIELDS)[number]): Uint8Array {
  const json = jsonOf(model, file);
  if (below(10) === 0) return mutatedJson(json);
  let at = json;
  for (const name of path.slice(0, -1)) at = at[name] as Json;
  const last = path[path.length - 1] as string;
  if (below(8) === 0) delete at[last];
  else at[last] = oddValue();
  return new TextEncoder().encode(JSON.stringify(json));
}

/** Undefined, or the code of a typed error; others go on. */
const codeOf = (work: () => Promise<unknown>) =>
  work().then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof MelodyError) return error.code;
      throw error;
    },
  );

test('as they are, all of them are read', async () => {
  for (const model of Object.keys(SYSTEMS)) expect(await codeOf(() => readConfigs(model, new Map()))).toBeUndefined();
});

test('3,000 changed fields: each is refused with a typed error or taken, none takes a second', { timeout: 180_000 }, async () => {
  seedWith(14);
  const counts: Record<string, number> = { taken: 0, weights: 0 };
  let slowest = 0; // microseconds of computing
  for (let n = 0; n < 3000; n++) {
    const field = pick(FIELDS);
    const bytes = changed(field);
    const cpu = process.cpuUsage();
    const code = (await codeOf(() => readConfigs(field.model, new Map([[field.file, bytes]])))) ?? 'taken';
    const { user, system } = process.cpuUsage(cpu);
    slowest = Math.max(slowest, user + system);
    counts[code] = (counts[code] ?? 0) + 1;
  }
  expect(slowest).toBeLessThan(1e6);
  expect(Object.keys(counts)).toEqual(['taken', 'weights']);
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(300);
});

test('what is taken leaves no tensor out', { timeout: 180_000 }, async () => {
  seedWith(15);
  for (let n = 0; n < 40; n++) {
    const field = pick(FIELDS);
    const code = await codeOf(async () => {
      const { faults, unused } = await fitOf(field.model, new Map([[field.file, changed(field)]]));
      if (faults.length === 0) expect([field.model, field.path, unused]).toEqual([field.model, field.path, []]);
    });
    expect([undefined, 'weights']).toContain(code);
  }
});
