// What a user gets: the built library and the built command, run as they are run.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build as bundle } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const cache = join(root, 'node_modules/.cache');
let dist: string;

/** Runs tools/build.mjs into a folder of our own. */
function build(...words: string[]) {
  return spawnSync(process.execPath, [join(root, 'tools/build.mjs'), '--out', dist, ...words], { encoding: 'utf8' });
}

function melody(...words: string[]) {
  return spawnSync(process.execPath, [join(dist, 'cli.js'), ...words], { encoding: 'utf8', timeout: 60_000 });
}

beforeAll(() => {
  // Below node_modules, so that the library finds npm webgpu as it does where it is installed.
  mkdirSync(cache, { recursive: true });
  dist = mkdtempSync(join(cache, 'melody-build-'));
  expect(build('--types')).toMatchObject({ status: 0, stderr: '' });
}, 300_000);
afterAll(() => rmSync(dist, { recursive: true, force: true }));

/** The modules that a built file imports by name. */
const imports = (file: string) =>
  [
    ...readFileSync(join(dist, file), 'utf8').matchAll(
      /\bfrom"([\w@./:-]+)"|(?<=^|;)import"([\w@./:-]+)"|\bimport\(["`]([\w@./:-]+)["`]\)/gm,
    ),
  ].map((m) => m[1] ?? m[2] ?? m[3]);

/** A built file and those of ours that it imports, at once or later. */
function reached(file: string, seen = new Set<string>()): string[] {
  seen.add(file);
  for (const name of imports(file))
    if (name.startsWith('.') && !seen.has(join(dirname(file), name))) reached(join(dirname(file), name), seen);
  return [...seen];
}

/** What files import that is neither ours nor Node's. */
const outside = (files: string[]) => [
  ...new Set(files.flatMap(imports).filter((name) => !name.startsWith('node:') && !name.startsWith('.'))),
];

test('the browser’s library and worker share one engine, which imports only our own files, Node’s only what Node has and webgpu', () => {
  expect(imports('index.web.js').sort()).toEqual(['clip', 'engine', 'face', 'library'].map((name) => `./web/melody-${name}.js`));
  expect(imports('web/melody-worker.js').sort()).toEqual(expect.arrayContaining(['./melody-clip.js', './melody-engine.js']));
  expect(outside(reached('index.web.js'))).toEqual([]);
  expect(outside(reached('web/melody-worker.js'))).toEqual([]);
  expect(readdirSync(join(dist, 'web')).filter((name) => name.endsWith('.js'))).toEqual(
    [
      'clip',
      'compose',
      'cpu',
      'engine',
      'face',
      'given',
      'kind',
      'kinds',
      'library',
      'mediabunny',
      'player',
      'published',
      'runtime',
      'systems',
      'tones',
      'worker',
      'worklet',
    ].map((name) => `melody-${name}.js`),
  );
  expect(imports('web/melody-cpu.js')).toEqual([]);
  const encoders = ['@mediabunny/flac-encoder', '@mediabunny/mp3-encoder', 'mediabunny']; // of whoever writes coded files
  expect(outside(reached('web/melody-mediabunny.js')).sort()).toEqual(encoders);
  expect(outside(reached('index.js'))).toEqual(['webgpu']);
});

test('types come first, and kernels that a page does not use fall out of what its bundler makes of the built library', async () => {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: Record<string, object | string> };
  for (const conditions of Object.values(exports)) if (typeof conditions === 'object') expect(Object.keys(conditions)[0]).toBe('types');
  const bundled = async (name: string) => {
    const contents = `import { ${name} } from './index.web.js'; console.log(${name});`;
    const { outputFiles } = await bundle({
      stdin: { contents, resolveDir: dist },
      bundle: true,
      write: false,
      minify: true,
      format: 'esm',
    });
    return outputFiles[0].text;
  };
  expect((await bundled('Melody')).match(/@compute/g)?.length).toBeGreaterThan(20);
  const files = await bundled('writeWav');
  expect(files).not.toContain('@compute');
  expect(files.length).toBeLessThan(25_500); // with tags in INFO, ID3 and XMP
});

test('the command imports nothing that npm would have to install, but webgpu', () => {
  const files = ['cli.js', ...readdirSync(join(dist, 'node')).map((name) => `node/${name}`)].filter((name) => name.endsWith('.js'));
  expect(outside(files)).toEqual(['webgpu']);
});

test('the library can be imported and exports what its types say', async () => {
  const library = await import(join(dist, 'index.js'));
  expect(Object.keys(library)).toContain('MelodyError');
  expect(Object.keys(library).length).toBeLessThanOrEqual(20);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(readFileSync(join(dist, 'index.d.ts'), 'utf8')).toContain('MelodyError');
  expect(melody('--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
});

test('exit codes and streams of the real process', () => {
  expect(melody()).toMatchObject({ status: 2, stdout: '' });
  expect(melody('--help')).toMatchObject({ status: 0, stderr: '' });
  expect(melody('docter')).toMatchObject({ status: 2, stderr: 'melody: unknown command "docter"\n  did you mean `melody doctor`?\n' });
  const cache = melody('cache', '--json');
  expect([cache.status, cache.stderr]).toEqual([0, '']);
  expect(JSON.parse(cache.stdout)).toBeInstanceOf(Array);
});

test.skipIf(process.platform === 'win32')('few open files: help comes, or one sentence', () => {
  for (const limit of [19, 20, 21, 22, 24, 28]) {
    const words = `ulimit -n ${limit}; exec "${process.execPath}" "${join(dist, 'cli.js')}" --help`;
    const { status, stderr } = spawnSync('sh', ['-c', words], { encoding: 'utf8', timeout: 60_000 });
    expect([0, 1, null]).toContain(status); // null: Node itself gave up
    if (stderr.includes(`open '${join(dist, 'cli.js')}'`)) continue; // so it did: the first line of ours was never read (Node 22)
    if (status === 1) expect(stderr).toMatch(/^melody: [^\n]*too many open files\n {2}raise the limit: ulimit -n 1024\n$/);
  }
});

test('a reader that leaves early is no failure', async () => {
  const child = spawn('sh', ['-c', `"${process.execPath}" "${join(dist, 'cli.js')}" --help; echo $? >&2`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.destroy();
  let err = '';
  for await (const text of child.stderr) err += text;
  expect(err).toBe('0\n');
});

test('--if-stale builds only when a source is newer', () => {
  const built = () => statSync(join(dist, '.built')).mtimeMs;
  // Dates of our own, far from those of the sources, which may be edited while this runs; whole seconds, which every file system keeps.
  const later = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3_600_000);
  utimesSync(join(dist, '.built'), later, later);
  expect(build('--if-stale').status).toBe(0);
  expect(built()).toBe(later.getTime());
  utimesSync(join(dist, '.built'), 0, 0);
  expect(build('--if-stale').status).toBe(0);
  expect(built()).toBeGreaterThan(0);
});

test('unknown options are refused', () => {
  expect(build('--fast')).toMatchObject({ status: 1, stderr: expect.stringContaining("Unknown option '--fast'") });
});
