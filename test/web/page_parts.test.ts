// Parts of the page that need no page.
import { expect, test } from 'vitest';
import { fileOf, History } from '../../demo/history.ts';
import { linkOf, pieceIn } from '../../demo/link.ts';
import { choose, type Offered } from '../../demo/models.ts';
import { changeIn, heardPrompt, statusOf } from '../../demo/status.ts';
import { Turns } from '../../demo/turns.ts';
import { clipOf, fetchingOf } from '../../demo/variations.ts';
import type { Recipe } from '../../src/index.ts';
import type { Snapshot } from '../../src/web/index.ts';

const [small, tiny] = [
  ['small', 24e6],
  ['tiny', 2e6],
].map(([name, bytes]) => ({ name, bytes, src: '', license: '', card: '', test: false }) as Offered);

test('a model is chosen by name, else by what the device has room for; a word says why where it is not the first', () => {
  const models = [small, tiny];
  const roomy = { memoryGb: 8, bufferBytes: 2 ** 28 };
  expect(choose(models, null, roomy)).toEqual({ model: small, why: '' });
  expect(choose(models, null, { ...roomy, memoryGb: undefined })).toEqual({ model: small, why: '' });
  expect(choose(models, null, { ...roomy, memoryGb: 1 }).model).toBe(small);
  expect(choose(models, 'tiny', roomy)).toEqual({ model: tiny, why: '' });
  expect(choose(models, 'small', { ...roomy, memoryGb: 0.25 }).model).toBe(small);
  expect(choose(models, 'x', roomy)).toEqual({ model: small, why: 'There is no model “x” here. small was chosen.' });
  for (const device of [
    { ...roomy, memoryGb: 0.5 },
    { ...roomy, bufferBytes: 2 ** 24 },
    { memoryGb: 0, bufferBytes: 0 },
  ])
    expect(choose(models, null, device)).toEqual({
      model: tiny,
      why: 'small may be too large for the memory of this device. tiny was chosen.',
    });
});

test('sounds are kept by how much they weigh, the newest always', () => {
  const history = new History();
  const minutes = (n: number) => ({ channels: [{ byteLength: 4 * n * 60 * 24_000 }], sampleRate: 24_000, recipe: {} }) as never;
  const kept = (lengths: number[]) => {
    history.clear();
    const ids = lengths.map((n, seed) => {
      const { id } = history.add({ prompt: 'x', seed }, '');
      history.keepSound(id, minutes(n));
      return id;
    });
    return ids.map((id) => history.sound(id) !== undefined);
  };
  expect(kept(Array(12).fill(0.5))).toEqual(Array(12).fill(true));
  expect(kept([10, 10, 10])).toEqual([false, true, true]);
  expect(kept([10, 0.5, 25])).toEqual([false, false, true]);
});

test('sound that no settings make again is kept when others go, and told of until it is saved', () => {
  const history = new History();
  const minutes = (n: number) => ({ channels: [{ byteLength: 4 * n * 60 * 24_000 }], sampleRate: 24_000, recipe: {} }) as never;
  const add = (n: number, given?: string) => {
    const { id } = history.add({ prompt: 'x', seed: 1, ...(given && { given }) }, '');
    history.keepSound(id, minutes(n));
    return id;
  };
  const made = add(5, 'made anew');
  const ids = [made, add(15), add(15), add(30, 'goes on'), add(25)];
  expect(ids.map((id) => history.sound(id) !== undefined)).toEqual([true, false, false, true, true]);
  expect(history.fleeting).toEqual([ids[3], made]);
  add(8, 'goes on'); // more of it than there is room for
  expect([history.sound(made), history.fleeting.includes(made)]).toEqual([undefined, false]);
});

test('pages of one browser share the list: none takes from it what another one wrote', () => {
  const store = new Map<string, string>();
  const before = Object.getOwnPropertyDescriptor(globalThis, 'localStorage');
  const localStorage = {
    getItem: (name: string) => store.get(name) ?? null,
    setItem: (name: string, value: string) => store.set(name, value),
  };
  Object.defineProperty(globalThis, 'localStorage', { value: localStorage, configurable: true, writable: true });
  try {
    const [one, two] = [new History(), new History()];
    const flute = two.add({ prompt: 'flute', seed: 1 }, '');
    one.add({ prompt: 'organ', seed: 2 }, '');
    const words = (history: History) => history.entries.map(({ prompt }) => prompt).sort();
    expect(words(new History())).toEqual(['flute', 'organ']);
    expect([two.refresh(), two.refresh(), words(two)]).toEqual([true, false, ['flute', 'organ']]);
    one.remove(flute.id);
    expect([words(one), words(new History())]).toEqual([['organ'], ['organ']]);
    two.add({ prompt: 'harp', seed: 3, given: 'made anew' }, '');
    two.add({ prompt: 'drums', seed: 4 }, ''); // what the other page removed does not come back with it
    expect([words(two), words(new History())]).toEqual([
      ['drums', 'harp', 'organ'],
      ['drums', 'organ'],
    ]);
    one.clear();
    expect(words(new History())).toEqual([]);
  } finally {
    if (before) Object.defineProperty(globalThis, 'localStorage', before);
    else Reflect.deleteProperty(globalThis, 'localStorage');
  }
});

test('the last turn counts: what waited before it never begins, what ran is told to end, a fault stops none', async () => {
  const turns = new Turns();
  const log: string[] = [];
  const until = (signal: AbortSignal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
  const first = turns.take(async (signal) => {
    log.push('first begins');
    await until(signal);
    log.push('first ends');
  });
  await Promise.resolve();
  await Promise.resolve();
  const second = turns.take(async () => void log.push('second'));
  const third = turns.take(async () => {
    log.push('third');
    throw new Error('broken');
  });
  await Promise.all([first, second]);
  await expect(third).rejects.toThrow('broken');
  await turns.take(async () => void log.push('fourth'));
  expect(log).toEqual(['first begins', 'first ends', 'third', 'fourth']);
});

test('a change is counted down to until it is heard', () => {
  const recipe = {
    steered: [
      { prompt: 'a', atSeconds: 5 },
      { prompt: 'b', atSeconds: 12.5 },
    ],
  } as unknown as Recipe;
  const at = (playedSeconds: number, more = {}) =>
    changeIn({ recipe, playedSeconds, madeSeconds: playedSeconds + 2, changeSeconds: undefined, ...more });
  expect([0, 4.2, 5, 12.4, 12.5].map((playedSeconds) => at(playedSeconds))).toEqual([5, 1, 8, 1, undefined]);
  expect(at(1, { recipe: undefined })).toBeUndefined();
  // A change that music asks for is in no recipe; one that is late is told of until it is made.
  expect(at(1, { recipe: undefined, changeSeconds: 3.5 })).toBe(3);
  expect(at(4, { recipe: undefined, changeSeconds: 3.5, madeSeconds: 3.5 })).toBe(0);
  expect(at(4, { recipe: undefined, changeSeconds: 3.5, madeSeconds: 5 })).toBeUndefined();
});

test('the words of what is heard are those of its last change', () => {
  const recipe = {
    steered: [
      { prompt: 'techno', atSeconds: 5 },
      { prompt: 'harp', atSeconds: 12.5 },
    ],
  } as unknown as Recipe;
  expect([4.9, 5, 12.5].map((playedSeconds) => heardPrompt({ recipe, playedSeconds }, 'piano'))).toEqual(['piano', 'techno', 'harp']);
  expect(heardPrompt({ recipe: undefined, playedSeconds: 9 }, 'piano')).toBe('piano');
  expect(heardPrompt({ recipe: undefined, playedSeconds: 0 }, undefined)).toBeUndefined();
});

test('before a piece is heard that will be too long to be saved whole, the page says so', () => {
  const saying = (durationSeconds?: number) =>
    statusOf({ state: 'buffering', underruns: 0, warnings: [], recipe: { ...(durationSeconds && { durationSeconds }) } } as never);
  expect(saying(600)).toBe('Making music.');
  expect(saying(601)).toBe('Making music. Save keeps its last ten minutes.');
  expect(saying()).toBe('Making music. Save keeps its last ten minutes.');
});

test('a piece that is all there is about to play, not made', () =>
  expect(statusOf({ state: 'buffering', complete: true, underruns: 0, warnings: [] } as never)).toBe('About to play.'));

test('a file without the beginning says so, and its recipe makes the piece to the end of the file', () => {
  const recipe = { seed: 7 } as Recipe;
  const sound = { channels: [new Float32Array(600)], sampleRate: 1, recipe };
  expect(fileOf(sound, 'piano')).toEqual({ recipe, title: 'piano' });
  expect(fileOf({ ...sound, startSeconds: 151.5 }, 'piano')).toEqual({
    recipe: { seed: 7, durationSeconds: 751.5, wholeWindows: true },
    title: 'piano (from 2:31 on)',
  });
});

test('a download that waits for its server says so, and how far it is once more comes', () => {
  const now = { state: 'loading', loading: { received: 3, total: 10 }, warnings: [] } as unknown as Snapshot;
  expect(statusOf({ ...now, waiting: false })).toBe('Loading: 30 %.');
  expect(statusOf({ ...now, waiting: true })).toBe('Waiting for the server, which is slow or gone.');
  expect(statusOf({ ...now, state: 'playing', waiting: true })).toBe('Playing.');
});

test('what is fetched of a model for other sound is told of as it comes', () => {
  const at = { type: 'download', file: 'a shard', total: 5_300_000 } as const;
  expect(fetchingOf({ ...at, received: 1_100_000 })).toBe('Fetching what listens to other sound: 20 %.');
  expect(fetchingOf({ ...at, received: at.total })).toBe('');
  expect(fetchingOf({ type: 'waiting', file: 'a shard' })).toBe('Waiting for the server, which is slow or gone.');
  expect(fetchingOf({ type: 'progress', stage: 'style', fraction: 0, etaSeconds: 1 })).toBe('');
});

test('the link of a variation makes the same music: it says how long its first window is', async () => {
  const recipe = { prompt: 'piano', seed: 8, durationSeconds: 10, firstWindowSeconds: 10 };
  const worker = { generate: async () => ({ channels: [], sampleRate: 1, recipe, beats: [] }) } as never;
  const made = (loop: boolean) =>
    clipOf(
      worker,
      { prompt: 'piano', seed: 8, ...(loop && { loop }) },
      new AbortController().signal,
      () => {},
      () => {},
    );
  const { settings } = await made(false);
  expect(settings).toEqual(recipe);
  expect(pieceIn(linkOf(settings, 'https://music.example/'))).toEqual(recipe);
  expect((await made(true)).settings).toEqual({ prompt: 'piano', seed: 8, loop: true, durationSeconds: 10 }); // it is made as a clip again
});
