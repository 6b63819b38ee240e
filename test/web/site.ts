// What the browser tests share: the built page on a server under a sub-path, a Chromium that visits it, and faults on demand.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import type { Melody, StreamOptions } from '../../src/index.ts';
import { type Browser, openBrowser, openBrowserWithHiddenTabs } from '../../tools/chromium.mjs';
import { serveFolder } from '../../tools/serve.mjs';
import { ALL_ON_GPU } from '../helpers/gpu.ts';
import { sendRange } from '../platform/server.ts';
import { builtSite, root, TINY } from './built_site.ts';
import { PROMPT, SEED } from './parity.ts';
import type {} from './session_page.ts';

export { root, TINY };

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
    this.#server = await serveFolder(await builtSite(), {
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
