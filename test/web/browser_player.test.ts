// Session and <melody-player> in a real browser, with a worker that makes no music (stub_worker.ts): presses at bad moments, faults, sound.
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chromiumPath } from '../../tools/chromium.mjs';
import { Site, SLOW } from './site.ts';

/** Seconds of waiting pass in tenths. */
const hurry = (page: Page) =>
  page.addInitScript(() => {
    const later = setTimeout;
    globalThis.setTimeout = ((then: () => void, ms: number) => later(then, ms > 1000 ? ms / 10 : ms)) as typeof setTimeout;
  });

/** Notes what the worker is asked, and every AudioContext; `locked` ones start by no call. */
const watch = (page: Page): Promise<unknown> =>
  page.addInitScript(() => {
    globalThis.asked = [];
    globalThis.contexts = [];
    globalThis.locked = false;
    const stub = new BroadcastChannel('stub');
    let heard = false;
    stub.onmessage = ({ data }) => {
      if (data.type === 'released') heard = true;
      else asked.push(data);
    };
    globalThis.release = () => {
      heard = false;
      const tell = () => {
        if (heard) return;
        if (asked.some(({ type }) => type === 'load')) stub.postMessage({ type: 'release' });
        setTimeout(tell, 10); // a worker whose script is still on its way hears nothing, and what is asked may be another page's
      };
      tell();
    };
    const { resume, suspend } = AudioContext.prototype;
    AudioContext.prototype.suspend = function () {
      asked.push({ type: 'suspend' });
      return suspend.call(this);
    };
    AudioContext.prototype.resume = function () {
      asked.push({ type: 'resume' });
      return locked ? new Promise(() => {}) : resume.call(this);
    };
    const Context = AudioContext;
    globalThis.AudioContext = class extends Context {
      constructor(options?: AudioContextOptions) {
        super(options);
        if (locked) void this.suspend();
        contexts.push(this);
      }
    };
  });

describe.runIf(chromiumPath)('the player without an engine', { timeout: SLOW }, () => {
  const site = new Site();
  let page: Page;
  const sessionPage = async (before = watch) => {
    page = await site.sessionPage('stub/session.html', before);
    await page.evaluate(() => session.load('any/'));
  };
  const players = async (before = watch) => {
    page = await site.visit('stub/', before);
  };
  const snapshot = () => page.evaluate(() => session.snapshot);
  const askedFor = (type: string) => page.evaluate((wanted) => asked.filter((request) => request.type === wanted), type);
  const until = (what: () => unknown) => page.waitForFunction(what, undefined, { polling: 20 });
  const button = (name: string) => page.getByRole('button', { name, exact: true });
  const status = (text: string | RegExp) => page.getByRole('status').filter({ hasText: text }).waitFor();
  const allClosed = () => until(() => contexts.length > 0 && contexts.every(({ state }) => state === 'closed'));

  beforeAll(() => site.open({ webgpu: false }), SLOW);
  afterEach(async () => {
    site.missing = undefined;
    await page.close();
  });
  afterAll(() => site.close(), SLOW);

  it('a pause while the sound device is opened is a pause', async () => {
    await sessionPage();
    await page.evaluate(() => {
      const playing = session.play({ prompt: 'calm piano' });
      void session.pause();
      return playing;
    });
    await until(() => session.snapshot.madeSeconds > 0 && contexts[0].state === 'suspended');
    await page.waitForTimeout(100); // for the last report
    const { state, playedSeconds } = await snapshot();
    expect(state).toBe('paused');
    expect(playedSeconds).toBeLessThan(0.3); // of a device that takes its time to stop
    await page.waitForTimeout(300);
    expect((await snapshot()).playedSeconds).toBe(playedSeconds);
    await page.evaluate(() => session.resume());
    await until(() => session.snapshot.playedSeconds > 0.5);
  });

  it('two presses at once open one sound device and make one piece', async () => {
    await sessionPage();
    await page.evaluate(() => Promise.all(['first', 'second'].map((prompt) => session.play({ prompt }))));
    await until(() => session.snapshot.playedSeconds > 0.1);
    expect(await page.evaluate(() => contexts.length)).toBe(1);
    expect(await askedFor('stream')).toMatchObject([{ options: { prompt: 'second' } }]);
  });

  it('the sound device is woken within the press itself, and rests after Stop', async () => {
    await sessionPage();
    const press = () =>
      page.evaluate(() => {
        const before = asked.length;
        const playing = session.play({ prompt: 'calm piano' });
        const woken = asked.slice(before).some(({ type }) => type === 'resume');
        return playing.then(() => woken);
      });
    for (let i = 0; i < 2; i++) {
      expect(await press()).toBe(true);
      await until(() => session.snapshot.playedSeconds > 0.1);
      await page.evaluate(() => session.stop());
      await until(() => contexts[0].state === 'suspended');
    }
    // Stopped before it was ready.
    await page.evaluate(() => Promise.all([session.play({ prompt: 'calm piano' }), session.stop()]));
    await until(() => contexts[0].state === 'suspended');
    expect(await askedFor('stream')).toHaveLength(2);
  });

  it('the sound device is not let go of between what is played at once', async () => {
    await sessionPage();
    const clip = () => page.evaluate(() => session.playClip([new Float32Array(96_000).fill(0.1)], 24_000, undefined));
    await page.evaluate(() => session.prepare(24_000, 1));
    await until(() => contexts[0]?.state === 'running');
    for (let i = 0; i < 3; i++) {
      await clip();
      await until(() => session.snapshot.playedSeconds > 0.1);
      await page.evaluate(() => session.stop());
    }
    await clip();
    await until(() => session.snapshot.playedSeconds > 0.1);
    expect(await askedFor('suspend')).toEqual([]);
    await page.evaluate(() => session.pause());
    const { playedSeconds } = await snapshot();
    await until(() => contexts[0].state === 'suspended');
    expect((await snapshot()).playedSeconds - playedSeconds).toBeLessThan(0.2); // the last report
  });

  it('while the last piece still ends, the next can be stopped and steered', async () => {
    await sessionPage();
    await page.evaluate(() => session.play({ prompt: 'slow to end' }));
    await until(() => session.snapshot.playedSeconds > 0.1);
    const next = await page.evaluate(async () => {
      const playing = session.play({ prompt: 'next' });
      const now = { ...session.snapshot, audio: session.audio() };
      await session.stop();
      await playing;
      return now;
    });
    expect(next).toMatchObject({ state: 'buffering', recipe: undefined, madeSeconds: 0, audio: undefined });
    expect(await snapshot()).toMatchObject({ state: 'ready' });
    expect(await askedFor('stream')).toHaveLength(1);

    await page.evaluate(() => session.play({ prompt: 'slow to end' }));
    await until(() => session.snapshot.playedSeconds > 0.1);
    await page.evaluate(() => {
      const playing = session.play({ prompt: 'next' });
      session.steer({ prompt: 'typed meanwhile' });
      return playing;
    });
    await until(() => asked.some(({ type }) => type === 'steer'));
    expect(await askedFor('steer')).toMatchObject([{ style: { prompt: 'typed meanwhile' } }]);
    expect((await askedFor('stream')).at(-1)).toMatchObject({ options: { prompt: 'next' } });
  });

  it('what is steered live stands in the recipe before what was planned for later', async () => {
    await sessionPage();
    await page.evaluate(() => session.play({ prompt: 'calm piano', steered: [{ prompt: 'planned', atSeconds: 60 }] }));
    await page.evaluate(() => session.steer({ prompt: 'live' }));
    await until(() => session.snapshot.recipe?.steered?.length === 2);
    expect((await snapshot()).recipe?.steered?.map(({ atSeconds }) => atSeconds)).toEqual([2.4, 60]);
  });

  it('a change that comes when all of a piece is made is told to be for the next, also in a pause', async () => {
    await sessionPage();
    const told = await page.evaluate(async () => {
      const listen = () => session.playClip([new Float32Array(24_000 * 20)], 24_000, undefined);
      const warned = () => {
        session.steer({ prompt: 'late' });
        return session.snapshot.warnings;
      };
      await listen();
      const playing = warned();
      await listen();
      const fresh = session.snapshot.warnings;
      await session.pause();
      return { playing, fresh, paused: warned() };
    });
    const warnings = ['The change is for the next piece: this one is all made'];
    expect(told).toEqual({ playing: warnings, fresh: [], paused: warnings });
    expect(await askedFor('steer')).toEqual([]);
  });

  it('what a change makes anew takes the place of what waited: heard, kept and counted; the old beat ends there', async () => {
    await sessionPage();
    await page.evaluate(() => session.play({ prompt: '90 bpm' }));
    await until(() => session.snapshot.madeSeconds >= 8 && session.snapshot.playedSeconds > 0.1);
    const { changeSeconds, madeSeconds, bufferedSeconds } = await page.evaluate(async () => {
      session.steer({ prompt: 'anew' });
      const changed = () => session.snapshot.changeSeconds !== undefined;
      while (!changed()) await new Promise((go) => setTimeout(go, 1));
      return session.snapshot;
    });
    expect(changeSeconds).toBeGreaterThan(2);
    expect(madeSeconds).toBeLessThanOrEqual((changeSeconds as number) + 1);
    expect(bufferedSeconds).toBeGreaterThan(0);
    await until(() => session.snapshot.playedSeconds > (session.snapshot.changeSeconds as number) + 1 && heard.peak > 0.35);
    // The player tells of a chunk a tenth of a second later.
    await until(() => Math.abs(session.snapshot.playedSeconds + session.snapshot.bufferedSeconds - session.snapshot.madeSeconds) < 0.05);
    const { audio, played } = await page.evaluate((seconds) => {
      const { channels, sampleRate } = session.audio() as { channels: Float32Array[]; sampleRate: number };
      const peak = (from: number, to: number) =>
        channels[0].subarray(from * sampleRate, to * sampleRate).reduce((a, b) => Math.max(a, b), 0);
      return {
        audio: { before: peak(0, seconds), after: peak(seconds, seconds + 1), length: channels[0].length / sampleRate },
        played: session.snapshot,
      };
    }, changeSeconds as number);
    expect(audio.before).toBeCloseTo(0.1, 2);
    expect(audio.after).toBeCloseTo(0.4, 2);
    expect(audio.length).toBeCloseTo(played.madeSeconds, 3);
    expect(played.underruns).toBe(0);
    expect(await page.evaluate(() => session.beats.length)).toBe(1); // it began before
  });

  it('loading that is called off while the model is opened stays off, and can be asked for anew', async () => {
    await sessionPage();
    const states = await page.evaluate(async () => {
      const opening = () => new Promise((resolve) => setInterval(() => session.snapshot.loading?.received === 1e6 && resolve(0), 10));
      const first = session.load('held/');
      await opening();
      session.cancelLoad();
      const { state } = session.snapshot;
      const again = session.load('held/');
      release();
      return [state, await first, session.snapshot.state, await again, session.snapshot.state];
    });
    expect(states).toEqual(['empty', false, 'loading', true, 'ready']);
    const order = (await page.evaluate(() => asked)).map(({ type }) => type);
    expect(order.slice(-4)).toEqual(['load', 'abort', 'unload', 'load']);
  });

  it('a server that is silent is told of, until something comes', async () => {
    await sessionPage();
    const told = await page.evaluate(async () => {
      const loading = session.load('quiet/held/');
      while (!session.snapshot.waiting) await new Promise((resolve) => setTimeout(resolve, 5));
      const { state } = session.snapshot;
      release();
      return [state, await loading, session.snapshot.waiting];
    });
    expect(told).toEqual(['loading', true, false]);
    await players();
    await page.evaluate(() => document.querySelector('melody-player')?.setAttribute('src', 'quiet/held/'));
    await button('Play: calm piano').click();
    await status('Waiting for the server');
    await page.evaluate(() => release());
    await button('Pause: calm piano').waitFor();
  });

  it('a folder is loaded by one session at a time', async () => {
    await sessionPage();
    const loads = await page.evaluate(async () => {
      const count = () => asked.filter(({ type }) => type === 'load').length;
      const before = count();
      const other = newSession({});
      const first = session.load('held/');
      const second = other.load('held');
      await new Promise((resolve) => setTimeout(resolve, 300));
      const meanwhile = count() - before;
      release();
      const loaded = [await first, await second];
      while (count() - before < 2) await new Promise((resolve) => setTimeout(resolve, 5)); // what a worker was asked is told by a channel of its own
      return [meanwhile, ...loaded];
    });
    expect(loads).toEqual([1, true, true]);
  });

  it('the browser is asked to keep what is kept, and only that', async () => {
    await sessionPage(async (tab) => {
      await watch(tab);
      await tab.addInitScript(() => {
        StorageManager.prototype.persist = async () => !!asked.push({ type: 'persist' });
      });
    });
    await until(() => session.snapshot.state === 'ready');
    await page.evaluate(() => session.load('any/', { keep: false }));
    expect(await askedFor('persist')).toHaveLength(1);
  });

  it('a sound device that starts late is told of until it does; one that is taken away is asked for again', async () => {
    await sessionPage((tab) => Promise.all([watch(tab), hurry(tab)]));
    const told = () => until(() => session.snapshot.warnings.some((text) => text.startsWith('No sound comes out')));
    await page.evaluate(() => {
      locked = true;
      return session.play({ prompt: 'calm piano' });
    });
    await told();
    await page.evaluate(() => {
      locked = false;
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await until(() => session.snapshot.playedSeconds > 0.1 && session.snapshot.warnings.length === 0);
    await page.evaluate(() => contexts[0].suspend());
    await until(() => contexts[0].state === 'running');
    await page.evaluate(() => {
      locked = true;
      return contexts[0].suspend();
    });
    await told();
    await page.evaluate(async () => {
      locked = false;
      await session.pause();
      session.resume();
    });
    await until(() => contexts[0].state === 'running' && session.snapshot.warnings.length === 0);
    await page.evaluate(() => session.pause());
    await until(() => contexts[0].state === 'suspended');
    await page.waitForTimeout(100);
    expect(await page.evaluate(() => contexts[0].state)).toBe('suspended'); // as the listener wants it
  });

  it('an element that is moved plays on; one that is removed is silent, and ready to play again', async () => {
    await players();
    const [first, second] = ['calm piano', 'fast techno'];
    await button(`Play: ${first}`).click();
    await button(`Pause: ${first}`).waitFor();
    await until(() => contexts.at(-1)?.state === 'running');
    await page.evaluate(() => document.body.append(document.querySelector('melody-player') as Element));
    await page.waitForTimeout(100); // for what might come of it
    await button(`Pause: ${first}`).waitFor();
    expect(await page.evaluate(() => contexts.map(({ state }) => state))).toContain('running');
    await page.evaluate(() => {
      const element = document.querySelector('melody-player[prompt="calm piano"]') as Element;
      element.remove();
      setTimeout(() => document.body.append(element));
    });
    await allClosed();
    await button(`Play: ${first}`).waitFor();
    expect(await page.getByRole('button', { name: 'Stop' }).count()).toBe(0);
    // And one that goes while its sound device is opened.
    await page.evaluate(() => {
      const element = document.querySelector('melody-player') as HTMLElement;
      element.addEventListener('melodychange', (event) => (event as CustomEvent).detail.state === 'buffering' && element.remove());
    });
    await button(`Play: ${second}`).click();
    await until(() => document.querySelectorAll('melody-player').length === 1);
    await allClosed();
    await button(`Play: ${first}`).click();
    await button(`Pause: ${first}`).waitFor();
  });

  it('an element’s Cancel holds while the model is opened; focus stays when Stop goes', async () => {
    await players();
    await page.evaluate(() => document.querySelector('melody-player')?.setAttribute('src', 'held/'));
    await button('Play: calm piano').click();
    await status('Getting ready');
    await button('Cancel: calm piano').click();
    await button('Play: calm piano').waitFor();
    await page.evaluate(() => release());
    await until(() => asked.some(({ type }) => type === 'unload'));
    expect(await askedFor('stream')).toEqual([]);
    await button('Play: calm piano').click();
    await button('Stop: calm piano').press('Enter');
    await button('Play: calm piano').waitFor();
    expect(await page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.textContent)).toBe('Play');
  });

  it('a script that is missing, or of another site, is told of at each press, and the next press tries again', async () => {
    await players();
    site.missing = /melody-worker/;
    await button('Play: calm piano').click();
    await status('script could not be read');
    site.missing = /melody-worklet/;
    await button('Play: calm piano').click();
    await status('plays sound could not be used');
    await button('Play: calm piano').click();
    await until(() => contexts.filter(({ sampleRate }) => sampleRate === 24_000).length === 2);
    await allClosed();
    site.missing = undefined;
    await button('Play: calm piano').click();
    await button('Pause: calm piano').waitFor();
    await until(() => contexts.at(-1)?.state === 'running');
    // Until its line says nothing more: what it says moves the other player's button, and a press that begins on one place ends on another.
    await until(() => document.querySelector('melody-player')?.session?.snapshot.state === 'playing');
    await page.evaluate(() => {
      document.querySelectorAll('melody-player')[1].setAttribute('src', 'other/'); // a worker of its own
      globalThis.Worker = class {
        constructor() {
          throw new DOMException('not from here', 'SecurityError');
        }
      } as unknown as typeof Worker;
    });
    await button('Play: fast techno').click();
    await status(/could not be started: SecurityError.*must lie beside melody-player.js/);
    const asked = await page.evaluate(() => {
      const second = document.querySelectorAll('melody-player')[1];
      let told = 0;
      second.addEventListener('error', () => told++);
      return second.play().then(
        () => 'played',
        (error) => [error.code, error === second.error, told],
      );
    });
    expect(asked).toEqual(['io', true, 1]); // as that of <audio> it says that nothing plays
    site.missing = /melody-worklet/;
    const silent = await page.evaluate(async () => {
      const player = Object.assign(document.createElement('melody-player'), { prompt: 'silent' });
      player.setAttribute('src', document.querySelector('melody-player')?.getAttribute('src') ?? '');
      document.body.append(player);
      const before = player.error;
      return [before, await player.play().catch((error) => error.message), player.error?.code];
    });
    expect(silent).toEqual([null, expect.stringContaining('plays sound could not be used'), 'io']);
    site.missing = undefined;
  });

  it('players share one worker and its model, one sounds at a time, and they are used as <audio> is', async () => {
    await players();
    const told = await page.evaluate(async () => {
      const [first, second] = document.querySelectorAll('melody-player');
      const told: string[] = [];
      for (const type of ['play', 'playing', 'pause', 'volumechange'])
        document.body.addEventListener(type, ({ target }) => told.push(`${type} ${(target as HTMLElement).getAttribute('prompt')}`));
      const sounds = (player: HTMLElement) => new Promise((resolve) => player.addEventListener('playing', resolve, { once: true }));
      const state = () => [first.paused, second.paused];
      const states = [state()];
      let heard = sounds(first);
      await first.play();
      await heard;
      states.push(state());
      heard = sounds(second);
      await second.play();
      await heard;
      states.push(state());
      second.steer({ prompt: 'faster techno' });
      second.muted = true;
      second.volume = 0.5;
      await second.stop();
      states.push(state());
      const { duration, currentTime } = second;
      const refused = (() => {
        try {
          second.volume = 2;
        } catch (error) {
          return (error as Error).name;
        }
        return 'nothing';
      })();
      return {
        told,
        states,
        duration,
        currentTime,
        refused,
        prompt: second.prompt,
        same: first.session?.worker === second.session?.worker,
      };
    });
    expect(told).toMatchObject({ duration: Infinity, refused: 'RangeError', prompt: 'faster techno', same: true });
    expect(told.states).toEqual([
      [true, true],
      [false, true],
      [true, false],
      [true, true],
    ]);
    expect(told.told).toEqual([
      'play calm piano',
      'playing calm piano',
      'pause calm piano',
      'play fast techno',
      'playing fast techno',
      'volumechange faster techno',
      'volumechange faster techno',
      'pause faster techno',
    ]);
    expect(await askedFor('load')).toHaveLength(1);
    expect(await askedFor('steer')).toMatchObject([{ style: { prompt: 'faster techno' } }]);
  });

  it('an element tells beats and bars as they are heard, on the clock of its context', async () => {
    await players();
    const told = await page.evaluate(async () => {
      const [player] = document.querySelectorAll('melody-player');
      player.prompt = '240 bpm';
      const told: { type: string; beat: number; bar: number; time: number; late: number }[] = [];
      const enough = new Promise<void>((resolve) => {
        const hear = ({ type, detail: { beat, bar, time } }: CustomEvent) => {
          const { currentTime = 0 } = player.context ?? {};
          told.push({ type, beat, bar, time, late: currentTime - time });
          if (beat === 5) resolve();
        };
        for (const type of ['beat', 'bar']) document.addEventListener(type, hear as unknown as EventListener);
      });
      await player.play();
      await enough;
      await player.stop();
      return told;
    });
    const of = (wanted: string) => told.filter(({ type }) => type === wanted);
    expect([...new Set(of('beat').map(({ beat }) => beat))]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...new Set(of('bar').map(({ bar }) => bar))]).toEqual([0, 1, 2]);
    const [first] = told;
    for (const { beat, time, late } of told) {
      // A busy machine may leave a gap in the music, and what follows is later by it; pulse.test.ts holds the times without gaps.
      expect(time - first.time).toBeGreaterThan(beat * 0.25 - 5e-4);
      expect(late).toBeGreaterThan(-0.05); // never before it sounds
    }
  });

  it('a beat that falls while a pause fades out is told', async () => {
    await sessionPage();
    const beats = await page.evaluate(async () => {
      const beats: { beat: number; next: number }[] = [];
      const other = newSession({ onBeat: ({ beat, next }) => beats.push({ beat, next }) });
      await other.load('any/');
      await other.play({ prompt: '120 bpm' });
      for (let round = 0; round < 4; round++) {
        const before = beats.length;
        while (beats.length < before + 2) await new Promise((resolve) => setTimeout(resolve, 5));
        const time = () => other.context?.currentTime ?? 0;
        const next = beats.at(-1)?.next ?? 0;
        while (time() < next - 0.03) await new Promise((resolve) => setTimeout(resolve, 2));
        await other.pause();
        await new Promise((resolve) => setTimeout(resolve, 200));
        other.resume();
      }
      await new Promise((resolve) => setTimeout(resolve, 700));
      await other.dispose();
      return beats.map(({ beat }) => beat);
    });
    expect(beats.length).toBeGreaterThan(8);
    expect(beats).toEqual(beats.map((_, i) => i));
  });

  it('an element without controls is not seen, and starts by itself where autoplay says so', async () => {
    await players();
    await page.evaluate(() => {
      const player = document.createElement('melody-player');
      for (const [name, value] of Object.entries({ prompt: 'bells', src: 'any/', autoplay: '', id: 'self' }))
        player.setAttribute(name, value);
      document.body.append(player);
    });
    await page.mouse.click(2, 2);
    await until(() => (document.getElementById('self') as HTMLElementTagNameMap['melody-player']).currentTime > 0);
    expect(await page.getByRole('button', { name: /bells/ }).count()).toBe(0);
    await page.evaluate(() => document.getElementById('self')?.toggleAttribute('controls', true));
    await button('Pause: bells').waitFor();
    expect(
      await page.evaluate(() =>
        [...(document.getElementById('self')?.shadowRoot?.querySelectorAll('[part]') ?? [])].map(({ part }) => part.value),
      ),
    ).toEqual(['row', 'play', 'stop', 'status']);
  });

  it('a session plays in the page’s own context of another rate, and into its nodes; it seeks and loops what it keeps', async () => {
    await sessionPage();
    const result = await page.evaluate(async () => {
      const context = new AudioContext({ sampleRate: 44_100 });
      const meter = new AnalyserNode(context, { fftSize: 2048 });
      const other = newSession({ destination: meter, record: true, startSeconds: 0.1 });
      const until = async (what: () => boolean) => {
        while (!what()) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      await other.playClip([new Float32Array(24_000 * 3).fill(0.5)], 24_000, undefined);
      await until(() => other.snapshot.playedSeconds > 0.3);
      const level = new Float32Array(2048);
      meter.getFloatTimeDomainData(level);
      const loud = level.reduce((max, value) => Math.max(max, value));
      other.seek(2.5);
      other.loop = true;
      await until(() => other.snapshot.playedSeconds > 2.5);
      await until(() => other.snapshot.playedSeconds < 1); // it began again
      other.volume /= 2;
      await until(() => {
        meter.getFloatTimeDomainData(level);
        return level.every((value) => Math.abs(value) <= 0.252);
      });
      const half = level.reduce((max, value) => Math.max(max, value));
      await context.suspend(); // a game that pauses: the player leaves it so
      await new Promise((resolve) => setTimeout(resolve, 4500)); // longer than silence is waited for
      const suspended = [context.state, other.snapshot.warnings];
      const held = other.snapshot.playedSeconds;
      await context.resume();
      await until(() => Math.abs(other.snapshot.playedSeconds - held) > 0.1);
      await other.pause();
      await until(() => other.snapshot.state === 'paused');
      const { state } = context;
      await other.dispose();
      return {
        level: loud,
        half,
        volume: other.volume,
        suspended,
        state,
        after: context.state,
        same: other.output?.context === context,
      };
    });
    // What fails while a part is heard again and again is told, and the part goes on; without it what was made is heard to its end.
    const broken = await page.evaluate(async () => {
      const until = async (what: () => boolean) => {
        while (!what()) await new Promise((resolve) => setTimeout(resolve, 20));
      };
      await session.play({ prompt: 'breaks' });
      await until(() => session.snapshot.madeSeconds >= 1);
      session.region = { start: 0.2, end: 0.7 };
      await until(() => session.snapshot.error !== undefined);
      const { state, madeSeconds } = session.snapshot;
      await new Promise((resolve) => setTimeout(resolve, 200));
      const { playedSeconds } = session.snapshot;
      session.region = undefined;
      session.seek(madeSeconds - 0.4);
      await until(() => session.snapshot.state === 'ready');
      return { state, madeSeconds, playedSeconds, error: session.snapshot.error?.message, end: session.snapshot.playedSeconds };
    });
    expect(broken).toMatchObject({ state: 'playing', madeSeconds: 3, error: expect.stringContaining('it broke') });
    expect(broken.playedSeconds).toBeLessThan(0.75);
    expect(broken.end).toBeCloseTo(3, 1);
    expect(result.level).toBeCloseTo(0.5, 2);
    expect(result.half).toBeCloseTo(0.25, 2);
    expect(result).toMatchObject({ state: 'running', after: 'running', same: true, volume: 0.5, suspended: ['suspended', []] });
  });

  it('a session that is disposed of while it sounds fades out, and leaves nothing in the page’s own context', async () => {
    await sessionPage();
    const { edge, loud, alive } = await page.evaluate(async () => {
      const { tap, heard } = await openTap();
      const told: string[] = [];
      const { postMessage } = MessagePort.prototype;
      MessagePort.prototype.postMessage = function (this: MessagePort, message: { type: string }, ...rest: never[]) {
        told.push(message.type);
        return postMessage.call(this, message, ...rest);
      } as typeof postMessage;
      const other = newSession({ destination: tap, startSeconds: 0.1 });
      await other.playClip([new Float32Array(48_000 * 3).fill(0.5)], 48_000, undefined);
      while (other.snapshot.playedSeconds < 0.5) await new Promise((resolve) => setTimeout(resolve, 20));
      await other.dispose();
      await new Promise((resolve) => setTimeout(resolve, 300));
      const steps = heard.slice(heard.indexOf(0.5) + 1).map((value, i, rest) => Math.abs(value - (rest[i - 1] ?? 0.5)));
      return { edge: Math.max(...steps), loud: Math.max(...heard), alive: told.at(-1) };
    });
    expect(loud).toBeCloseTo(0.5, 2);
    expect(edge).toBeLessThan(0.02); // −34 dB; cut off it was 0.5
    expect(alive).toBe('close');
  });

  it('a jump to another place, a pause and going on have no edge', async () => {
    await sessionPage();
    const { edge, low } = await page.evaluate(async () => {
      const { tap, heard } = await openTap();
      const other = newSession({ destination: tap, record: true, startSeconds: 0.1 });
      await other.playClip([Float32Array.from({ length: 48_000 * 4 }, (_, i) => (i < 96_000 ? 0.5 : -0.5))], 48_000, undefined);
      while (other.snapshot.playedSeconds < 0.3) await new Promise((resolve) => setTimeout(resolve, 20));
      const from = heard.length;
      other.seek(2.5);
      while (other.snapshot.playedSeconds < 2.8) await new Promise((resolve) => setTimeout(resolve, 20));
      await other.pause();
      other.resume();
      while (other.snapshot.playedSeconds < 3) await new Promise((resolve) => setTimeout(resolve, 20));
      await other.dispose();
      await new Promise((resolve) => setTimeout(resolve, 100));
      const steps = heard.slice(from).map((value, i) => Math.abs(value - (heard[from + i - 1] ?? 0)));
      return { edge: Math.max(...steps), low: Math.min(...heard) };
    });
    expect(low).toBeCloseTo(-0.5, 2);
    expect(edge).toBeLessThan(0.02); // cut hard it was 1
  });

  it('a piece that loops goes on with its first sample right after its last', async () => {
    await sessionPage();
    const { gaps, heard } = await page.evaluate(async () => {
      const { tap, heard } = await openTap();
      const other = newSession({ destination: tap, record: true, startSeconds: 0.1 });
      other.loop = true;
      await other.playClip([Float32Array.from({ length: 24_000 }, (_, i) => 0.25 + i / 96_000)], 48_000, undefined); // 0.25 to 0.5
      while (heard.filter((value) => value > 0.499).length < 4 * 96) await new Promise((resolve) => setTimeout(resolve, 20));
      await other.dispose();
      const from = heard.findIndex((value) => value > 0.499); // the end of the first round
      const rounds = heard.slice(
        from,
        heard.findLastIndex((value) => value > 0.499),
      );
      return { gaps: rounds.filter((value) => value < 0.249).length, heard: rounds.length };
    });
    expect(heard).toBeGreaterThan(2 * 24_000);
    expect(gaps).toBe(0); // 1600 samples of silence stood there, 33 ms
  });

  it('an element with loop tells of no end when its piece begins again, as <audio> does', async () => {
    await players();
    const told = await page.evaluate(async () => {
      const [player] = document.querySelectorAll('melody-player');
      player.loop = true;
      await player.play();
      const told: string[] = [];
      for (const type of ['play', 'pause', 'ended'] as const) player.addEventListener(type, () => told.push(type));
      let rounds = 0;
      let before = 0;
      player.addEventListener('melodychange', ({ detail: { playedSeconds } }) => {
        if (playedSeconds < before) rounds++;
        before = playedSeconds;
      });
      await player.session?.playClip([new Float32Array(24_000).fill(0.1)], 24_000, undefined);
      while (rounds < 3) await new Promise((resolve) => setTimeout(resolve, 20)); // the first is the new piece
      const looped = told.splice(0);
      player.loop = false;
      await new Promise((resolve) => player.addEventListener('ended', resolve));
      return { looped, told };
    });
    expect(told).toEqual({ looped: [], told: ['ended'] });
  });

  it('what is asked to play while its model is preloaded plays once that is here; a pause calls it off', async () => {
    await players();
    const made = await page.evaluate(async () => {
      const [player] = document.querySelectorAll('melody-player');
      player.remove();
      for (const [name, value] of Object.entries({ src: 'held/', preload: 'auto' })) player.setAttribute(name, value);
      document.body.append(player);
      const preloaded = [player.session?.snapshot.state, player.paused];
      Object.assign(globalThis, { playing: player.play().then(() => player.session?.snapshot.state), again: player.play() });
      const wanted = player.paused;
      player.pause();
      const off = player.paused;
      void player.play();
      return { preloaded, wanted, off };
    });
    expect(made).toEqual({ preloaded: ['loading', true], wanted: false, off: true });
    await page.evaluate(() => release());
    await until(() => (document.querySelectorAll('melody-player')[1] as HTMLElementTagNameMap['melody-player']).currentTime > 0);
    expect(await page.evaluate(() => (globalThis as unknown as { playing: Promise<string> }).playing)).toBe('buffering');
    expect(await askedFor('load')).toHaveLength(1);
    expect(await askedFor('stream')).toHaveLength(1);
    // Paused while it was loaded, it is silent when it is there.
    const silent = await page.evaluate(async () => {
      const [player] = document.querySelectorAll('melody-player');
      const playing = player.play();
      player.pause();
      await playing;
      return [player.session?.snapshot.state, player.paused];
    });
    expect(silent).toEqual(['ready', true]);
    expect(await askedFor('stream')).toHaveLength(1);
  });

  it('a part of what is kept is sent to the sound without the rest', async () => {
    await sessionPage();
    const sent = await page.evaluate(async () => {
      const sizes: number[][] = [];
      const { postMessage } = MessagePort.prototype;
      MessagePort.prototype.postMessage = function (message, ...more) {
        for (const { buffer, length } of message.channels ?? []) sizes.push([length, buffer.byteLength / 4]);
        (postMessage as (...all: unknown[]) => void).call(this, message, ...more);
      };
      await session.playClip([new Float32Array(240_000)], 24_000, undefined);
      session.seek(9);
      MessagePort.prototype.postMessage = postMessage;
      return { sizes, kept: session.audio()?.channels[0].length };
    });
    expect(sent).toEqual({
      sizes: [
        [240_000, 240_000],
        [24_000, 24_000],
      ],
      kept: 240_000,
    });
  });

  it('an element whose press opened the sound waits for no other one, however long its model was on the way', async () => {
    await players();
    await page.evaluate(() => document.querySelector('melody-player')?.setAttribute('src', 'held/stereo/'));
    await button('Play: calm piano').click();
    await until(() => contexts[0]?.state === 'running');
    await page.evaluate(() => {
      locked = true; // a new one would not start any more
      release();
    });
    await until(() => (document.querySelector('melody-player')?.currentTime ?? 0) > 0);
    expect(await page.evaluate(() => contexts.length)).toBe(1);
  });

  it('an element says warnings and gaps, and waits for a press where the old one no longer opens the sound', async () => {
    await players((tab) => Promise.all([watch(tab), hurry(tab)]));
    await page.evaluate(() => {
      locked = true;
      document.querySelector('melody-player')?.setAttribute('prompt', 'zither, gaps');
    });
    await button('Play: zither, gaps').click();
    await status('Ready: press Play');
    expect(await askedFor('stream')).toEqual([]);
    await page.evaluate(() => {
      locked = false;
    });
    await button('Play: zither, gaps').click();
    await status('No music with “zither” was heard in training.');
    await status('Making more music. No music with');
  });
});

declare global {
  var asked: { readonly type: string }[];
  var contexts: AudioContext[];
  var locked: boolean;
  var release: () => void;
}
