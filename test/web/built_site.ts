// The folder that the browser tests' servers serve. It takes seconds to build and no test writes into it, so a run of tests builds it once.
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { buildDemo } from '../../tools/build_demo.mjs';
import { buildWeb } from '../../tools/web.mjs';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const TINY = 'weights/melody-tiny/';

/** The built folder of this run of tests, whose files run in processes of their own: the first that asks builds it, the others wait. */
export async function builtSite(): Promise<string> {
  const folder = process.env.MELODY_TEST_TMP; // test/helpers/temporary.ts
  if (!folder) throw new Error('MELODY_TEST_TMP names no folder: run the tests by vitest');
  const run = join(folder, 'site');
  const [built, failed] = [join(run, 'built'), join(run, 'failed')];
  try {
    mkdirSync(run);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    while (!existsSync(built)) {
      if (existsSync(failed)) throw new Error(`another test file could not build the site: ${readFileSync(failed, 'utf8')}`);
      await sleep(100);
    }
    return built;
  }
  try {
    await buildSite(join(run, 'building'));
    renameSync(join(run, 'building'), built);
  } catch (error) {
    writeFileSync(failed, String(error));
    throw error;
  }
  return built;
}

/** The page, a copy of its scripts with a worker without an engine, pages with nothing but a session, and the README's example. */
async function buildSite(folder: string): Promise<void> {
  await buildDemo(folder);
  cpSync(join(root, TINY), join(folder, TINY), { recursive: true });
  await buildWeb(join(folder, 'stub'));
  await build({
    absWorkingDir: root,
    entryPoints: {
      session_page: 'test/web/session_page.ts',
      'stub/session_page': 'test/web/session_page.ts',
      'stub/melody-worker': 'test/web/stub_worker.ts',
    },
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
  });
  // The README's example as it stands, with the folders that it speaks of; the small model would take minutes here.
  const example = /```html\n([^`]*<melody-player[^`]*)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
  mkdirSync(join(folder, 'readme'));
  const page = `<!doctype html><html lang="en"><title>README</title>${example.replace('melody-small', 'melody-tiny')}`;
  writeFileSync(join(folder, 'readme/index.html'), page);
  cpSync(join(root, TINY), join(folder, 'readme', TINY), { recursive: true });
  await buildWeb(join(folder, 'readme/web'));
  for (const part of ['.', 'stub']) {
    writeFileSync(
      join(folder, part, 'session.html'),
      '<!doctype html><title>session</title><script type="module" src="session_page.js"></script>',
    );
  }
  const players = ['calm piano', 'fast techno'].map((prompt) => `<melody-player controls prompt="${prompt}" src="any/"></melody-player>`);
  writeFileSync(
    join(folder, 'stub/index.html'),
    `<!doctype html><html lang="en"><title>players</title><script type="module" src="melody-player.js"></script>${players.join('')}`,
  );
}
