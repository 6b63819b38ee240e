// Tempo, metre and key: what is decided, what the model is told, and that it is heard. melody-tiny with random controls.
import { afterAll, beforeAll, describe, expect, it, test, vi } from 'vitest';
import { platform } from '#platform';
import { modelMisfits } from '../../src/cli/inspect_model.ts';
import { Clock } from '../../src/pipeline/controls/clock.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { checkConfig } from '../../src/pipeline/model.ts';
import type { Decided, GenerateOptions, MelodyEvent, StyleOptions } from '../../src/pipeline/options.ts';
import { recipeOptions } from '../../src/pipeline/recipe.ts';
import { extendTokens, type LanguageRequest } from '../../src/pipeline/stages/language.ts';
import { CONTROLS, controlledModel, plainModel } from '../helpers/controls.ts';
import { TEST_CPU } from '../helpers/gpu.ts';

vi.setConfig({ testTimeout: 180_000 });

let melody: MeLoDy;
beforeAll(async () => {
  melody = await MeLoDy.over(await controlledModel(), () => platform.openGpu(), TEST_CPU);
});
afterAll(() => melody.dispose());

const prompt = 'calm piano in A minor, 96 bpm, 3/4';
const short = { durationSeconds: 0.8, steps: 1, seed: 5 };
const make = (options: GenerateOptions) => melody.generate({ ...short, ...options });
const samples = async (options: GenerateOptions) => (await make(options)).channels[0];
const decided = async (options: GenerateOptions) => (await make(options)).recipe.decided as Decided;
const tone = (seconds: number) => Float32Array.from({ length: seconds * 24000 }, (_, i) => 0.3 * Math.sin(i / 15));
const audio = { channels: [tone(4)], sampleRate: 24000 };

describe('what is decided', () => {
  it('options win over words', async () => {
    expect(await decided({ prompt })).toEqual({ text: '96 bpm, A minor, 3/4', tempo: 96, key: 'A minor', metre: '3/4' });
    expect(await decided({ prompt, tempo: 120.5, key: 'f♯ major', metre: '6/8' })).toMatchObject({ text: '120.5 bpm, F# major, 6/8' });
    expect(await decided({ prompt, key: 'none' })).toEqual({ text: '96 bpm, 3/4', tempo: 96, metre: '3/4' });
  });

  it('what is not said is drawn by the seed, from what music can have', async () => {
    const drawn = new Set<string>();
    for (let seed = 0; seed < 6; seed++) {
      const { text, tempo, key, metre } = await decided({ prompt: 'calm piano', seed });
      expect(tempo).toBeGreaterThanOrEqual(50);
      expect(tempo).toBeLessThanOrEqual(200);
      expect(key).toMatch(/^[A-G][b#]? (major|minor)$/);
      expect(text).toBe(`${tempo} bpm, ${key}, ${metre}`);
      expect(await decided({ prompt: 'calm piano', seed })).toEqual({ text, tempo, key, metre });
      drawn.add(text);
    }
    expect(drawn.size).toBeGreaterThan(1);
    expect(new Set([...drawn].map((text) => text.slice(-3))).size).toBe(1); // the metre is the likeliest, whatever the seed
  });

  it('two prompts: their tempi are mixed geometrically, the heavier gives key and metre', async () => {
    const both = (weight: number, text = 'techno in C major, 150 bpm, 4/4') => decided({ prompt, blend: { text, weight } });
    expect((await both(0)).text).toBe('96 bpm, A minor, 3/4');
    expect((await both(1)).text).toBe('150 bpm, C major, 4/4');
    expect((await both(0.25)).text).toBe('107.3 bpm, A minor, 3/4'); // 96 · (150 / 96)^¼
    expect((await both(0.75)).text).toBe('134.2 bpm, C major, 4/4');
    expect((await both(0.4, 'techno')).text).toBe('96 bpm, A minor, 3/4');
    expect((await both(0.6, 'techno in C major')).key).toBe('C major');
    const many = (...weights: number[]) =>
      decided({ prompt, blend: ['techno in C major, 150 bpm, 4/4', 'calm harp'].map((text, i) => ({ text, weight: weights[i] })) });
    expect((await many(0.25, 0)).text).toBe('107.3 bpm, A minor, 3/4');
    expect((await many(0.1, 0.3)).text).toBe('102.3 bpm, A minor, 3/4'); // 96 · (150 / 96)^(1/7): the harp says no tempo
    expect((await many(0.2, 0.2)).text).toBe('107.3 bpm, A minor, 3/4');
  });

  it('music as the prompt: the style heads hear it', async () => {
    const { tempo, key } = await decided({ promptAudio: audio });
    expect(tempo).toBeGreaterThanOrEqual(50);
    expect(key).toBeDefined();
  });

  it('behind and within given audio no clock runs unless a tempo is given', async () => {
    expect(await decided({ prompt, continueFrom: audio })).toEqual({ text: 'A minor', key: 'A minor' });
    expect(await decided({ prompt, continueFrom: audio, key: 'none' })).toEqual({ text: 'no tempo, no key' });
    expect(await decided({ continueFrom: audio })).toEqual({ text: 'no tempo, no key' });
    expect((await decided({ prompt, continueFrom: audio, tempo: 100 })).text).toBe('100 bpm, A minor, 3/4');
    const inpaint = { prompt, initAudio: audio, inpaint: [{ start: 1, end: 1.4 }], durationSeconds: undefined };
    expect((await decided(inpaint)).text).toBe('A minor');
    // nor is a key drawn: it would be another than that of the audio
    for (const seed of [1, 2]) expect((await decided({ prompt: 'calm piano', continueFrom: audio, seed })).text).toBe('no tempo, no key');
    expect((await decided({ ...inpaint, prompt: 'calm piano' })).text).toBe('no tempo, no key');
    expect((await decided({ ...inpaint, tempo: 100 })).tempo).toBe(100);
  });

  it('a loop bends its tempo to whole bars', async () => {
    const loop = { prompt: 'piano, 118 bpm, 4/4, A minor', loop: true, durationSeconds: 4 };
    expect((await decided(loop)).text).toBe('120 bpm, A minor, 4/4');
    expect((await decided({ ...loop, loop: false })).tempo).toBe(118);
  });

  it('is told in an event, with a warning of what the model cannot be told', async () => {
    const events: MelodyEvent[] = [];
    await make({ prompt: 'piano in A minor, 999 bpm, 7/8', onEvent: (event) => events.push(event) });
    const warnings = events.flatMap((event) => (event.type === 'warning' && event.code === 'ignored_control' ? [event.message] : []));
    expect(warnings).toEqual(['999 bpm: the model has no input for it', '7/8 time: the model has no input for it']);
    const told = events.filter((event) => event.type === 'decided');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ key: 'A minor' });
    expect(told[0].tempo).toBeLessThanOrEqual(200);
  });

  it('the beat is told along the piece, from where given audio ends, and stands in the clip', async () => {
    const beats: MelodyEvent[] = [];
    const onEvent = (event: MelodyEvent) => void (event.type === 'beat' && beats.push(event));
    const steered = [{ atSeconds: 0.4, prompt: 'techno in C major, 125 bpm, 4/4' }];
    const clip = await make({ prompt, steered, onEvent });
    const first = { atSeconds: 0, tempo: 96, beatsPerBar: 3, beat: 0, key: 'A minor' };
    expect(clip.beats).toMatchObject([
      first,
      { atSeconds: 0.4, tempo: 125, beatsPerBar: 4, beat: expect.closeTo(0.64, 9), key: 'C major' },
    ]);
    expect(beats).toEqual(clip.beats);
    // Four seconds of 100 bpm are 6 2/3 beats, of a bar of three.
    const after = await make({ prompt, continueFrom: audio, tempo: 100 });
    expect(after.beats).toMatchObject([{ ...first, tempo: 100, beat: expect.closeTo((4 * 100) / 60, 6) }]);
    expect((await make({ prompt, continueFrom: audio })).beats).toEqual([{ type: 'beat', atSeconds: 0, key: 'A minor' }]);
  });
});

describe('what the model is told', () => {
  it('each of tempo, metre and key is heard, and the same again gives the same bytes', async () => {
    const base = await samples({ prompt });
    expect(await samples({ prompt })).toEqual(base);
    for (const other of [{ tempo: 130 }, { metre: '4/4' }, { key: 'C major' }, { key: 'none' }])
      expect(await samples({ prompt, ...other })).not.toEqual(base);
    // words and options that say the same are the same
    expect(await samples({ prompt, tempo: 96, metre: '3/4', key: 'a minor' })).toEqual(base);
  });

  it('a recipe makes the same bytes again, with or without options, drawn or said', async () => {
    for (const options of [{ prompt: 'calm piano' }, { prompt, tempo: 111, key: 'Bb major', metre: '5/4' }]) {
      const { recipe, channels } = await make(options);
      const again = recipeOptions(JSON.parse(JSON.stringify(recipe)));
      expect(again).not.toHaveProperty('decided');
      expect(await samples(again)).toEqual(channels[0]);
    }
  });

  const request = { style: undefined, sampling: { temperature: 1, topK: 0, topP: 1 }, seed: 4 } as const;
  const guide = (tempo: number): LanguageRequest['guide'] => {
    const clock = new Clock();
    clock.change(0, tempo, 4);
    return { clockAt: (seconds) => clock.at(seconds), tempo, key: 9 };
  };
  const tokens = (count: number, extra: Partial<LanguageRequest>, before = new Uint32Array(0)) =>
    extendTokens(melody.engine, 0, before, count, { ...request, guidance: 1, ...extra });

  test.each([1, 3])('guidance %d: tokens asked for in parts are those asked for at once, over more than two windows', async (guidance) => {
    const whole = await tokens(260, { guidance, guide: guide(110) });
    let parts = new Uint32Array(0);
    for (const count of [20, 21, 60, 100, 180, 260]) parts = new Uint32Array(await tokens(count, { guidance, guide: guide(110) }, parts));
    expect(parts).toEqual(whole);
    expect(await tokens(260, { guidance, guide: guide(90) })).not.toEqual(whole);
  });

  it('guidance leads away from no key, and from nothing else that is told', async () => {
    // With the null prefix on both sides there is nothing to lead away from, but for a key, which only the style's branch is told.
    const silent = { ...guide(110), key: undefined } as LanguageRequest['guide'];
    const near = { temperature: 0, topK: 1, topP: 1 };
    expect(await tokens(40, { guidance: 3, guide: silent, sampling: near })).toEqual(
      await tokens(40, { guidance: 1, guide: silent, sampling: near }),
    );
    expect(await tokens(40, { guidance: 3, guide: guide(110) })).not.toEqual(await tokens(40, { guidance: 1, guide: guide(110) }));
  });

  it('without a guide it is told that nothing is known', async () => {
    const nothing = { clockAt: () => undefined, tempo: undefined, key: undefined };
    expect(await tokens(30, {})).toEqual(await tokens(30, { guide: nothing }));
    expect(await tokens(30, {})).not.toEqual(await tokens(30, { guide: guide(110) }));
  });
});

describe('streams', () => {
  // As made: a stream finds its level as it goes, a clip is levelled as a whole.
  const options = { prompt, seed: 3, steps: 1, durationSeconds: 5, loudness: null };

  async function play(steer?: StyleOptions, extra: object = {}): Promise<{ chunks: Float32Array[]; told: string[] }> {
    const told: string[] = [];
    const stream = melody.stream({ ...options, ...extra, onEvent: (event) => event.type === 'decided' && told.push(event.text) });
    const chunks: Float32Array[] = [];
    for await (const { channels } of stream) {
      chunks.push(channels[0]);
      if (chunks.length === 1 && steer) stream.steer(steer);
    }
    return { chunks, told };
  }
  const joined = (chunks: readonly Float32Array[]) => Float32Array.from(chunks.flatMap((chunk) => [...chunk]));

  it('equal the clip of the same windows', async () => {
    const { chunks, told } = await play();
    const clip = await melody.generate({ ...options, firstWindowSeconds: 0.8 });
    const worst = joined(chunks).reduce((most, v, i) => Math.max(most, Math.abs(v - clip.channels[0][i])), 0);
    expect(joined(chunks).length).toBe(clip.channels[0].length);
    expect(worst).toBeLessThanOrEqual(1e-4);
    expect(told).toEqual(['96 bpm, A minor, 3/4']);
  });

  it('a tempo in words behind given audio is not followed, and that is said; as an option it is', async () => {
    const tone = { channels: [Float32Array.from({ length: 48_000 }, (_, i) => 0.3 * Math.sin(i / 20))], sampleRate: 24_000 };
    const warned = async (extra: object) => {
      const warnings: string[] = [];
      const onEvent = (event: MelodyEvent) => event.type === 'warning' && warnings.push(event.message);
      await melody.generate({ prompt, durationSeconds: 0.8, steps: 1, seed: 1, continueFrom: tone, ...extra, onEvent });
      return warnings;
    };
    expect(await warned({})).toEqual(['96 bpm: after or within given audio a beat is kept only where tempo is given as an option']);
    expect(await warned({ tempo: 96 })).toEqual([]);
  });

  it('steered: the next chunk has the new tempo; what the stream was asked for holds until something else is asked', async () => {
    const plain = await play();
    const faster = await play({ prompt, tempo: 160 });
    expect(faster.told).toEqual(['96 bpm, A minor, 3/4', '160 bpm, A minor, 3/4']);
    expect(faster.chunks[0]).toEqual(plain.chunks[0]);
    expect(joined(faster.chunks)).not.toEqual(joined(plain.chunks));
    const held = await play({ prompt: 'techno in C major, 150 bpm, 4/4' }, { tempo: 100 });
    expect(held.told).toEqual(['100 bpm, A minor, 3/4', '100 bpm, C major, 4/4']);
  });

  it('a wrong steer is refused at once and changes nothing', async () => {
    const stream = melody.stream(options);
    expect(() => stream.steer({ prompt, tempo: 500 })).toThrow(/tempo must be a number of beats a minute from 40 to 220; got 500/);
  });
});

describe('refused', () => {
  it('options that mean nothing, before any work', async () => {
    const bad: [object, RegExp][] = [
      [{ tempo: 39 }, /tempo must be a number of beats a minute from 40 to 220; got 39/],
      [{ tempo: Number.NaN }, /tempo must be .* got NaN/],
      [{ tempo: '120' }, /tempo must be .* got "120"/],
      [{ key: 'H major' }, /key must be such as "A minor".* got "H major"/],
      [{ key: 3 }, /key must be/],
      [{ metre: '7/8' }, /metre must be one of "4\/4", "3\/4", "6\/8", "5\/4"; got "7\/8"/],
      [{ metre: 'waltz' }, /metre must be/],
    ];
    for (const [options, message] of bad) {
      await expect(make({ prompt, ...(options as GenerateOptions) })).rejects.toMatchObject({
        code: 'invalid_argument',
        message: expect.stringMatching(message),
      });
    }
  });

  it('by models without controls, which else are as they were', async () => {
    const plain = await MeLoDy.over(await plainModel(), () => platform.openGpu(), TEST_CPU);
    try {
      for (const option of [{ tempo: 120 }, { key: 'A minor' }, { metre: '4/4' }])
        await expect(plain.generate({ ...short, prompt, ...option })).rejects.toMatchObject({
          code: 'invalid_argument',
          hint: expect.stringContaining('say it in the prompt'),
        });
      const events: string[] = [];
      const { recipe } = await plain.generate({ ...short, prompt: `${prompt}, 999 bpm`, onEvent: (event) => events.push(event.type) });
      expect(recipe).not.toHaveProperty('decided');
      expect(events).not.toContain('decided');
      expect([...(await plain.engine.plans()).keys()]).not.toContain('style heads');
    } finally {
      plain.dispose();
    }
  });

  it('configs whose controls make no sense, all faults at once; weights that lack their table are named', async () => {
    const { config, weights, ...rest } = await controlledModel();
    const broken = { metres: [4, 4], ticks: 0, tempo_low: -1, tempo_per_octave: 12, tempo_bins: 2.5 };
    const wrong = { ...config, semantic_lm: { ...config.semantic_lm, controls: broken } };
    expect(() => checkConfig(wrong, 'x')).toThrow(
      /controls\.ticks[\s\S]*controls\.tempo_bins[\s\S]*controls\.metres[\s\S]*controls\.tempo_low/,
    );
    expect(checkConfig({ ...config }, 'x').semantic_lm.controls).toEqual(CONTROLS);
    expect(await modelMisfits({ config, weights, ...rest })).toMatchObject({ faults: [] });
    const more = { ...CONTROLS, metres: [4, 3], tempo_bins: 30 };
    const other = { ...(await plainModel()), config: { ...config, semantic_lm: { ...config.semantic_lm, controls: more } } };
    const { faults } = await modelMisfits(other);
    expect(faults.join('\n')).toMatch(/semantic_lm\.controls\.weight: .*expected \[225, 64\]/);
    expect(faults.join('\n')).toMatch(/style_heads\.weight: .*expected \[56, 16\]/);
  });
});
