// Instruments that a prompt names, and keys: what is decided, and what becomes of the music. melody-tiny with a table of its own.
import { afterAll, expect, it, vi } from 'vitest';
import { platform } from '#platform';
import type { ControlsConfig } from '../../src/models/semantic_lm.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { checkConfig, type Model } from '../../src/pipeline/model.ts';
import type { GenerateOptions, MelodyEvent } from '../../src/pipeline/options.ts';
import { tokensOfAudio } from '../../src/pipeline/stages/given.ts';
import { extendTokens } from '../../src/pipeline/stages/language.ts';
import type { WeightSource } from '../../src/weights/weights.ts';
import { controlledModel } from '../helpers/controls.ts';
import { TEST_CPU } from '../helpers/gpu.ts';

vi.setConfig({ testTimeout: 180_000 });

const PHRASES = { piano: 'piano', drums: 'drums' };
const TABLE = 'semantic_lm.controls.instruments';
const opened: MeLoDy[] = [];
afterAll(() => {
  for (const melody of opened) melody.dispose();
});

/** melody-tiny with controls, and with a table whose class `piano`, or with keys A minor, adds to the logits of the first half of the words. */
async function model(gain: number, counted_keys: ControlsConfig['counted_keys'] = false): Promise<Model> {
  const { config, weights, ...rest } = await controlledModel();
  const { words, controls } = config.semantic_lm;
  const columns = counted_keys ? 2 + 24 : 2;
  const gains = counted_keys ? 2 + 9 + 12 : 0;
  const values = Float32Array.from({ length: words * columns }, (_, i) => (i % columns === gains && i < (words * columns) / 2 ? gain : 0));
  const table = {
    name: TABLE,
    shape: [words, columns],
    dtype: 'f32' as const,
    read: async function* () {
      yield { offset: 0, data: values };
    },
  };
  const over: WeightSource = {
    ...weights,
    at: (prefix) => ({ ...weights.at(prefix), get: (name, shape) => over.get(`${prefix}.${name}`, shape) }),
    get: (name, shape) => (name === TABLE ? table : weights.get(name, shape)),
  };
  const told = {
    ...config.semantic_lm,
    controls: { ...(controls as NonNullable<typeof controls>), instruments: PHRASES, ...(counted_keys && { counted_keys }) },
  };
  return { ...rest, config: { ...config, semantic_lm: told }, weights: over };
}

async function open(of: Promise<Model>): Promise<MeLoDy> {
  const melody = await MeLoDy.over(await of, () => platform.openGpu(), TEST_CPU);
  opened.push(melody);
  return melody;
}

const make = async (of: Promise<Model>, options: GenerateOptions) =>
  (await open(of)).generate({ durationSeconds: 0.8, steps: 1, seed: 5, tempo: 96, key: 'A minor', metre: '3/4', ...options });

it('a table of zeros changes no sample; one that gains does, where its class is named', async () => {
  const [none, zeros, gained] = await Promise.all([controlledModel(), model(0), model(30)].map((of) => make(of, { prompt: 'calm piano' })));
  expect(zeros?.channels).toEqual(none?.channels);
  expect(gained?.channels).not.toEqual(none?.channels);
  const [plain, other] = await Promise.all([controlledModel(), model(30)].map((of) => make(of, { prompt: 'calm music without piano' })));
  expect(other?.channels).toEqual(plain?.channels);
});

it('a key is counted where the table has keys: the one that is told, and no other', async () => {
  const options = { prompt: 'music', durationSeconds: 0.4 };
  const [none, zeros, gained] = await Promise.all([controlledModel(), model(0, true), model(30, true)].map((of) => make(of, options)));
  expect(zeros?.channels).toEqual(none?.channels);
  expect(gained?.channels).not.toEqual(none?.channels);
  for (const key of ['A major', 'none']) {
    const [plain, other] = await Promise.all([controlledModel(), model(30, true)].map((of) => make(of, { ...options, key })));
    expect(other?.channels).toEqual(plain?.channels);
  }
});

it('a key counts by need: from second to second as the last three of them speak for it', async () => {
  const second = 25; // tokens
  const request = { style: undefined, guidance: 1, sampling: { temperature: 1, topK: 0, topP: 1 }, seed: 4 };
  const guide = { clockAt: () => undefined, tempo: undefined, key: 21 };
  const tokens = async (
    counted_keys: ControlsConfig['counted_keys'],
    gain = 30,
    before = new Uint32Array(0),
    key: number | undefined = 21,
  ) => {
    const { engine } = await open(model(gain, counted_keys));
    return extendTokens(engine, 0, before, before.length + 4 * second, { ...request, guide: { ...guide, key } });
  };
  const { words } = (await model(0)).config.semantic_lm;
  const inKey = (some: Uint32Array) => some.filter((word) => word < words / 2).length;
  // The first second counts as ever; after it the words speak for the key.
  const always = await tokens(true);
  const held = await tokens({ held: 0, left: 1 });
  expect(inKey(always)).toBe(4 * second);
  expect(held.subarray(0, second)).toEqual(always.subarray(0, second));
  expect(inKey(held.subarray(second))).toBeLessThan(3 * second);
  // Words of no key are left for it, until those of the key are the more; what is told no key stays as it was.
  const other = new Uint32Array(4 * second).fill(words - 1);
  const left = (await tokens({ held: 0, left: 1 }, 30, other)).subarray(other.length);
  expect(inKey(left.subarray(0, second))).toBe(second);
  expect(await tokens({ held: 0, left: 1 }, 30, other, 9)).toEqual(await tokens(true, 0, other, 9));
  expect(await tokens({ held: 1, left: 1 })).toEqual(always);
});

it('after and within given audio the key is the one that its words speak for, unless one is said', async () => {
  const tones = Float32Array.from({ length: 48_000 }, (_, i) => 0.3 * Math.sin((i / 20) * 2 ** (Math.floor(i / 4000) / 6)));
  const continueFrom = { channels: [tones], sampleRate: 24_000 };
  const melody = await open(model(1, { held: 0, left: 1 }));
  const { words } = melody.model.config.semantic_lm;
  expect((await tokensOfAudio(melody.engine, tones)).some((word) => word < words / 2)).toBe(true);
  const short = { prompt: 'music', durationSeconds: 0.4, steps: 1, seed: 3 };
  const decided = async (more: GenerateOptions) => (await melody.generate({ ...short, ...more })).recipe.decided?.key;
  expect(await decided({ continueFrom })).toBe('A minor');
  expect(await decided({ initAudio: continueFrom, inpaint: [{ start: 0.8, end: 1.2 }], durationSeconds: undefined })).toBe('A minor');
  expect(await decided({ continueFrom, prompt: 'music in Eb major' })).toBe('Eb major');
  expect(await decided({ continueFrom, key: 'none' })).toBeUndefined();
  const played: (string | undefined)[] = [];
  const onEvent = (event: MelodyEvent) => event.type === 'decided' && played.push(event.key);
  for await (const _ of melody.stream({ ...short, continueFrom, onEvent, steered: [{ atSeconds: 0.2, prompt: 'piano' }] }));
  expect(played).toEqual(['A minor', 'A minor']);
  const plain = await open(model(1));
  expect((await plain.generate({ ...short, continueFrom })).recipe.decided).toEqual({ text: 'no tempo, no key' });
});

it('what is named stands in the event and in the recipe, whose shares blends divide', async () => {
  const melody = await open(model(1));
  const events: MelodyEvent[] = [];
  const short = { durationSeconds: 0.4, steps: 1, tempo: 96, key: 'A minor', metre: '3/4' };
  const clip = await melody.generate({ ...short, prompt: 'piano and drums', onEvent: (event) => events.push(event) });
  expect(clip.recipe.decided).toEqual({
    text: '96 bpm, A minor, 3/4, piano, drums',
    tempo: 96,
    key: 'A minor',
    metre: '3/4',
    instruments: ['piano', 'drums'],
  });
  expect(events.find(({ type }) => type === 'decided')).toMatchObject({ instruments: ['piano', 'drums'] });
  const blended = await melody.generate({ ...short, prompt: 'calm piano', blend: { text: 'fast drums', weight: 0 } });
  expect(blended.recipe.decided).toMatchObject({ instruments: ['piano'] });
});

it.each([[['piano']], [{ piano: 1 }], [{}], [null], [{ 808: '808', piano: 'piano' }]])(
  'instruments %j in a config are refused',
  async (instruments) => {
    const { config } = await model(0);
    const { controls } = config.semantic_lm;
    const wrong = { ...config, semantic_lm: { ...config.semantic_lm, controls: { ...controls, instruments } } };
    expect(() => checkConfig(wrong as never, 'mine')).toThrow(`got ${JSON.stringify(instruments)}`);
    expect(() => checkConfig(config as never, 'mine')).not.toThrow();
  },
);

it('counted keys in a config stand beside instruments, and are true or false', async () => {
  const { config } = await model(0, true);
  const { controls } = config.semantic_lm;
  const check = (other: object) => () =>
    checkConfig({ ...config, semantic_lm: { ...config.semantic_lm, controls: { ...controls, ...other } } } as never, 'mine');
  expect(check({})).not.toThrow();
  expect(check({ counted_keys: false, instruments: undefined })).not.toThrow();
  expect(check({ counted_keys: { held: 0, left: 1.6 } })).not.toThrow();
  for (const wrong of [{ instruments: undefined }, { counted_keys: 24 }, { counted_keys: null }, { counted_keys: { held: 0 } }])
    expect(check(wrong)).toThrow('semantic_lm.controls.counted_keys must be true or {held, left}, beside instruments, or false');
});
