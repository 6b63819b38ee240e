// A model's files in a real browser: fetched, checked, kept, used offline.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath } from '../../tools/chromium.mjs';
import { load, Site, SLOW, TINY, tinyWeights } from './site.ts';

describe.runIf(chromiumPath)('weights in Chromium', { timeout: SLOW }, () => {
  const site = new Site();
  beforeAll(() => site.open(), SLOW);
  afterAll(() => site.close(), SLOW);

  it('a changed file is refused, and not kept', async () => {
    site.corrupt = true;
    const page = await site.sessionPage();
    const { state, error } = await load(page);
    site.corrupt = false;
    expect(state).toBe('empty');
    expect(error).toMatchObject({
      code: 'weights',
      message: expect.stringMatching(/^model\.safetensors is not the file .*; got SHA-256 [0-9a-f]{64}/),
    });
    const { entries } = await page.evaluate(() => session.worker.stored());
    expect(entries.filter(({ address }) => address.endsWith('.safetensors'))).toEqual([]);
    await page.close();
  });

  it('without room they are held in memory, and the page says so', async () => {
    const page = await site.sessionPage();
    await page.evaluate(() => session.worker.remove());
    const devtools = await site.context.newCDPSession(page);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: site.origin, quotaSize: 300_000 });
    const { state, model, warnings } = await load(page);
    await devtools.send('Storage.overrideQuotaForOrigin', { origin: site.origin });
    expect({ state, kept: model?.kept, name: model?.name }).toEqual({ state: 'ready', kept: false, name: 'melody-tiny' });
    expect(warnings.join()).toMatch(/not kept.*no more storage/);
    await page.close();
  });

  it('are fetched with rising progress, listed, and used offline after a reload; removed, they are gone', async () => {
    const page = await site.sessionPage();
    await page.evaluate(() => session.worker.remove());
    const before = await page.evaluate((src) => session.worker.describe(src), TINY);
    expect(before).toMatchObject({ bytes: before.files.reduce((sum, { bytes }) => sum + bytes, 0), kept: 0 });
    expect(before.bytes).toBeGreaterThan(tinyWeights.length);
    expect(await load(page)).toMatchObject({ state: 'ready', model: { kept: true, software: true, sampleRate: 24000 } });
    const fetched = await page.evaluate(() => heard.fetched);
    expect(fetched.at(-1)).toBe(before.bytes);
    expect(fetched).toEqual([...fetched].sort((a, b) => a - b));
    await page.close();

    const again = await site.sessionPage();
    await again.evaluate(() => session.worker.stored()); // its worker answers: the site has sent the last script
    site.down = true;
    try {
      expect(await load(again)).toMatchObject({ state: 'ready', model: { name: 'melody-tiny', kept: true } });
    } finally {
      site.down = false;
    }
    expect(await again.evaluate((src) => session.worker.describe(src), TINY)).toMatchObject({ kept: before.bytes });
    expect(await again.evaluate(() => session.worker.remove())).toBeGreaterThanOrEqual(before.bytes);
    expect((await again.evaluate(() => session.worker.stored())).entries).toEqual([]);
    await again.close();
  });

  it('two players that load at once do not break each other’s download', async () => {
    const page = await site.sessionPage();
    const loaded = await page.evaluate(async (src) => {
      await session.worker.remove();
      const both = [session, newSession({})];
      await Promise.all(both.map((each) => each.load(src)));
      return both.map(({ snapshot }) => snapshot.error?.message ?? snapshot.model?.kept);
    }, TINY);
    expect(loaded).toEqual([true, true]);
    await page.close();
  });

  it('a broken-off download goes on where it was', async () => {
    const page = await site.sessionPage();
    const stopped = await page.evaluate(async (src) => {
      const { worker } = session;
      const abort = new AbortController();
      const first = worker.load(src, { signal: abort.signal, onFetching: ({ received }) => received > 0 && abort.abort() });
      const code = await first.then(
        () => 'loaded',
        (error) => error.code,
      );
      return { code, kept: (await worker.describe(src)).kept };
    }, TINY);
    expect(stopped.code).toBe('aborted');
    expect(stopped.kept).toBeGreaterThan(0);
    expect(await load(page)).toMatchObject({ state: 'ready' });
    await page.close();
  });
});
