// Other JavaScript engines that this machine has: programs that run a file, and browsers that open a page.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromiumPath } from '../../tools/chromium.mjs';
import { firefoxPath } from '../../tools/firefox.mjs';
import { serveFolder } from '../../tools/serve.mjs';

const root = fileURLToPath(new URL('../../', import.meta.url));
const installed = join(root, 'node_modules');

/** Programs of MELODY_TEST_ENGINES (paths with colons between them), and what `npm install --no-save node@22` puts into node_modules. */
export const programs = [
  ...(process.env.MELODY_TEST_ENGINES?.split(':') ?? []),
  ...(existsSync(installed) ? readdirSync(installed) : [])
    .filter((name) => /^node(-|$)/.test(name))
    .map((name) => join(installed, name, 'bin/node')),
].filter((path) => existsSync(path));

/** Browsers: their programs and what opens a page without a window, with a fresh profile. */
export const browsers = [
  {
    name: 'Chromium',
    path: chromiumPath,
    words: (profile: string) => ['--headless=new', '--no-sandbox', '--no-first-run', `--user-data-dir=${profile}`],
  },
  { name: 'Firefox', path: firefoxPath, words: (profile: string) => ['--headless', '--no-remote', '--profile', profile] },
].flatMap(({ name, path, words }) => (path ? [{ name, path, words }] : []));

for (const [missing, how] of [
  [programs.length === 0, 'another Node: npm install --no-save node@22, or name its program in MELODY_TEST_ENGINES'],
  [!firefoxPath, 'Firefox: install it, or name its program in MELODY_FIREFOX'],
] as const)
  if (missing) console.error(`the test of exact music leaves out ${how}`);

/** What `exactClip` of ./exact_clip.ts gives in another program. */
export async function clipOfProgram(program: string, location: string, threads: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'melody-engine-'));
  try {
    const file = join(folder, 'clip.mjs');
    await bundle(`process.stdout.write((await exactClip(${JSON.stringify(location)}, ${threads})).hash); process.exit();`, file, 'node');
    const words = basename(program).startsWith('deno') ? ['run', '-A', file] : [file];
    const child = spawn(program, words, { cwd: root });
    const [out, errors] = await Promise.all([textOf(child.stdout), textOf(child.stderr)]);
    if (!out) throw new Error(`${program} made nothing: ${errors}`);
    return out;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The same in a page of a browser; `isolated`: with threads. */
export async function clipOfBrowser({ path, words }: (typeof browsers)[number], weights: string, isolated: boolean): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'melody-engine-'));
  for (const part of ['site', 'profile']) mkdirSync(join(folder, part)); // Firefox makes no profile's folder itself
  cpSync(weights, join(folder, 'site/weights'), { recursive: true });
  writeFileSync(join(folder, 'site/index.html'), '<!doctype html><title>exact</title><script type="module" src="page.js"></script>');
  await bundle(
    `const told = exactClip('weights/', 2).then(({ hash }) => hash + (crossOriginIsolated ? ' threads' : ''), String);
    await fetch('told', { method: 'POST', body: await told });`,
    join(folder, 'site/page.js'),
    'browser',
  );
  let server: Awaited<ReturnType<typeof serveFolder>> | undefined;
  let child: ChildProcess | undefined;
  try {
    return await new Promise<string>((resolve, reject) => {
      serveFolder(join(folder, 'site'), {
        meddle: (name, request, response) => {
          if (isolated) {
            response.setHeader('cross-origin-opener-policy', 'same-origin');
            response.setHeader('cross-origin-embedder-policy', 'require-corp');
          }
          if (name !== '/told') return false;
          textOf(request).then(resolve, reject);
          response.end();
          return true;
        },
      }).then((opened) => {
        server = opened;
        child = spawn(path, [...words(join(folder, 'profile')), `${opened.origin}/`], { stdio: 'ignore', detached: true });
        child.once('error', reject);
      }, reject);
    });
  } finally {
    if (child?.pid) process.kill(-child.pid, 'SIGKILL'); // with the processes that it started
    await server?.close();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

async function bundle(program: string, outfile: string, platform: 'node' | 'browser'): Promise<void> {
  await build({
    stdin: { contents: `import { exactClip } from './exact_clip.ts';\n${program}`, resolveDir: join(root, 'test/engine'), loader: 'ts' },
    absWorkingDir: root,
    outfile,
    bundle: true,
    format: 'esm',
    platform,
    target: 'es2022',
    external: ['webgpu', 'node-av', 'node-av/*'],
    logLevel: 'silent',
  });
}

async function textOf(stream: AsyncIterable<Uint8Array | string>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(typeof part === 'string' ? new TextEncoder().encode(part) : part);
  return Buffer.concat(parts).toString();
}
