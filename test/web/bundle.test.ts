// What a page downloads: only the kernels it uses, and nothing heavy on the main thread.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import * as kernels from '../../src/kernels.gen.ts';
import { buildWeb } from '../../tools/web.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));

async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
  });
  return outputFiles[0].text;
}

test('a kernel that is not used falls out of the bundle', async () => {
  const code = await bundle("import { rms_norm } from './src/kernels.gen.ts'; console.log(rms_norm);");
  expect(code).toContain(JSON.stringify(kernels.rms_norm.name).slice(1, -1));
  const others = Object.values(kernels).filter(({ name }) => name !== 'rms_norm');
  expect(others.length).toBeGreaterThan(20);
  expect(others.filter(({ name }) => code.includes(`"${name}"`)).map(({ name }) => name)).toEqual([]);
});

test('the engine is in the worker alone', async () => {
  const files = await buildWeb();
  const text = (name: string) => files.find(({ path }) => path === name)?.text ?? '';
  expect(text('melody-worker.js')).toContain('createComputePipelineAsync');
  expect(text('melody-player.js')).not.toMatch(/createComputePipeline|@compute|requestAdapter/);
  expect(text('melody-player.js').length).toBeLessThan(20_000);
  for (const name of ['melody-player.js', 'melody-worker.js', 'melody-worklet.js']) expect(text(name)).not.toMatch(/\bimport\s*["'{]/);
});
