// A stream that goes back: what was made ahead and not heard is made again in another style, and the recipe makes all of it again.
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { type LoadOptions, MeLoDy } from '../../src/pipeline/melody.ts';
import type { MelodyEvent, StreamOptions, StyleOptions } from '../../src/pipeline/options.ts';
import { recipeOptions } from '../../src/pipeline/recipe.ts';
import type { MelodyStream, SteerTiming } from '../../src/pipeline/stream.ts';
import { TEST_CPU, TEST_GPU } from '../helpers/gpu.ts';

vi.setConfig({ testTimeout: 300_000 });

let melody: MeLoDy;
const load = (how: LoadOptions) => MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), how);
beforeAll(async () => {
  melody = await load(TEST_CPU);
});
afterAll(() => melody.dispose());

const RATE = 24_000;
const options = { prompt: 'calm piano in A minor, 96 bpm', seed: 3, steps: 1, durationSeconds: 9 } satisfies StreamOptions;
const techno = { prompt: 'techno, 140 bpm' };
const harp = { prompt: 'calm harp in C major', blend: { text: 'samba, 100 bpm', weight: 0.5 } };

interface Live {
  readonly style: StyleOptions;
  readonly timing?: SteerTiming;
}

/** Plays all of it, chunks over what they take the place of; `live`: what is steered when so many seconds were made, once each. */
async function play(
  wanted: StreamOptions,
  live: readonly (readonly [made: number, Live])[] = [],
  meanwhile?: (stream: MelodyStream) => void,
) {
  const events: MelodyEvent[] = [];
  const stream = melody.stream({
    ...wanted,
    onEvent: (event) => {
      events.push(event);
      if (event.type === 'progress' && event.stage === 'diffusion') meanwhile?.(stream);
    },
  });
  const samples = new Float32Array(RATE * 60);
  const starts: number[] = [];
  const todo = [...live];
  let end = 0;
  for await (const { channels, startSample } of stream) {
    expect(startSample).toBeLessThanOrEqual(end); // no gap
    samples.set(channels[0], startSample);
    starts.push(startSample);
    end = startSample + channels[0].length;
    if (todo.length && end >= todo[0][0] * RATE) {
      const [[, { style, timing }]] = todo.splice(0, 1);
      stream.steer(style, timing);
    }
  }
  expect(todo).toEqual([]);
  return { samples: samples.slice(0, end), recipe: stream.recipe, starts, events };
}
const again = (recipe: object) => recipeOptions(JSON.parse(JSON.stringify(recipe)));
/** The first sample at which two sounds differ by more than rounding. */
const parts = (a: Float32Array, b: Float32Array, by = 1e-5) => a.findIndex((v, i) => Math.abs(v - b[i]) > by);
const marksOf = (events: readonly MelodyEvent[]) => events.flatMap((event) => (event.type === 'beat' ? [event] : []));

it('drops what is not heard, at a second that it says, and its recipe makes the same samples as stream and as clip', async () => {
  const plain = await play(options);
  const live = await play(options, [[7, { style: techno, timing: { heardSeconds: 2 } }]]);
  expect(live.samples.length).toBe(9 * RATE);
  const [{ atSeconds, ...change }] = live.recipe.steered ?? [];
  expect(change).toEqual({ ...techno, anew: true });
  expect(atSeconds * 25).toBeCloseTo(Math.round(atSeconds * 25), 6); // that of a token
  const back = live.starts.findIndex((start, i) => i > 0 && start < live.starts[i - 1]);
  expect(live.starts[back]).toBeGreaterThan(2 * RATE); // what is heard stays
  expect(live.starts[back]).toBeLessThan(atSeconds * RATE);
  expect(live.starts[back]).toBeGreaterThan((atSeconds - 0.5) * RATE);
  // As it was up to there, and not much longer.
  const differs = parts(live.samples, plain.samples);
  expect(differs).toBeGreaterThanOrEqual(live.starts[back] - 1);
  expect(differs).toBeLessThan((atSeconds + 0.5) * RATE);
  const asked = live.events.filter(({ type }) => type === 'steered');
  expect(asked).toEqual([{ type: 'steered', steering: { ...change, atSeconds }, recipe: live.recipe }]);

  const made = await play(again(live.recipe));
  expect(made.samples).toEqual(live.samples);
  expect(made.recipe).toEqual(live.recipe);
  expect(made.starts.every((start, i) => i === 0 || start > made.starts[i - 1])).toBe(true); // known beforehand, nothing is given twice
  const clip = await melody.generate(again(live.recipe));
  expect(parts(clip.channels[0], live.samples, 0)).toBe(-1);
  // Beats go on from where they are, as those of a piece that was steered then from the start.
  const last = (events: readonly MelodyEvent[]) => marksOf(events).at(-1);
  expect(last(made.events)).toEqual(last(live.events));
  expect(clip.beats.at(-1)).toEqual(last(live.events));
  expect(last(live.events)).toMatchObject({ atSeconds, tempo: 140 });
});

it('goes back through several windows, again and again, past changes of its own and to those asked for beforehand', async () => {
  const steered = [
    { atSeconds: 2.2, prompt: 'jazz, 120 bpm' },
    { atSeconds: 10, prompt: 'rock, 150 bpm' },
  ];
  const live = await play({ ...options, durationSeconds: 11, steered }, [
    [6, { style: techno }],
    [8, { style: harp, timing: { heardSeconds: 3 } }],
    [8.5, { style: { prompt: 'house, 124 bpm' }, timing: { heardSeconds: () => 4.5 } }],
    [8.6, { style: { prompt: 'waltz' } }],
  ]);
  const texts = live.recipe.steered?.map(({ prompt, anew = false }) => [prompt, anew]);
  expect(texts?.[0]).toEqual(['jazz, 120 bpm', false]);
  expect(texts).toContainEqual(['house, 124 bpm', true]);
  expect(texts).toContainEqual(['rock, 150 bpm', false]);
  expect(texts).not.toContainEqual([techno.prompt, false]); // it began later than harp does
  const made = await play(again(live.recipe));
  expect(parts(made.samples, live.samples, 0)).toBe(-1);
  expect(made.recipe).toEqual(live.recipe);
});

it('breaks off the window that is being made; nothing of it is left', async () => {
  let steered = false;
  const live = await play(options, [], (stream) => {
    if (steered || stream.recipe.steered) return;
    steered = true;
    setTimeout(() => stream.steer(harp, { heardSeconds: 0 }));
  });
  expect(live.recipe.steered).toHaveLength(1);
  const made = await play(again(live.recipe));
  expect(parts(made.samples, live.samples, 0)).toBe(-1);
});

it('after given audio, without a level of its own, and as a part of an endless piece', async () => {
  const { samples: given } = await play({ ...options, durationSeconds: 3, loudness: null });
  const continueFrom = { channels: [given], sampleRate: RATE };
  const live = await play({ ...options, loudness: null, continueFrom, durationSeconds: 7 }, [
    [5, { style: harp, timing: { heardSeconds: 1 } }],
  ]);
  const made = await play({ ...again(live.recipe), continueFrom });
  expect(parts(made.samples, live.samples, 0)).toBe(-1);
  const endless = await play({ ...options, durationSeconds: 12 }, [[7, { style: techno, timing: { heardSeconds: 2 } }]]);
  const { channels } = await melody.generate({ ...again(endless.recipe), durationSeconds: 8, wholeWindows: true });
  expect(channels[0].length).toBe(8 * RATE);
  expect(parts(channels[0], endless.samples, 0)).toBe(-1);
});

it('on the adapter too', async () => {
  const cpu = melody;
  melody = await load(TEST_GPU);
  try {
    const short = { ...options, durationSeconds: 6 };
    const live = await play(short, [[4, { style: techno, timing: { heardSeconds: 1 } }]]);
    expect(live.recipe.executor).toBe('gpu');
    expect(live.recipe.steered).toMatchObject([{ anew: true }]);
    expect(parts((await play(again(live.recipe))).samples, live.samples, 0)).toBe(-1);
  } finally {
    melody.dispose();
    melody = cpu;
  }
});

it('too late, or at no time: it says so, and plays on', async () => {
  const short = { ...options, durationSeconds: 2 };
  const { samples, events } = await play(short, [[2, { style: techno, timing: { heardSeconds: 1.99 } }]]);
  expect(events).toContainEqual({ type: 'warning', code: 'ignored_control', message: expect.stringMatching(/after the end of the music/) });
  expect(samples).toEqual((await play(short)).samples);
  const stream = melody.stream(short);
  for (const heardSeconds of [Number.NaN, -1, '3' as never])
    expect(() => stream.steer(techno, { heardSeconds })).toThrow(/heardSeconds must be/);
  expect(() => stream.steer({ ...techno, anew: true } as never)).toThrow(/unknown option "anew"/);
  await expect(melody.generate({ ...short, steered: [{ ...techno, atSeconds: 1, anew: 3 as never }] })).rejects.toThrow(/anew must be/);
});
