// A style that changes along the music: steered live, asked for beforehand, and made again from the recipe.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { MelodyEvent, Steering, StreamOptions, StyleOptions } from '../../src/pipeline/options.ts';
import { recipeOptions } from '../../src/pipeline/recipe.ts';
import { TEST_CPU } from '../helpers/gpu.ts';

vi.setConfig({ testTimeout: 180_000 });

let melody: MeLoDy;
beforeAll(async () => {
  melody = await MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), TEST_CPU);
});
afterAll(() => melody.dispose());

const options = { prompt: 'calm piano in A minor, 96 bpm', seed: 3, steps: 1, durationSeconds: 9 } satisfies StreamOptions;
const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i])), a.length === b.length ? 0 : Infinity);

/** Plays all of it; `live` steers when so many chunks were heard. */
async function play(wanted: StreamOptions, live: Readonly<Record<number, StyleOptions>> = {}) {
  const events: MelodyEvent[] = [];
  const stream = melody.stream({ ...wanted, onEvent: (event) => events.push(event) });
  const chunks: Float32Array[] = [];
  for await (const { channels } of stream) {
    chunks.push(channels[0]);
    const change = live[chunks.length];
    if (change) stream.steer(change);
  }
  const decided = events.flatMap((event) => (event.type === 'decided' ? [event.text] : []));
  return { samples: Float32Array.from(chunks.flatMap((chunk) => [...chunk])), recipe: stream.recipe, events, decided, chunks };
}

const techno = { prompt: 'techno, 140 bpm' };
const harp = { prompt: 'techno, 140 bpm', blend: { text: 'calm harp in C major', weight: 0.5 } };

describe('what was steered live', () => {
  it('stands in the recipe at the start of a window, is told as an event, and makes the same bytes again as a stream', async () => {
    const live = await play(options, { 1: techno, 2: harp });
    const { steered = [] } = live.recipe;
    expect(steered).toEqual([
      { ...techno, atSeconds: expect.any(Number) },
      { ...harp, atSeconds: expect.any(Number) },
    ]);
    for (const { atSeconds } of steered) expect(atSeconds / 0.8).toBeCloseTo(Math.round(atSeconds / 0.8), 6); // windows begin with chunks
    expect(steered[1].atSeconds).toBeGreaterThan(steered[0].atSeconds);
    expect(live.events.filter(({ type }) => type === 'steered')).toMatchObject(steered.map((steering) => ({ type: 'steered', steering })));
    expect(live.events.findLast(({ type }) => type === 'steered')).toMatchObject({ recipe: live.recipe });
    const again = await play(recipeOptions(JSON.parse(JSON.stringify(live.recipe))));
    expect(again.samples).toEqual(live.samples);
    expect(again.recipe).toEqual(live.recipe);
    expect(again.decided).toEqual(live.decided);
    expect(worst(live.samples, (await play(options)).samples)).toBeGreaterThan(1e-3);
  });

  it('and as a finished clip', async () => {
    const live = await play(options, { 1: techno, 2: harp });
    const events: string[] = [];
    const clip = await melody.generate({
      ...recipeOptions(live.recipe),
      onEvent: (event) => event.type === 'decided' && events.push(event.text),
    });
    expect(worst(clip.channels[0], live.samples)).toBeLessThanOrEqual(1e-4);
    expect(events).toEqual(live.decided);
    expect({ ...clip.recipe, decided: undefined }).toEqual({ ...live.recipe, decided: undefined });
  });

  it('joins what was asked for beforehand in order of time', async () => {
    const { recipe, chunks } = await play(
      {
        ...options,
        steered: [
          { atSeconds: 1, ...techno },
          { atSeconds: 5, ...harp },
        ],
      },
      { 2: { prompt: 'rock' } },
    );
    expect(recipe.steered?.map(({ prompt }) => prompt)).toEqual([techno.prompt, 'rock', harp.prompt]);
    expect(chunks.length).toBeGreaterThan(3);
    expect((await play(recipeOptions(recipe))).recipe).toEqual(recipe);
  });

  it('as music does not enter the recipe', async () => {
    const tone = { channels: [Float32Array.from({ length: 48_000 }, (_, i) => 0.3 * Math.sin(i / 20))], sampleRate: 24_000 };
    const { recipe, samples } = await play(options, { 1: { promptAudio: tone } });
    expect(recipe.steered).toBeUndefined();
    expect(worst(samples, (await play(options)).samples)).toBeGreaterThan(1e-3);
  });
});

describe('asked for beforehand', () => {
  it('tempo, key and metre hold until others are given; a change behind the end changes nothing', async () => {
    const steered: Steering[] = [
      { atSeconds: 2, prompt: 'rock in C major, 150 bpm' },
      { atSeconds: 4, prompt: 'rock in D minor, 150 bpm', key: 'F major' },
      { atSeconds: 5, prompt: 'calm harp in G major' },
      { atSeconds: 500, prompt: 'samba' },
    ];
    const { decided, samples } = await play({ ...options, tempo: 100, steered });
    expect(decided.map((text) => text.split(', ').slice(0, 2).join(', '))).toEqual([
      '100 bpm, A minor',
      '100 bpm, C major',
      '100 bpm, F major',
      '100 bpm, F major',
    ]);
    const clip = await melody.generate({ ...options, tempo: 100, steered, firstWindowSeconds: 0.8, runningLevel: true });
    expect(worst(clip.channels[0], samples)).toBeLessThanOrEqual(1e-4);
  });

  it('from the token on that is due, within a window too; earlier windows are as without it', async () => {
    const make = async (...steered: Steering[]) => (await melody.generate({ ...options, loudness: null, steered })).channels[0]; // a gain of the whole clip is none of its parts'
    const plain = await make();
    const first = (a: Float32Array) => a.findIndex((v, i) => Math.abs(v - plain[i]) > 1e-3) / 24_000;
    const [at4, at5] = [await make({ atSeconds: 4, ...techno }), await make({ atSeconds: 5, ...techno })];
    for (const steered of [at4, at5]) expect(first(steered)).toBeGreaterThan(3.9); // the window of both begins at 4 s
    expect(worst(at4, at5)).toBeGreaterThan(1e-3);
    const short = { ...options, durationSeconds: 2 }; // one window
    const [without, within] = [await melody.generate(short), await melody.generate({ ...short, steered: [{ atSeconds: 1, ...techno }] })];
    expect(worst(without.channels[0], within.channels[0])).toBeGreaterThan(1e-3);
  });

  it('behind the end: nothing changes, and it is said', async () => {
    const warnings: string[] = [];
    const onEvent = (event: MelodyEvent) => event.type === 'warning' && warnings.push(event.message);
    const clip = await melody.generate({ ...options, durationSeconds: 2, steered: [{ atSeconds: 2, ...techno }], onEvent });
    expect(warnings).toEqual(['the change at 2 s comes after the end of the music, which lasts 2 s']);
    expect(clip.channels[0]).toEqual((await melody.generate({ ...options, durationSeconds: 2 })).channels[0]);
  });

  it('in no order, without words, or where it has no place: refused', async () => {
    const bad: [object, RegExp][] = [
      [
        {
          steered: [
            { atSeconds: 3, prompt: 'a' },
            { atSeconds: 2, prompt: 'b' },
          ],
        },
        /steered: got .* expected changes in order of time/,
      ],
      [{ steered: [{ prompt: 'a' }] }, /steered: got/],
      [{ steered: [{ atSeconds: -1, prompt: 'a' }] }, /steered: got/],
      [{ steered: [{ atSeconds: Number.POSITIVE_INFINITY, prompt: 'a' }] }, /steered: got/],
      [{ steered: [{ atSeconds: 1, prompt: 'a', blend: { text: 'b', weight: 7 } }] }, /blend.weight must be a number from 0 to 1; got 7/],
      [{ steered: [{ atSeconds: 1, prompt: '' }] }, /the prompt holds no word/],
      [{ steered: [{ atSeconds: 1 }] }, /each with atSeconds and a prompt/],
      [{ steered: [{ atSeconds: 1, prompt: 'a', tempo: 500 }] }, /tempo must be/],
      [{ steered: [{ atSeconds: 1, prompt: 'a' }], loop: true, durationSeconds: 4.8 }, /steered cannot be combined with loop/],
    ];
    for (const [extra, message] of bad)
      await expect(melody.generate({ ...options, ...extra })).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringMatching(message),
      });
    const tone = { channels: [new Float32Array(100).fill(0.1)], sampleRate: 24_000 };
    const wrong: [StyleOptions, RegExp][] = [
      [{}, /each with atSeconds and a prompt/],
      [{ prompt: '' }, /the prompt holds no word/],
      [{ prompt: 3 as never }, /prompt must be text; got 3/],
      [{ prompt: 'a', blend: { text: 'b', weight: Number.NaN } }, /blend.weight must be a number from 0 to 1; got NaN/],
      [{ prompt: 'a', negativePrompt: ' ' }, /the negative prompt holds no word/],
      [{ promptAudio: { channels: [], sampleRate: 24_000 } }, /audio must have channels/],
      [{ promptAudio: { ...tone, channels: [new Float32Array(9).fill(Number.NaN)] } }, /NaN or infinity/],
      [{ promptAudio: tone, promptAudioWeight: Number.NaN }, /promptAudioWeight must be/],
    ];
    const stream = melody.stream({ ...options, durationSeconds: 2 });
    for (const [style, message] of wrong) expect(() => stream.steer(style)).toThrow(message);
    for await (const { channels } of stream) expect(channels[0].length).toBeGreaterThan(0); // and it plays on
    for (const steered of [5, [5], [{ atSeconds: '3', prompt: 'a' }], [{ atSeconds: 3, blend: 7 }]])
      expect(() => recipeOptions({ version: 1, seed: 1, steered })).toThrow(/^recipe: /);
  });
});
