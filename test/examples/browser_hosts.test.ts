// The player where people put it, in a real browser, with real weights to the first sound: strict policies, isolation, a CDN, a file.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, chromiumPath, openBrowser } from '../../tools/chromium.mjs';
import { serveFolder } from '../../tools/serve.mjs';
import { Examples, installNext, MINUTES, root } from './folder.ts';

type Served = Awaited<ReturnType<typeof serveFolder>>;

describe.runIf(chromiumPath)('the player in Chromium', { timeout: 9 * MINUTES }, () => {
  let examples: Examples;
  let browser: Browser;
  let page: Page;
  const servers: Served[] = [];
  const children: ChildProcess[] = [];

  /** `headers`: of each answer. */
  const serve = async (folder: string, headers: Readonly<Record<string, string>> = {}) => {
    const server = await serveFolder(join(examples.folder, folder), {
      meddle: (_, __, response) => {
        for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
        return false;
      },
    });
    servers.push(server);
    return server.origin;
  };
  const CORS = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'content-range, etag' };

  /** Starts a server of Node's; resolves with its port, which it says. */
  const start = (folder: string, says: RegExp, ...words: string[]) => {
    const server = spawn(process.execPath, words, { cwd: join(examples.folder, folder), stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(server);
    return new Promise<string>((found) => {
      server.stdout.on('data', (data) => {
        const match = says.exec(data);
        if (match) found(match[1]);
      });
    });
  };

  /** Opens the address; what a policy forbade is noted. */
  const visit = async (address: string) => {
    page = await browser.context.newPage();
    await page.addInitScript(() => {
      globalThis.forbidden = [];
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        forbidden.push(`${violatedDirective} ${blockedURI}`),
      );
    });
    await page.goto(address);
  };

  /** Plays to the first sound. */
  const hear = async () => {
    await page.getByRole('button', { name: /^Play/ }).click();
    const found = await page.waitForFunction(() => {
      const { snapshot } = document.querySelector('melody-player')?.session ?? {};
      if (snapshot?.error) return { error: `${snapshot.error.message} ${snapshot.error.hint}` };
      return (snapshot?.playedSeconds ?? 0) > 0.2 && { adapter: snapshot?.model?.adapter, isolated: crossOriginIsolated, forbidden };
    });
    return found.jsonValue();
  };

  beforeAll(async () => {
    examples = new Examples();
    // The model of tests under the name that the examples give: it plays at once.
    cpSync(join(root, 'weights/melody-tiny'), join(examples.folder, 'weights/melody-small'), { recursive: true });
    cpSync(join(root, 'dist/web'), join(examples.folder, 'cdn/web'), { recursive: true });
    browser = await openBrowser({ webgpu: false });
  }, 5 * MINUTES);
  afterEach(async () => {
    await page.close();
    for (const child of children.splice(0)) child.kill();
    for (const server of servers.splice(0)) await server.close();
  });
  afterAll(async () => {
    await browser?.close();
    examples?.remove();
  });

  it('plays under a strict Content-Security-Policy, Trusted Types and cross-origin isolation, with threads', async () => {
    const port = await start('strict_page', /listening on (\d+)/, 'server.mjs', '0', join(examples.folder, 'weights'));
    await visit(`http://127.0.0.1:${port}/`);
    // Isolated, the CPU computes with threads, which the worker starts under the same policy.
    expect(await hear()).toEqual({ adapter: expect.stringMatching(/^CPU/), isolated: true, forbidden: [] });
    // A second player starts a worker of its own under the same policy.
    await page.evaluate(() => {
      const player = document.querySelector('melody-player') as HTMLElement;
      const other = player.cloneNode() as HTMLElement;
      other.setAttribute('src', './weights/../weights/melody-small/?again');
      player.replaceWith(other);
    });
    expect(await hear()).toMatchObject({ forbidden: [] });
  });

  it('plays from a CDN by its hash, with weights of a third host, where policies allow no more than that', async () => {
    const cdn = await serve('cdn/web', CORS);
    const models = await serve('weights', CORS);
    const { stdout } = examples.node('cdn', 'page.mjs', `${cdn}/`, `${models}/melody-small/`);
    mkdirSync(join(examples.folder, 'cdn/site'));
    writeFileSync(join(examples.folder, 'cdn/site/index.html'), stdout);
    const policy = [
      "default-src 'none'",
      `script-src ${cdn} 'wasm-unsafe-eval'`,
      `worker-src blob: ${cdn}`, // what a worker imports counts as a part of it
      `connect-src ${models}`,
      "require-trusted-types-for 'script'",
      'trusted-types melody',
    ].join('; ');
    await visit(`${await serve('cdn/site', { 'content-security-policy': policy })}/`);
    expect(await hear()).toMatchObject({ isolated: false, forbidden: [] });
    await page.close();

    const tampered = await serveFolder(join(examples.folder, 'cdn/web'), {
      meddle: (path, _, response) => {
        response.setHeader('access-control-allow-origin', '*');
        if (path === '/melody-player.js') response.writeHead(200, { 'content-type': 'text/javascript' }).end('// another\n');
        return path === '/melody-player.js';
      },
    });
    servers.push(tampered);
    writeFileSync(join(examples.folder, 'cdn/site/index.html'), stdout.replace(cdn, tampered.origin));
    await visit(`${await serve('cdn/site')}/`);
    await page.waitForLoadState('load');
    expect(await page.evaluate(() => customElements.get('melody-player'))).toBeUndefined();
  });

  it.runIf(installNext)('plays from a page that Next built, rendered and serves', async () => {
    const into = join(examples.folder, 'next');
    cpSync(join(examples.folder, 'weights'), join(into, 'public/weights'), { recursive: true });
    const run = (command: string, ...words: string[]) => {
      const env = { ...process.env, NODE_ENV: undefined, NEXT_TELEMETRY_DISABLED: '1' }; // vitest's own NODE_ENV is none for a build
      expect(spawnSync(command, words, { cwd: into, encoding: 'utf8', env })).toMatchObject({ status: 0 });
    };
    run('npm', 'pack', '--ignore-scripts', root); // built already; a package that is only linked lies outside of what Next bundles
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    run('npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', `./melody-${version}.tgz`);
    const next = 'node_modules/next/dist/bin/next';
    run(process.execPath, next, 'build');
    const port = await start('next', /http:\S+:(\d+)/, next, 'start', '-p', '0', '-H', '127.0.0.1');
    await visit(`http://127.0.0.1:${port}/`);
    expect(await hear()).toMatchObject({ adapter: expect.stringMatching(/^CPU/) });
  });

  it('says what to do where a page is opened as a file', async () => {
    cpSync(join(root, 'dist/web'), join(examples.folder, 'plain_page/web'), { recursive: true });
    await visit(pathToFileURL(join(examples.folder, 'plain_page/index.html')).href);
    expect(await page.locator('melody-player').innerText()).toContain('Serve this folder');
    await page.close();
    const plain = await serve('plain_page');
    await visit(`${plain}/`);
    await page.getByRole('button', { name: /^Play/ }).waitFor();
    expect(await page.locator('melody-player').innerText()).not.toContain('Serve this folder');
  });
});

declare global {
  var forbidden: string[];
}
