// No op and no kernel without a case: what is missing here would be computed unchecked on every GPU.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { oddCases, paperCases, quickCases } from '../../src/cases/all.ts';
import { recordCases } from '../../src/cases/case.ts';
import { type Caps, DEFAULT_CAPS } from '../../src/gpu/caps.ts';
import * as K from '../../src/kernels.gen.ts';

const folder = (name: string) => new URL(`../../src/${name}/`, import.meta.url);
const text = (name: string) => readFileSync(new URL(`../../src/${name}`, import.meta.url), 'utf8');

/** Files of src/ops that ops share, and that no model calls. */
const SHARED = ['constant.ts', 'gemm.ts'];

/** Names of the ops of a file: exported functions whose first parameter is the graph. */
const opsOf = (source: string) => [...source.matchAll(/^export function (\w+)\(\s*g: Graph\b/gm)].map(([, name]) => name);

/** Ops that the file of cases beside theirs does not call. recordCases itself fuses. */
function withoutCase(ops: string, cases: string): string[] {
  return opsOf(ops).filter((name) => !new RegExp(`\\b${name}\\(`).test(cases));
}

test('every op has a case in the file beside its own', () => {
  const files = readdirSync(folder('ops')).filter((name) => !SHARED.includes(name) && opsOf(text(`ops/${name}`)).length > 0);
  expect(files.length).toBeGreaterThan(10);
  const known = readdirSync(folder('cases'));
  for (const name of files) {
    expect(known, `src/cases/${name}`).toContain(name);
    const cases = name === 'fuse.ts' ? text('cases/case.ts') : text(`cases/${name}`);
    expect(withoutCase(text(`ops/${name}`), cases), name).toEqual([]);
  }
  expect(withoutCase('export function scale(g: Graph, x: Tensor): Tensor {', '// scale, but no call of it')).toEqual(['scale']);
});

/** The kernels that a list of cases records on an adapter. */
const kernelsOf = (caps: Caps, cases = oddCases()) => recordCases(caps, cases).g.dispatches.map(({ kernel }) => kernel.name);

test('every kernel is in a case that `melody doctor` runs, on the adapters that are given it', () => {
  const subgroups = { subgroups: true, subgroupMin: 8, subgroupMax: 8 };
  const adapters: Caps[] = [
    DEFAULT_CAPS,
    { ...DEFAULT_CAPS, executor: 'software' },
    { ...DEFAULT_CAPS, executor: 'software', ...subgroups },
  ];
  const recorded = new Set(adapters.flatMap((caps) => kernelsOf(caps)));
  const missing = (kernels: readonly { name: string }[]) => kernels.map(({ name }) => name).filter((name) => !recorded.has(name));
  expect(missing(Object.values(K))).toEqual([]);
  expect(missing([...Object.values(K), { name: 'scale' }])).toEqual(['scale']);
});

test('a list records alone and all together, and the same every time', () => {
  for (const c of [...oddCases(), ...paperCases()]) expect(kernelsOf(DEFAULT_CAPS, [c]).length, c.name).toBeGreaterThan(0);
  for (const cases of [quickCases(), oddCases()]) expect(kernelsOf(DEFAULT_CAPS, cases)).toEqual(kernelsOf(DEFAULT_CAPS, cases));
  const values = () => Object.values(recordCases(DEFAULT_CAPS, quickCases()).inputs);
  expect(values()).toEqual(values());
});
