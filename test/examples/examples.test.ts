// Every example runs: programs make music with the toy model, pages are built and opened in a browser.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAudio } from '../../src/audio/sound_file.ts';
import { readWav } from '../../src/audio/wav.ts';
import { type Browser, chromiumPath, openBrowser } from '../../tools/chromium.mjs';
import { serveFolder } from '../../tools/serve.mjs';
import { haveCodecs } from '../helpers/codecs.ts';
import { Examples, install, MINUTES, root } from './folder.ts';

let examples: Examples;
let folder: string;
let browser: Browser | undefined;

beforeAll(() => {
  const codecs = haveCodecs ? ['node-av'] : [];
  examples = new Examples([
    'esbuild',
    'vite',
    'webpack',
    'react',
    'react-dom',
    'typescript',
    '@types/node',
    'undici-types',
    'prom-client',
    ...codecs,
  ]);
  folder = examples.folder;
}, 5 * MINUTES);
afterAll(async () => {
  await browser?.close();
  examples?.remove();
});

const node = (example: string, ...words: string[]) => examples.node(example, ...words);

test('all fourteen are here, and listed', () => {
  const names = readdirSync(join(root, 'examples'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const readme = readFileSync(join(root, 'examples/README.md'), 'utf8');
  expect(names).toHaveLength(14);
  for (const { name } of names) expect(readme).toContain(`[${name}](${name}/`);
});

test(
  'node_script makes a WAV file',
  () => {
    const done = node('node_script', 'make.mjs', 'piano', 'piano.wav', '1', 'melody-tiny');
    expect(done).toMatchObject({ status: 0, stdout: expect.stringMatching(/^piano\.wav: seed \d+, -\d+\.\d LUFS\n/) });
    expect(readWav(readFileSync(join(folder, 'node_script/piano.wav'))).channels[0].length).toBe(24_000);
    expect(node('node_script', 'make.mjs', 'piano', 'no.wav', '-1', 'melody-tiny')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('invalid_argument'),
    });
  },
  9 * MINUTES,
);

test(
  'server streams to several listeners at once, stops for who leaves, counts, and refuses what it should',
  async () => {
    const server = spawn(process.execPath, ['server.mjs', '0', 'melody-tiny'], {
      cwd: join(folder, 'server'),
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, MUSIC_DEVICE: 'cpu', MUSIC_QUEUE: '1', MUSIC_MAX_EACH: '4' },
    });
    try {
      const port = await new Promise<string>((found) => {
        let out = '';
        server.stdout.on('data', (data) => {
          out += data;
          const match = /listening on (\d+)/.exec(out);
          if (match) found(match[1]);
        });
      });
      const ask = (query: string, signal?: AbortSignal) => fetch(`http://127.0.0.1:${port}/music?${query}`, { signal: signal ?? null });
      const metric = async (line: string) => {
        const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        return Number(
          text
            .split('\n')
            .find((one) => one.startsWith(`${line} `))
            ?.slice(line.length + 1) ?? Number.NaN,
        );
      };
      const until = async (line: string, value: number) => {
        while ((await metric(line)) !== value) await new Promise((later) => setTimeout(later, 50));
      };

      // Who listens to ten minutes has the first of it at once, and does not keep another from hearing one second.
      const leaves = new AbortController();
      const long = await ask('prompt=piano&seconds=600', leaves.signal);
      expect([long.status, long.headers.get('content-type')]).toEqual([200, 'audio/wav']);
      const short = await ask('prompt=piano&seconds=1&seed=7');
      const bytes = new Uint8Array(await short.arrayBuffer());
      const { channels, tags, warnings } = readWav(bytes);
      expect([channels[0].length, short.headers.get('x-seed'), warnings]).toEqual([24_000, '7', []]);
      expect(tags.melody).toContain('"seed":7');
      expect(Buffer.compare(bytes, new Uint8Array(await (await ask('prompt=piano&seconds=1&seed=7')).arrayBuffer()))).toBe(0);

      leaves.abort();
      await until('music_requests_total{end="left"}', 1);
      await until('music_queue_waiting', 0);
      expect(await metric('music_made_seconds_total')).toBeGreaterThan(2);
      expect(await metric('music_computing_seconds_total{stage="diffusion"}')).toBeGreaterThan(0);

      for (const query of [
        'prompt=piano&seconds=1e9',
        'prompt=piano&seconds=0',
        'prompt=',
        'prompt=piano&format=aiff',
        `prompt=${'a'.repeat(501)}`,
      ])
        expect((await ask(query)).status, query.slice(0, 40)).toBe(400);
      expect(await metric('music_requests_total{end="invalid_argument"}')).toBe(5);
      // Five at once of one address: one plays, one waits, the others find the queue full or are too many.
      const five = await Promise.all(
        Array.from({ length: 5 }, () => ask('prompt=piano&seconds=0.5').then(async (r) => [r.status, (await r.arrayBuffer()).byteLength])),
      );
      const statuses = five.map(([status]) => status).sort();
      expect(statuses.slice(0, 2)).toEqual([200, 200]);
      expect(statuses.at(-1)).toBe(503);
      for (const status of statuses.slice(2)) expect([429, 503]).toContain(status);
      for (const [status, size] of five) if (status === 200) expect(size).toBeGreaterThan(24_000);

      for (const format of haveCodecs ? (['mp3', 'opus'] as const) : []) {
        const answer = await ask(`prompt=piano&seconds=1&format=${format}`);
        expect(answer.status).toBe(200);
        const file = await readAudio(new Uint8Array(await answer.arrayBuffer()));
        expect(file.channels[0].length / file.sampleRate).toBeGreaterThanOrEqual(1);
        expect(file.format).toBe(format);
      }
      if (!haveCodecs) expect((await ask('prompt=piano&seconds=1&format=mp3')).status).toBe(400);
      expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
      expect((await fetch(`http://127.0.0.1:${port}//`)).status).toBe(400); // no address at all, which must not end the server
      expect((await fetch(`http://127.0.0.1:${port}/music`, { method: 'POST' })).status).toBe(405);
    } finally {
      const ended = new Promise((done) => server.once('exit', done));
      server.kill('SIGTERM');
      await ended;
    }
  },
  9 * MINUTES,
);

const ffmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
if (!ffmpeg) console.log('examples: no ffmpeg here, ffmpeg_pipe is not run');
test.runIf(ffmpeg)(
  'ffmpeg_pipe encodes a stream',
  () => {
    expect(node('ffmpeg_pipe', 'encode.mjs', 'piano', 'piano.flac', '2', 'melody-tiny')).toMatchObject({
      status: 0,
      stdout: 'piano.flac written\n',
    });
    const back = spawnSync('ffmpeg', ['-v', 'error', '-i', join(folder, 'ffmpeg_pipe/piano.flac'), '-f', 's16le', '-'], { maxBuffer: 1e8 });
    expect(back.stdout.length).toBe(2 * 24_000 * 2);
  },
  9 * MINUTES,
);

test(
  'typescript compiles under the strictest settings, and runs',
  () => {
    expect(node('typescript', join(root, 'node_modules/typescript/bin/tsc'))).toMatchObject({ stdout: '', status: 0 });
    const done = node('typescript', 'build/main.js', '1', 'melody-tiny');
    expect(done.stdout.match(/^seed [123]: \d+ BPM/gm)).toHaveLength(3);
  },
  9 * MINUTES,
);

/** Opens a built page; its errors, files that were missing, and what `look` returns of it. */
async function open(page: string, look: string) {
  browser ??= await openBrowser();
  const site = await serveFolder(folder, { port: 0 });
  const tab = await browser.context.newPage();
  const faults: string[] = [];
  tab.on('pageerror', (error) => faults.push(error.message));
  tab.on(
    'response',
    (response) => response.status() >= 400 && !/favicon/.test(response.url()) && faults.push(`${response.status()} ${response.url()}`),
  );
  await tab.goto(`${site.origin}${page}`);
  const seen = await tab.evaluate(look);
  await tab.close();
  await site.close();
  return { faults, seen };
}

/** A bundle is right when the worker that it starts answers: a folder without a model is an answer of its own. */
const PRESS = `(async () => {
  const player = document.querySelector('melody-player');
  await customElements.whenDefined('melody-player');
  player.shadowRoot.querySelector('button').click();
  for (;;) {
    const { snapshot } = player.session ?? {};
    if (snapshot?.error) return snapshot.error.code + ': ' + snapshot.error.message;
    await new Promise((later) => setTimeout(later, 50));
  }
})()`;
const ANSWERED = /^io: .*(manifest|config)\.json/;

for (const [example, build] of [
  ['esbuild', ['build.mjs']],
  ['vite', [join(root, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'error']],
  ['webpack', [join(root, 'node_modules/webpack-cli/bin/cli.js')]],
  ['rollup', ['node_modules/rollup/dist/bin/rollup', '--config', 'rollup.config.mjs', '--silent']],
] as const)
  test.runIf(example !== 'rollup' || install)(
    `${example} builds a page whose worker answers`,
    async () => {
      if (example === 'rollup') examples.npmInstall(example);
      expect(node(example, ...build)).toMatchObject({ status: 0, stderr: '' });
      expect(existsSync(join(folder, example, 'build/index.html'))).toBe(true);
      if (!chromiumPath) return;
      const { seen } = await open(`/${example}/build/index.html`, PRESS);
      expect(seen).toMatch(ANSWERED);
    },
    9 * MINUTES,
  );

test.runIf(chromiumPath)(
  'plain_page needs no build',
  async () => {
    cpSync(join(root, 'dist/web'), join(folder, 'plain_page/web'), { recursive: true });
    const { seen } = await open('/plain_page/index.html', PRESS);
    expect(seen).toMatch(ANSWERED);
  },
  9 * MINUTES,
);

test(
  'web_audio builds and opens',
  async () => {
    expect(node('web_audio', 'build.mjs')).toMatchObject({ status: 0, stderr: '' });
    if (!chromiumPath) return;
    expect(await open('/web_audio/build/index.html', `document.querySelector('button').textContent`)).toEqual({ faults: [], seen: 'Play' });
  },
  9 * MINUTES,
);

test(
  'react renders a player that starts and ends its session',
  async () => {
    expect(node('react', 'build.mjs')).toMatchObject({ status: 0, stderr: '' });
    if (!chromiumPath) return;
    const seen = `(async () => { for (;;) { const text = document.querySelector('output')?.textContent; if (text) return text; await new Promise(requestAnimationFrame); } })()`;
    expect(await open('/react/build/index.html', seen)).toEqual({ faults: [], seen: 'empty' });
  },
  9 * MINUTES,
);

// Next itself has hundreds of megabytes (browser_hosts.test.ts builds with it where it is asked for): React alone does with the page what Next does on a server.
test.runIf(install)(
  'next: the page is rendered on a server, with the player in it',
  async () => {
    examples.npmInstall('next');
    const into = join(folder, 'next');
    await bundle({
      entryPoints: [join(into, 'app/page.jsx')],
      outfile: join(into, 'page.mjs'),
      bundle: true,
      format: 'esm',
      platform: 'node',
      jsx: 'automatic',
      packages: 'external',
    });
    const render = `import Page from './page.mjs';
      import { createElement } from 'react';
      import { renderToString } from 'react-dom/server';
      process.stdout.write(renderToString(createElement(Page)));`;
    expect(node('next', '--input-type=module', '--eval', render)).toMatchObject({
      status: 0,
      stderr: '',
      stdout: expect.stringMatching(
        /<melody-player controls="" prompt="calm piano, 80 bpm" src="\/weights\/melody-small\/"><\/melody-player>/,
      ),
    });
  },
  9 * MINUTES,
);
