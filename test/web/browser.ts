// A real Chromium for tests: Debian's, on SwiftShader, WebGPU's software adapter. `.ci/run` installs it where it may.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium } from 'playwright-core';

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

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--enable-unsafe-webgpu', // lifts the block of software adapters
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

export interface Browser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** A browser with a fresh profile, as a first visit finds it. */
export async function openBrowser(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), 'melody-chromium-'));
  const context = await chromium.launchPersistentContext(profile, { executablePath: chromiumPath, args: FLAGS, timeout: 120_000 });
  context.setDefaultTimeout(120_000);
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
