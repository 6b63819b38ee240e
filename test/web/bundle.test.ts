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

test('the engine is with the worker alone, and what few pages need comes later', async () => {
  const files = await buildWeb();
  const text = (name: string) => files.find(({ path }) => path === name)?.text ?? '';
  expect(text('melody-engine.js')).toContain('createComputePipelineAsync');
  expect(text('melody-player.js')).not.toMatch(/createComputePipeline|@compute|requestAdapter/);
  expect(text('melody-player.js').length).toBeLessThan(24_900); // 23,042, 440 that let a piece go round without a gap, 400 that tell why nothing plays, read the volume and leave the page's own context as the page has it, 60 that send only a part's own samples and open the device within the press, 100 that keep the sound device for what is played at once, and some 700 of the session in several files, with the worker of another host or under Trusted Types, changes that take the place of what waits, and one that comes too late; what is downloaded has a budget of its own
  for (const name of ['melody-player.js', 'melody-worklet.js']) expect(text(name)).not.toMatch(/\bimport\s*["'{]/);
  const atOnce = new Set(['melody-worker.js']);
  for (const each of atOnce) for (const path of files.find(({ path }) => path === each)?.imports ?? []) atOnce.add(path);
  expect([...atOnce].sort()).toEqual(['melody-engine.js', 'melody-worker.js']);
  for (const { path } of files) expect(path).toMatch(/^melody-\w+\.js$/); // nothing of Node's or for bundlers alone
  expect(text('melody-engine.js')).not.toContain('pulseClarity:');
  expect(text('melody-clip.js')).toContain('pulseClarity:');
});
