// @ts-check
// How soon the page sounds, how evenly it is drawn, and whether its memory stays flat: in Chromium with a fresh profile, over a server on this
// machine. A measurement, not a test: nothing else should run.
//
//   node tools/page_times.mjs [--model melody-small] [--visits 3] [--plays 100] [--minutes 60] [--webgpu] [--plain] [--out figures.json]
//
// The server is that of `npm run demo`, whose pages compute with threads; --plain: that of any other host at the first visit, with one.
//
// Each visit is a browser of its own, which has settled after its start: from the navigation to the sound of a piece that is ready, pressed as
// soon as it is offered, and once more; then one press that downloads the model and plays its music, and other words typed into it. Then one page plays `--plays` pieces, and endless music for `--minutes`. Memory is what the page's process
// and the browser's others hold (PSS), and its JavaScript heap after a collection. A page keeps its last ten minutes of music, so flat means: no
// more at the end than a quarter of the time after those.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildDemo } from './build_demo.mjs';
import { openBrowser } from './chromium.mjs';
import { serveFolder } from './serve.mjs';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'melody-small' },
    visits: { type: 'string', default: '3' },
    plays: { type: 'string', default: '100' },
    minutes: { type: 'string', default: '60' },
    webgpu: { type: 'boolean', default: false },
    plain: { type: 'boolean', default: false },
    out: { type: 'string' },
  },
});
const [visits, plays, minutes] = [values.visits, values.plays, values.minutes].map(Number);
if (![visits, plays, minutes].every((number) => number >= 0)) {
  console.error('page_times: --visits, --plays and --minutes must be numbers from 0 up');
  process.exit(2);
}
const SLOW = 1_800_000; // ms
const WATCHED_MS = 20_000;
/** Frames that a page should have none of. */
const LATE_MS = 50;
/** A visitor's browser runs: one that has just started on a fresh profile is busy with itself for so long. */
const SETTLED_MS = 5000;
/** Minutes of music that a page keeps. */
const KEPT = 10;

/** @typedef {import('playwright-core').Page} Page */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const site = join(root, 'out/page-times-site');
console.log = () => {}; // the sizes of the page's files
await buildDemo(site);
const server = await serveFolder(site, { isolated: !values.plain });
const address = `${server.origin}/?model=${values.model}`;
const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`);
say(`load of the machine before: ${loadavg()[0].toFixed(2)}`);
/** @type {Record<string, unknown>} */
const figures = { model: values.model, load: loadavg()[0], webgpu: values.webgpu, threads: !values.plain };

/** Notes when the status line says something new, and every frame. @param {Page} page */
const watch = (page) =>
  page.addInitScript(() => {
    /** @type {[number, string][]} */
    const said = [];
    /** @type {number[]} */
    const frames = [];
    /** @type {[number, number][]} */
    const long = [];
    Object.assign(globalThis, { said, frames, long });
    addEventListener('DOMContentLoaded', () => {
      const line = /** @type {HTMLElement} */ (document.getElementById('status'));
      new MutationObserver(() => said.push([performance.now(), line.textContent ?? ''])).observe(line, {
        childList: true,
        characterData: true,
        subtree: true,
      });
      let last = performance.now();
      const frame = () => {
        const now = performance.now();
        if (frames.length < 1e4) frames.push(now - last); // those of an hour would be seen in its memory
        last = now;
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
      new PerformanceObserver((list) =>
        long.push(...list.getEntries().map(({ startTime, duration }) => /** @type {[number, number]} */ ([startTime, duration]))),
      ).observe({ type: 'longtask' });
    });
  });

/** Clicks and says when that was, in the page's time. @param {Page} page @param {string} selector @returns {Promise<number>} */
const press = (page, selector) =>
  page.evaluate((wanted) => {
    const element = /** @type {HTMLElement} */ (document.querySelector(wanted));
    const at = performance.now();
    element.click();
    return at;
  }, selector);

/** When the line first began so after a time. @param {Page} page @param {string} start @param {number} after @returns {Promise<number>} */
async function saidAt(page, start, after) {
  const found = await page.waitForFunction(
    ([text, from]) => {
      const { said } = /** @type {{ said: [number, string][] }} */ (/** @type {unknown} */ (globalThis));
      return said.find(([at, line]) => at >= Number(from) && line.startsWith(String(text)))?.[0];
    },
    [start, after],
    { timeout: SLOW, polling: 20 },
  );
  return /** @type {Promise<number>} */ (found.jsonValue());
}

/** Seconds from words that are typed to their sound, as the clock counts down. @param {Page} page @returns {Promise<number>} */
async function steered(page) {
  const asked = await page.evaluate(() => {
    const clock = /** @type {HTMLElement} */ (document.getElementById('time'));
    const changes = { announced: false, heard: 0 };
    Object.assign(globalThis, { changes });
    new MutationObserver(() => {
      const counts = /change/.test(clock.textContent ?? '');
      if (changes.announced && !counts) changes.heard ||= performance.now();
      changes.announced ||= counts;
    }).observe(clock, { childList: true, characterData: true, subtree: true });
    return performance.now();
  });
  await page.locator('#prompt').fill('hypnotic techno with synth bass, 128 bpm');
  const heard = await page.waitForFunction(
    () => /** @type {{ changes: { heard: number } }} */ (/** @type {unknown} */ (globalThis)).changes.heard,
    undefined,
    { timeout: SLOW, polling: 20 },
  );
  return (Number(await heard.jsonValue()) - asked) / 1000;
}

/** Frames of a while. @param {Page} page */
async function framesOf(page) {
  await page.evaluate(() => {
    const { frames, long } = /** @type {any} */ (globalThis);
    frames.length = long.length = 0;
  });
  await page.waitForTimeout(WATCHED_MS);
  const { frames, long } = await page.evaluate(() => {
    const { frames, long } = /** @type {{ frames: number[], long: [number, number][] }} */ (/** @type {unknown} */ (globalThis));
    return { frames: frames.slice(1), long: long.map(([, duration]) => duration) };
  });
  let now = 0;
  const late = frames.flatMap((took) => {
    now += took;
    return took > LATE_MS ? [`${Math.round(took)} ms at ${(now / 1000).toFixed(1)} s`] : [];
  });
  frames.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => Math.round(frames[Math.min(frames.length - 1, Math.floor(share * frames.length))]);
  return { frames: frames.length, median: at(0.5), p99: at(0.99), worst: at(1), longestTask: Math.round(Math.max(0, ...long)), late };
}

const ms = (/** @type {number} */ value) => `${Math.round(value)} ms`;

/** @type {object[]} */
const seen = [];
for (let i = 0; i < visits; i++) {
  const browser = await openBrowser({ webgpu: values.webgpu });
  const page = await browser.context.newPage();
  await watch(page);
  await page.waitForTimeout(SETTLED_MS);
  await page.goto(address, { waitUntil: 'commit' });
  await page.mouse.click(2, 2); // a person's press: the page may then sound
  await page.waitForFunction(() => document.querySelector('#pieces button'), undefined, { polling: 5 });
  const pressed = await press(page, '#pieces button');
  const ready = await saidAt(page, 'Playing', pressed);
  const drawnAtOnce = await framesOf(page); // what the press came before is read and shown meanwhile
  await press(page, '#stop');
  await page.locator('#play:enabled').waitFor();
  await saidAt(page, 'Playing', await press(page, '#pieces button'));
  const drawn = await framesOf(page);
  await press(page, '#stop');
  await page.locator('#play:enabled').waitFor();
  const asked = await press(page, '#play');
  const here = await saidAt(page, 'Getting the model ready', asked);
  const own = await saidAt(page, 'Playing', here);
  const making = await framesOf(page);
  const speed = await page.locator('#speed').textContent();
  const change = await steered(page);
  await browser.close();
  const visit = {
    toSoundOfReady: ready,
    pressToSoundOfReady: ready - pressed,
    downloadedToOwn: own - here,
    pressToOwn: own - asked,
    drawnAtOnce,
    drawn,
    making,
    speed,
    change,
  };
  seen.push(visit);
  say(
    `visit ${i + 1}: an example sounds ${ms(ready)} after the navigation (${ms(ready - pressed)} after its press); own music ${ms(own - here)} after the download (${speed}); a change is heard ${change.toFixed(1)} s after it was typed`,
  );
  say(`  frames while an example plays that was pressed as soon as it was offered: ${JSON.stringify(drawnAtOnce)};`);
  say(`  while it plays again: ${JSON.stringify(drawn)}; while music is made: ${JSON.stringify(making)}`);
}
figures.visits = seen;

/** PSS of all processes that this one started, in MB. */
function heldMb() {
  /** @type {Map<string, string[]>} */
  const children = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const parent = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) \S /s, '')
        .split(' ')[0];
      children.set(parent, [...(children.get(parent) ?? []), pid]);
    } catch {} // it ended meanwhile
  /** @param {string} pid @returns {string[]} */
  const all = (pid) => [pid, ...(children.get(pid) ?? []).flatMap(all)];
  let kb = 0;
  for (const pid of (children.get(String(process.pid)) ?? []).flatMap(all))
    try {
      kb += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
    } catch {}
  return Math.round(kb / 1000);
}

if (plays + minutes > 0) {
  const browser = await openBrowser({ webgpu: values.webgpu });
  const page = await browser.context.newPage();
  await watch(page);
  const devtools = await page.context().newCDPSession(page);
  const memory = async () => {
    await devtools.send('HeapProfiler.collectGarbage');
    const { usedSize } = await devtools.send('Runtime.getHeapUsage');
    const { nodes, jsEventListeners } = await devtools.send('Memory.getDOMCounters');
    return { heapMb: Number((usedSize / 1e6).toFixed(1)), heldMb: heldMb(), nodes, listeners: jsEventListeners };
  };
  await page.goto(address);
  await page.locator('#load:enabled').click();
  await page.getByText('Ready. Press Play.').waitFor({ timeout: SLOW });
  /** @type {object[]} */
  const after = [];
  for (let i = 1; i <= plays; i++) {
    // No field is typed into: for undo the browser keeps a node of each time, and the page's own nodes are to be seen.
    const asked = await page.evaluate(() => performance.now());
    await page.locator('#play').click();
    await saidAt(page, 'Playing', asked);
    await page.waitForTimeout(500);
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
    if (i % Math.ceil(plays / 10) > 0) continue;
    const now = { plays: i, ...(await memory()) };
    after.push(now);
    say(JSON.stringify(now));
  }
  figures.plays = after;
  /** @type {{ minute: number, heapMb: number, heldMb: number }[]} */
  const along = [];
  if (minutes > 0) await page.locator('#play').click();
  const begun = Date.now();
  for (let minute = 1; minute <= minutes; minute++) {
    await page.waitForTimeout(Math.max(0, begun + minute * 60_000 - Date.now()));
    const [time, gaps, speed] = await Promise.all(['time', 'gaps', 'speed'].map((id) => page.locator(`#${id}`).textContent()));
    const now = { minute, time, gaps, speed, ...(await memory()) };
    along.push(now);
    say(JSON.stringify(now));
  }
  figures.minutes = along;
  const from = along.find(({ minute }) => minute >= KEPT + (minutes - KEPT) / 4);
  const to = along.at(-1);
  if (from && to && to.minute > from.minute)
    say(`from minute ${from.minute} to ${to.minute}: ${from.heldMb} MB to ${to.heldMb} MB held, heap ${from.heapMb} MB to ${to.heapMb} MB`);
  await browser.close();
}
await server.close();
say(`load of the machine after: ${loadavg()[0].toFixed(2)}`);
if (values.out) writeFileSync(values.out, `${JSON.stringify({ ...figures, loadAfter: loadavg()[0] }, undefined, 2)}\n`);
