// What the browser tests share: the built page on a server under a sub-path, a Chromium that visits it, and faults on demand.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Melody, StreamOptions } from '../../src/index.ts';
import { buildDemo } from '../../tools/build_demo.mjs';
import { type Browser, openBrowser, openBrowserWithHiddenTabs } from '../../tools/chromium.mjs';
import { serveFolder } from '../../tools/serve.mjs';
import { buildWeb } from '../../tools/web.mjs';
import { ALL_ON_GPU } from '../helpers/gpu.ts';
import { sendRange } from '../platform/server.ts';
import { PROMPT, SEED } from './parity.ts';
import type {} from './session_page.ts';

export const root = fileURLToPath(new URL('../../', import.meta.url));
export const TINY = 'weights/melody-tiny/';
/** Two seconds in one window: every further window length costs a software adapter seconds of compiling. */
export const PIECE = { prompt: PROMPT, seed: SEED, durationSeconds: 2, firstWindowSeconds: 4 };
export const SLOW = 900_000; // ms; SwiftShader compiles some 60 pipelines a page
/** As the page says it. */
export const TINY_SIZE = `${(
  Object.values<{ bytes: number }>(JSON.parse(readFileSync(join(root, TINY, 'manifest.json'), 'utf8')).files).reduce(
    (n, { bytes }) => n + bytes,
    0,
  ) / 1e6
).toFixed(1)} MB`;
export const tinyWeights = readFileSync(join(root, TINY, 'model.safetensors'));
const PREFIX = '/any/path/'; // the folder must work from anywhere

export class Site {
  /** Set to serve other bytes for the weights. */
  corrupt = false;
  /** Set to cut every connection: offline for page, workers and service worker alike. */
  down = false;
  /** Paths that are answered with 404. */
  missing: RegExp | undefined;
  #folder = '';
  #server: Awaited<ReturnType<typeof serveFolder>> | undefined;
  #browser: Browser | undefined;

  /**
   * `hiddenTabs`: a tab behind another is hidden, as it is for people. `webgpu: false`: WebGPU finds no adapter, and music is made by the CPU
   * executor, several times faster than by a software adapter: for tests of what a page does with the music.
   */
  async open({ hiddenTabs = false, webgpu: wanted = true } = {}): Promise<void> {
    const webgpu = wanted || ALL_ON_GPU;
    await this.serve();
    this.#browser = await (hiddenTabs ? openBrowserWithHiddenTabs({ webgpu }) : openBrowser({ webgpu }));
  }

  /** The server alone, for other browsers. */
  async serve(): Promise<void> {
    const scratch = join(root, 'node_modules/.cache');
    mkdirSync(scratch, { recursive: true });
    this.#folder = mkdtempSync(join(scratch, 'melody-web-'));
    await buildDemo(this.#folder);
    cpSync(join(root, TINY), join(this.#folder, TINY), { recursive: true });
    await buildWeb(join(this.#folder, 'stub')); // and its worker is replaced by one without an engine
    await build({
      absWorkingDir: root,
      entryPoints: {
        session_page: 'test/web/session_page.ts',
        'stub/session_page': 'test/web/session_page.ts',
        'stub/melody-worker': 'test/web/stub_worker.ts',
      },
      outdir: this.#folder,
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
    });
    // The README's example as it stands, with the folders that it speaks of; the small model would take minutes here.
    const example = /```html\n([^`]*<melody-player[^`]*)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? '';
    mkdirSync(join(this.#folder, 'readme'));
    const page = `<!doctype html><html lang="en"><title>README</title>${example.replace('melody-small', 'melody-tiny')}`;
    writeFileSync(join(this.#folder, 'readme/index.html'), page);
    cpSync(join(root, TINY), join(this.#folder, 'readme', TINY), { recursive: true });
    await buildWeb(join(this.#folder, 'readme/web'));
    for (const folder of ['.', 'stub']) {
      writeFileSync(
        join(this.#folder, folder, 'session.html'),
        '<!doctype html><title>session</title><script type="module" src="session_page.js"></script>',
      );
    }
    const players = ['calm piano', 'fast techno'].map((prompt) => `<melody-player controls prompt="${prompt}" src="any/"></melody-player>`);
    writeFileSync(
      join(this.#folder, 'stub/index.html'),
      `<!doctype html><html lang="en"><title>players</title><script type="module" src="melody-player.js"></script>${players.join('')}`,
    );
    this.#server = await serveFolder(this.#folder, {
      prefix: PREFIX,
      meddle: (path, request, response) => {
        if (this.down) {
          request.socket.destroy();
          return true;
        }
        if (this.missing?.test(path)) {
          response.writeHead(404).end();
          return true;
        }
        if (!this.corrupt || !path.endsWith('.safetensors')) return false;
        const bytes = Uint8Array.from(tinyWeights);
        bytes[bytes.length - 5] ^= 1; // one bit
        sendRange(bytes, request, response, { etag: '"changed"' });
        return true;
      },
    });
  }

  async close(): Promise<void> {
    await this.#browser?.close();
    await this.#server?.close();
    if (this.#folder) rmSync(this.#folder, { recursive: true, force: true });
  }

  get context() {
    if (!this.#browser) throw new Error('the site is not open');
    return this.#browser.context;
  }

  get origin(): string {
    return this.#server?.origin ?? '';
  }

  address(path: string): string {
    return `${this.origin}${PREFIX}${path}`;
  }

  /** A new tab at a path of the site; what is done with it there starts with `before`. */
  async visit(path: string, before: (page: Page) => Promise<unknown> = async () => {}): Promise<Page> {
    const page = await this.context.newPage();
    await before(page);
    await page.goto(this.address(path));
    return page;
  }

  /** A page with nothing but a session; what it says is noted. */
  async sessionPage(path = 'session.html', before?: (page: Page) => Promise<unknown>): Promise<Page> {
    const page = await this.visit(path, before);
    await page.waitForFunction(() => globalThis.session !== undefined);
    await page.mouse.click(2, 2); // a press, as browsers want it before sound
    return page;
  }
}

export const load = (page: Page, folder = TINY) =>
  page.evaluate(async (src) => {
    await session.load(src);
    const { state, model, error, warnings } = session.snapshot;
    return { state, model, warnings, error: error && { code: error.code, message: error.message } };
  }, folder);

export const play = (page: Page, extra: object = {}) => page.evaluate((options) => session.play(options), { ...PIECE, ...extra });

/** Waits until the piece was made and heard, or failed. */
export const finished = (page: Page) =>
  page.waitForFunction(() => session.snapshot.error || (session.snapshot.complete && session.snapshot.state === 'ready'), undefined, {
    timeout: SLOW,
    polling: 250,
  });

/** The samples of the session's piece, of its first channel. */
export const made = async (page: Page) => new Float32Array(await page.evaluate(() => [...(session.audio()?.channels[0] ?? [])]));

/** The file that a press saves. Both are waited for together: neither is left behind when the other fails. */
export async function savedFile(page: Page, press: () => Promise<unknown>): Promise<string> {
  const [file] = await Promise.all([page.waitForEvent('download', { timeout: SLOW }), press()]);
  return file.path();
}

/** DevTools of the page's worker: its answer to one method. */
export async function workerDevtools(page: Page): Promise<(method: string) => Promise<Record<string, number>>> {
  const devtools = await page.context().newCDPSession(page);
  const attached = new Promise<string>((resolve) => {
    devtools.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => targetInfo.url.includes('melody-worker') && resolve(sessionId));
  });
  await devtools.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false });
  const sessionId = await attached;
  let count = 0;
  return (method) =>
    new Promise((resolve, reject) => {
      const id = ++count;
      const hear = ({ message }: { message: string }) => {
        const answer = JSON.parse(message);
        if (answer.id !== id) return;
        devtools.off('Target.receivedMessageFromTarget', hear);
        if (answer.error) reject(new Error(`${method}: ${answer.error.message}`));
        else resolve(answer.result);
      };
      devtools.on('Target.receivedMessageFromTarget', hear);
      devtools.send('Target.sendMessageToTarget', { sessionId, message: JSON.stringify({ id, method }) }).catch(reject);
    });
}

/** The same piece streamed here in Node; frees the model. */
export async function streamed(melody: Melody, piece: StreamOptions): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for await (const { channels } of melody.stream(piece)) parts.push(channels[0]);
  melody.dispose();
  return Float32Array.from(parts.flatMap((part) => [...part]));
}

/** Largest difference; infinite where the lengths differ. */
export const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i])), a.length === b.length ? 0 : Infinity);

/** axe-core finds nothing serious or critical. */
export async function expectAccessible(page: Page): Promise<void> {
  // Colours on their way from one scheme to the other are nobody's choice.
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished)));
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
  });
  expect(found).toEqual([]);
}
