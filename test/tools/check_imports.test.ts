import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { checkImports } from '../../tools/check_imports.mjs';

let root = '';
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** The faults of a tree of files. */
function check(files: Record<string, string>): string[] {
  root = mkdtempSync(join(tmpdir(), 'melody-test-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return checkImports(root);
}

test('this repository is clean', () => {
  expect(checkImports(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))).toEqual([]);
});

test('downwards is fine, upwards is not', () => {
  expect(check({ 'src/ops/a.ts': "import { g } from '../graph/g.ts';", 'src/graph/g.ts': '' })).toEqual([]);
  expect(check({ 'src/graph/g.ts': "\nimport type { A } from '../ops/a.ts';", 'src/ops/a.ts': '' })).toEqual([
    'src/graph/g.ts:2: imports src/ops/a.ts; graph may import only errors, gpu, platform',
  ]);
});

test.each([
  ['a list over several lines', "import {\n  a,\n  b,\n} from '../ops/a.ts';"],
  ['for its effects', "import '../ops/a.ts';"],
  ['when it runs', "const a = await import('../ops/a.ts');"],
  ['passing it on', "export * from '../ops/a.ts';"],
  ['passing some on', "export { a, type B } from '../ops/a.ts';"],
  ['default and names', "import a, { b } from '../ops/a.ts';"],
])('found: %s', (_name, text) => {
  expect(check({ 'src/graph/g.ts': text, 'src/ops/a.ts': '' })).toHaveLength(1);
});

test.each([
  "// import '../ops/a.ts';",
  "/* import '../ops/a.ts'; */",
  "const text = 'graph imports';",
  '/**\n * import x from "../ops/a.ts"\n */',
])('not an import: %s', (text) => {
  expect(check({ 'src/graph/g.ts': text, 'src/ops/a.ts': '' })).toEqual([]);
});

test('models do not import each other, only what they share; ops and weights neither', () => {
  expect(check({ 'src/models/a.ts': "import './b.ts';", 'src/models/b.ts': '' })).toHaveLength(1);
  expect(check({ 'src/models/a.ts': "import './layers.ts';", 'src/models/layers.ts': '' })).toEqual([]);
  expect(check({ 'src/ops/a.ts': "import '../weights/b.ts';", 'src/weights/b.ts': '' })).toHaveLength(1);
  expect(check({ 'src/models/a.ts': "import '../gpu/b.ts';", 'src/gpu/b.ts': '' })).toHaveLength(1);
});

test('only ops see kernels', () => {
  const kernels = { 'src/kernels.gen.ts': '' };
  expect(check({ ...kernels, 'src/ops/a.ts': "import * as k from '../kernels.gen.ts';" })).toEqual([]);
  expect(check({ ...kernels, 'src/models/a.ts': "import * as k from '../kernels.gen.ts';" })).toHaveLength(1);
});

test('the page uses the public API only', () => {
  expect(check({ 'demo/page.ts': "import '../src/index.ts';", 'src/index.ts': '' })).toEqual([]);
  expect(check({ 'demo/page.ts': "import '../src/gpu/a.ts';", 'src/gpu/a.ts': '' })).toHaveLength(1);
});

test('Node and packages only where they may be', () => {
  expect(check({ 'src/platform/node.ts': "import 'node:fs'; await import('webgpu');", 'src/cli/a.ts': "import 'node:fs';" })).toEqual([]);
  expect(check({ 'src/ops/a.ts': "import 'node:fs';" })).toEqual([
    'src/ops/a.ts:1: imports node:fs; only src/platform/node* and src/cli may',
  ]);
  expect(check({ 'src/platform/web.ts': "import 'node:fs';" })).toHaveLength(1);
  expect(check({ 'src/gpu/a.ts': "import { create } from 'webgpu';" })).toHaveLength(1);
  expect(check({ 'src/gpu/a.ts': "import 'lodash';" })[0]).toContain('no run-time dependency');
});

test('the machine’s globals only where it is known', () => {
  expect(check({ 'src/ops/a.ts': 'const x = process.env.X;' })[0]).toContain('src/ops/a.ts:1: uses process');
  expect(check({ 'src/gpu/a.ts': '\nnavigator.gpu;' })[0]).toContain('src/gpu/a.ts:2: uses navigator');
  expect(check({ 'src/gpu/a.ts': '// process.env\nplan.process(1); const s = "process.env";' })).toEqual([]);
});

test('cycles are named once, whole', () => {
  const files = { 'src/gpu/a.ts': "import './b.ts';", 'src/gpu/b.ts': "import './c.ts';", 'src/gpu/c.ts': "import './a.ts';" };
  expect(check(files)).toEqual(['cycle: src/gpu/a.ts → src/gpu/b.ts → src/gpu/c.ts → src/gpu/a.ts']);
});

test('a part that nobody knows is asked about', () => {
  expect(check({ 'src/misc/a.ts': "import '../gpu/b.ts';", 'src/gpu/b.ts': '' })[0]).toContain('"misc" is no part of the house');
});

test.each([
  ['Math.sin(x)', 1],
  ['Math.log2(n)', 1],
  ['x ** 2', 1],
  ['10 ** (dB / 20)', 1],
  ['2 ** (semitones / 12)', 1],
  ['2 ** 32 - 1 + 2 ** -20 + 2 ** k', 0],
  ['Math.sqrt(x) + Math.round(x)', 0],
])('functions whose last bits are the engine’s own make no samples: %s', (text, faults) => {
  expect(check({ 'src/pipeline/a.ts': `export const y = ${text};` })).toHaveLength(faults);
  expect(check({ 'src/cases/a.ts': `export const y = ${text};` })).toEqual([]);
});
