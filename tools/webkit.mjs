// @ts-check
// A real WebKitGTK for tests: Debian's webkit2gtk-driver with its small browser, over WebDriver. It has no headless mode: a virtual screen (Xvfb)
// is part of it. `.ci/run` installs them where it may.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const DRIVER = '/usr/bin/WebKitWebDriver';
const SCREEN = '/usr/bin/Xvfb';
const LIBRARIES = '/usr/lib';
const START_MS = 30_000;
const POLL_MS = 100;
/** How long a person's press takes. A page that puts its button's words anew meanwhile loses the click here. */
const HOLD_MS = 150;
/** What WebDriver calls an element in its answers. */
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** Its small browser lies under a folder that is named after the machine's kind. */
const browserPath = existsSync(LIBRARIES)
  ? readdirSync(LIBRARIES)
      .flatMap((kind) => ['4.1', '4.0', '6.0'].map((version) => join(LIBRARIES, kind, `webkit2gtk-${version}`, 'MiniBrowser')))
      .find((path) => existsSync(path))
  : undefined;

/** Whether it is all here. */
export const haveWebKit = existsSync(DRIVER) && existsSync(SCREEN) && browserPath !== undefined;

/**
 * A fresh session with one window.
 * @typedef {object} WebKit
 * @property {(address: string) => Promise<unknown>} goto
 * @property {(expression: string) => Promise<any>} evaluate in the page; what it gives is JSON
 * @property {(expression: string) => Promise<void>} press clicks the element that the expression gives, as a person does
 * @property {() => Promise<Uint8Array>} screenshot PNG
 * @property {() => Promise<void>} close
 * @returns {Promise<WebKit>}
 */
export async function openWebKit() {
  const screen = spawn(SCREEN, ['-displayfd', '3', '-screen', '0', '1280x900x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const display = await new Promise((resolve, reject) => {
    screen.once('error', reject);
    screen.once('exit', (code) => reject(new Error(`Xvfb ended with ${code}`)));
    screen.stdio[3]?.once('data', (number) => resolve(`:${String(number).trim()}`));
  });
  const port = await freePort();
  const driver = spawn(DRIVER, [`--port=${port}`], {
    stdio: 'ignore',
    detached: true, // the browser ends with it
    env: {
      ...process.env,
      DISPLAY: display,
      GDK_BACKEND: 'x11',
      WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: '1', // its sandbox wants namespaces, which containers do not give; the pages are our own
    },
  });
  const end = () => {
    if (driver.pid !== undefined && driver.exitCode === null) process.kill(-driver.pid, 'SIGKILL');
    screen.kill();
  };
  /** @param {string} method @param {string} path @param {object} [body] @returns {Promise<any>} */
  const ask = async (method, path, body) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
    const { value } = /** @type {{ value: any }} */ (await response.json());
    if (!response.ok) throw new Error(`WebKitWebDriver, ${method} ${path}: ${value?.error}: ${value?.message}`);
    return value;
  };
  try {
    for (const until = Date.now() + START_MS; !(await ask('GET', '/status').catch(() => undefined)); ) {
      if (Date.now() > until) throw new Error(`${DRIVER} did not answer within ${START_MS / 1000} s`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const { sessionId } = await ask('POST', '/session', {
      capabilities: { alwaysMatch: { 'webkitgtk:browserOptions': { binary: browserPath, args: ['--automation'] } } },
    });
    const session = `/session/${sessionId}`;
    await ask('POST', `${session}/timeouts`, { script: 120_000, pageLoad: 120_000 });
    const evaluate = (/** @type {string} */ expression) =>
      ask('POST', `${session}/execute/sync`, { script: `return (${expression});`, args: [] });
    return {
      goto: (url) => ask('POST', `${session}/url`, { url }),
      evaluate,
      async press(expression) {
        const element = await evaluate(
          `(() => { const element = ${expression}; element?.scrollIntoView({ block: 'center' }); return element; })()`,
        );
        if (!element?.[ELEMENT]) throw new Error(`there is no element ${expression}`);
        const move = { type: 'pointerMove', duration: 0, x: 0, y: 0, origin: element };
        const actions = [move, { type: 'pointerDown', button: 0 }, { type: 'pause', duration: HOLD_MS }, { type: 'pointerUp', button: 0 }];
        await ask('POST', `${session}/actions`, { actions: [{ type: 'pointer', id: 'mouse', actions }] });
      },
      screenshot: async () => Buffer.from(await ask('GET', `${session}/screenshot`), 'base64'),
      async close() {
        await ask('DELETE', session).catch(() => undefined);
        end();
      },
    };
  } catch (error) {
    end();
    throw error;
  }
}

/** @returns {Promise<number>} */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  await new Promise((resolve) => server.close(resolve));
  return port;
}
