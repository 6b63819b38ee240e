// @ts-check
// Pictures of the page in Chromium while it plays what it made: wide, tablet and phone, light and dark, top and whole. To be looked at.
//
//   node tools/screenshots.mjs [--model melody-small] [--prompt words] [--seed 1] [--out out/screenshots] [--ready]
//
// The README's picture is wide-light.png, copied to demo/screenshot.png. On SwiftShader ten seconds of melody-small take minutes;
// with --ready it plays the first piece that comes with the page, and makes none.
import { mkdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildDemo } from './build_demo.mjs';
import { openBrowser } from './chromium.mjs';
import { serveFolder } from './serve.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const SLOW = 1_800_000; // ms
const WIDE = { width: 1280, height: 800 };
const TABLET = { width: 768, height: 1024 };
const PHONE = { width: 390, height: 844 };
const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'melody-small' },
    prompt: { type: 'string', default: 'calm piano waltz in A minor, 96 bpm' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: join(root, 'out/screenshots') },
    ready: { type: 'boolean', default: false },
  },
});
const out = resolve(values.out);
mkdirSync(out, { recursive: true });
const site = join(root, 'out/screenshots-site');
await buildDemo(site);
const server = await serveFolder(site);
const browser = await openBrowser();
try {
  const page = await browser.context.newPage();
  page.setDefaultTimeout(SLOW);
  await page.setViewportSize(WIDE);
  await page.goto(`${server.origin}/?model=${values.model}`);
  const shoot = (/** @type {string} */ name, fullPage = false) => page.screenshot({ path: join(out, `${name}.png`), fullPage });
  await page.locator('#load:enabled').waitFor();
  await shoot('before');
  if (values.ready) {
    await page
      .getByRole('button', { name: /^Hear: / })
      .first()
      .click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.keyboard.press('Escape');
  } else {
    await page.locator('#load').click();
    await page.locator('#play:enabled').waitFor();
    await page.locator('#prompt').fill(values.prompt);
    await page.locator('#length').selectOption('10');
    await page.locator('#seed').fill(values.seed);
    await page.locator('#seed-lock').check();
    await page.locator('#play').click();
    const finished = page.getByText(/^The piece: /);
    await finished.waitFor();
    await shoot('finished', true);
  }
  // What was made plays again from memory: a picture without the gaps of a slow machine.
  for (const scheme of /** @type {const} */ (['light', 'dark'])) {
    for (const [name, size] of Object.entries({ wide: WIDE, tablet: TABLET, phone: PHONE })) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.setViewportSize(size);
      await page.getByRole('button', { name: /^Play: / }).click();
      // The clock still shows the last piece's end; a busy machine skips seconds.
      for (const second of ['^0:0[0-5]', '^0:(0[89]|1)'])
        await page.waitForFunction((at) => new RegExp(at).test(document.getElementById('time')?.textContent ?? ''), second, {
          polling: 50,
        });
      await page.evaluate(() => scrollTo(0, 0));
      await shoot(`${name}-${scheme}`);
      await shoot(`${name}-${scheme}-whole`, true);
      await page.keyboard.press('Escape');
    }
  }
} finally {
  await browser.close();
  await server.close();
}
console.log(`pictures are in ${out}`);
