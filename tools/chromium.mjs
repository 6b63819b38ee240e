// @ts-check
// A real Chromium for tests and pictures: Debian's, on SwiftShader, WebGPU's software adapter. `.ci/run` installs it where it may.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** Where Chromium is; undefined where there is none. MELODY_CHROMIUM names another place. */
export const chromiumPath = [process.env.MELODY_CHROMIUM, ...PLACES].find((path) => path && existsSync(path));
if (!chromiumPath)
  console.log('browser tests: no Chromium here; install it (Debian: apt-get install chromium) or name it in MELODY_CHROMIUM');

const SOFTWARE_GPU = '--enable-unsafe-webgpu'; // lifts the block of software adapters
const NO_GPU = '--disable-gpu';
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];
const TIMEOUT = 120_000; // ms

/** @typedef {{ readonly context: import('playwright-core').BrowserContext, close: () => Promise<void> }} Browser */

/**
 * A browser with a fresh profile, as a first visit finds it. `webgpu: false`: WebGPU is there and finds no adapter.
 * @param {{ webgpu?: boolean }} [options] @returns {Promise<Browser>}
 */
export async function openBrowser({ webgpu = true } = {}) {
  const profile = newProfile();
  const args = [...FLAGS, webgpu ? SOFTWARE_GPU : NO_GPU];
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: /** @type {string} */ (chromiumPath),
    args,
    timeout: TIMEOUT,
  });
  context.setDefaultTimeout(TIMEOUT);
  return {
    context,
    async close() {
      await context.close();
      await remove(profile);
    },
  };
}

/**
 * The same, but a tab that lies behind another is hidden, as it is for people: Playwright's own start keeps every tab in front. Its downloads
 * are not seen. @param {{ webgpu?: boolean }} [options] @returns {Promise<Browser>}
 */
export async function openBrowserWithHiddenTabs({ webgpu = true } = {}) {
  const profile = newProfile();
  const words = [...FLAGS, webgpu ? SOFTWARE_GPU : NO_GPU, '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'];
  const child = spawn(chromiumPath ?? 'chromium', words, { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const port = join(profile, 'DevToolsActivePort');
  for (const end = Date.now() + TIMEOUT; !existsSync(port) || readFileSync(port, 'utf8') === ''; ) {
    if (Date.now() > end) throw new Error(`${chromiumPath} did not open its port within ${TIMEOUT / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${readFileSync(port, 'utf8').split('\n')[0]}`, { noDefaults: true });
  const [context] = browser.contexts();
  context.setDefaultTimeout(TIMEOUT);
  return {
    context,
    async close() {
      await browser.close();
      child.kill();
      await ended;
      await remove(profile);
    },
  };
}

const newProfile = () => mkdtempSync(join(tmpdir(), 'melody-chromium-'));
/** Its processes write for a moment after its end, on a busy machine for seconds. @param {string} profile */
async function remove(profile) {
  for (let tries = 0; tries < 100; tries++) {
    try {
      return rmSync(profile, { recursive: true, force: true });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
  console.log(`browser tests: ${profile} could not be removed`);
}
