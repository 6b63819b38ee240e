// The table of settings: options, recipe, checks, command line and help follow from it.
import { beforeAll, describe, expect, test } from 'vitest';
import { platform } from '#platform';
import { commandHelp, parseCommand } from '../../src/cli/command.ts';
import { inOptions, readSettings } from '../../src/cli/generate/setting_options.ts';
import { generate } from '../../src/cli/generate.ts';
import { MelodyError } from '../../src/errors.ts';
import { checkOptions } from '../../src/pipeline/checks.ts';
import { type Model, openModel } from '../../src/pipeline/model.ts';
import type { GenerateOptions } from '../../src/pipeline/options.ts';
import { recipeOptions, resolve } from '../../src/pipeline/recipe.ts';
import { FLAGS, type Flag, SETTINGS, type Setting } from '../../src/pipeline/settings.ts';

const ALL = Object.entries<Setting>(SETTINGS);
let model: Model;
beforeAll(async () => {
  model = await openModel(platform.openFolder(new URL('../../weights/melody-tiny/', import.meta.url)));
});

/** Something that a setting takes, and what stands for it on the command line. */
function sampleOf(name: string, { kind, min = 0, max = 0, choices }: Setting): [value: unknown, text?: string] {
  if (kind === 'number' || kind === 'whole') {
    const value = kind === 'whole' ? Math.min(max, min + 3) : min + (max - min) / 4;
    return [value, String(value)];
  }
  if (kind === 'text') {
    const text = choices?.at(-1) ?? { key: 'A minor', metre: '3/4' }[name] ?? 'soft strings';
    return [text, text];
  }
  if (kind === 'switch') return [true];
  if (kind === 'blend') return [{ text: 'techno', weight: 0.5 }, 'techno:0.5'];
  if (kind === 'steerings') return [[{ atSeconds: 2, prompt: 'samba' }], '2:samba'];
  if (kind === 'regions') return [[{ start: 0.5, end: 1 }], '0.5-1'];
  return [{ channels: [new Float32Array(48_000).fill(0.1)], sampleRate: 24_000 }, 'song.wav'];
}

/** Options with this one, and what it needs. */
function withNeeded(name: string, setting: Setting): Record<string, unknown> {
  const { needs } = setting;
  const other = needs ? { [needs]: sampleOf(needs, SETTINGS[needs as keyof typeof SETTINGS])[0] } : {};
  return { prompt: 'calm piano', ...other, [name]: sampleOf(name, setting)[0] };
}

describe.each(ALL)('%s', (name, setting) => {
  const words: Flag | undefined = FLAGS[name as keyof typeof FLAGS];

  test('is taken, enters the recipe unless it is audio, and comes back out of it', () => {
    const recipe = resolve(withNeeded(name, setting), model, 'generate') as unknown as Record<string, unknown>;
    const again = recipeOptions(JSON.parse(JSON.stringify(recipe))) as Record<string, unknown>;
    if (setting.kind === 'audio') {
      expect(recipe).not.toHaveProperty(name);
      expect(again).not.toHaveProperty(name);
    } else {
      if (name !== 'firstWindowSeconds') expect(recipe[name]).toEqual(sampleOf(name, setting)[0]); // which is rounded up to chunks
      expect(again[name]).toEqual(recipe[name]);
    }
  });

  test('of another type: refused, with its name, what came and what is expected', () => {
    const odd = [
      Symbol.iterator,
      5n,
      () => 1,
      ...(setting.off ? [] : [null]),
      [[]],
      Number.NaN,
      new Map(),
      setting.kind === 'text' ? 7 : 'x',
    ];
    for (const wrong of odd)
      expect(() => checkOptions({ [name]: wrong }, 'generate')).toThrow(
        new RegExp(`^${name}( sampleRate)?(: got|:? .*must (be|have)).*|^steered: got`),
      );
  });

  test.runIf(setting.kind === 'number' || setting.kind === 'whole')('out of its range: refused', () => {
    const { min = 0, max = 0, over } = setting;
    for (const value of [
      min - 1,
      max + Math.abs(max) + 1,
      Infinity,
      ...(over ? [min] : []),
      ...(setting.kind === 'whole' ? [min + 0.5] : []),
    ])
      expect(() => checkOptions({ [name]: value }, 'generate')).toThrow(new RegExp(`^${name} must be a (whole )?number .*; got ${value}$`));
  });

  test.runIf(words !== undefined)('stands in the help, and is read from the command line', () => {
    const [value, text] = sampleOf(name, setting);
    const { flag, help } = words as Flag;
    const line = commandHelp(generate)
      .split('\n')
      .find((row) => new RegExp(`^ +(-\\w, )?--${flag} `).test(row));
    expect(line).toContain(help);
    if (setting.max && setting.max < 2 ** 31) expect(line).toContain(String(setting.max));
    const { values } = parseCommand(generate, [`--${flag}`, ...(text === undefined ? [] : [text])]);
    expect(readSettings(values)).toEqual(setting.kind === 'audio' ? {} : { [name]: value });
    expect(inOptions(`${name} must be a number`)).toBe(`--${flag} must be a number`);
  });
});

test('a blend of several prompts is given flag by flag', () => {
  const { values } = parseCommand(generate, ['--blend', 'slow: harp:0.2', '--blend', 'samba:0.3']);
  expect(readSettings(values)).toEqual({
    blend: [
      { text: 'slow: harp', weight: 0.2 },
      { text: 'samba', weight: 0.3 },
    ],
  });
});

test('flags and short letters are unique among all options of generate', () => {
  const shorts = Object.values(generate.options).flatMap(({ short }) => short ?? []);
  expect(new Set(shorts).size).toBe(shorts.length);
  const flags = Object.values<Flag | undefined>(FLAGS).flatMap((words) => words?.flag ?? []);
  expect(new Set(flags).size).toBe(flags.length);
});

describe('options', () => {
  const message = (work: () => unknown): string => {
    try {
      work();
    } catch (error) {
      if (error instanceof MelodyError) return `${error.code} | ${error.message} | ${error.hint}`;
      throw error;
    }
    return 'taken';
  };
  const check = (options: unknown, use: 'generate' | 'stream' | 'steer' = 'generate') =>
    message(() => checkOptions({ prompt: 'piano', ...(options as object) }, use));

  test('that are misspelt: the nearest name is offered', () => {
    expect(check({ durationSecond: 3 })).toBe(
      'invalid_argument | generate: unknown option "durationSecond" | did you mean durationSeconds?',
    );
    expect(check({ stepz: undefined })).toBe('taken');
    expect(check({ colour: 'red' })).toMatch(/unknown option "colour" \| the options are durationSeconds, /);
    expect(check({ steps: 3 }, 'steer')).toMatch(/^invalid_argument \| steer: unknown option "steps" \| it is decided before/);
    expect(message(() => checkOptions('calm piano' as never, 'generate'))).toMatch(
      /options of generate must be an object.*got "calm piano"/,
    );
  });

  test('a whole recipe, and one of a file with more fields: taken', () => {
    const recipe = resolve({ prompt: 'piano' }, model, 'generate');
    expect(check({ ...recipe, weights: 'abc', adapter: 'x', newerSetting: 3 })).toBe('taken');
  });

  test('a recipe of another version, whose settings may mean something else: refused', () => {
    const recipe = resolve({ prompt: 'piano' }, model, 'generate');
    expect(check({ ...recipe, version: 2 })).toMatch(/^invalid_argument \| version of a recipe must be 1; got 2/);
  });

  test('that cannot stand together, or alone', () => {
    const audio = { channels: [new Float32Array(24_000)], sampleRate: 24_000 };
    expect(check({ loop: true, continueFrom: audio })).toMatch(/loop cannot be combined with continueFrom/);
    expect(check({ loop: false, continueFrom: audio })).toBe('taken');
    expect(check({ loop: true }, 'stream')).toMatch(/loop cannot be asked of a stream \| use generate/);
    expect(check({ promptAudioWeight: 0.5 })).toMatch(/promptAudioWeight needs promptAudio/);
    expect(check({ initAudio: audio })).toMatch(/initAudio needs inpaint/);
    expect(check({ initAudio: audio, inpaint: [{ start: 0, end: 1.2 }] })).toMatch(
      /within the given audio, which lasts 1.000 s; got \{"start"/,
    );
    expect(check({ initAudio: audio, inpaint: [] })).toMatch(/inpaint must be a list of regions.*got \[\]/);
  });

  test('audio of another kind: what came is said', () => {
    const of = (channels: unknown, sampleRate: unknown = 48_000) => check({ continueFrom: { channels, sampleRate } });
    expect(check({ continueFrom: { [Symbol.toStringTag]: 'AudioBuffer' } })).toMatch(/continueFrom: got AudioBuffer;.*getChannelData/);
    expect(of([new Float64Array(9)])).toMatch(/got Float64Array of 9 as channel 0; audio must have channels/);
    expect(of([new Int16Array(9)])).toMatch(/got Int16Array of 9 as channel 0/);
    expect(of([new Float32Array(9), new Float32Array(8)])).toMatch(/got Float32Array of 8 as channel 1.*of one length/);
    expect(of(new Float32Array(9))).toMatch(/got channels Float32Array of 9/);
    expect(of([])).toMatch(/got channels \[\]/);
    expect(of(undefined)).toMatch(/got channels Undefined/);
    expect(check({ continueFrom: 'song.wav' })).toMatch(/continueFrom: got String;/);
    expect(of([new Float32Array(9)], '48k')).toMatch(/continueFrom sampleRate must be a whole number of Hz from 1000 to 768000; got "48k"/);
    expect(of([new Float32Array(9).fill(Number.NaN)])).toMatch(/^non_finite \| continueFrom: the samples hold NaN or infinity/);
    expect(of([new Float32Array(9), new Float32Array(9)])).toBe('taken');
  });

  test('that a model cannot follow: refused before any work', () => {
    const vae_decoder = { ...model.config.vae_decoder, kind: 'istft_convnext' } as Model['config']['vae_decoder'];
    const plain = { ...model, config: { ...model.config, vae_decoder } };
    expect(message(() => resolve({ prompt: 'piano', tuning: 442 }, plain, 'generate'))).toMatch(
      /tuning: the decoder of melody-tiny knows no pitch/,
    );
  });

  test('types follow from the table', () => {
    const options: GenerateOptions = { prompt: 'a', schedule: 'uniform', topK: 3, blend: { text: 'b', weight: 0.5 } };
    // @ts-expect-error a name that is none of the choices
    options.schedule = 'cosine';
    // @ts-expect-error a number is no text
    options.key = 3;
    const { steps, sampler }: { steps: number; sampler: 'rotation' | 'ddpm' } = resolve({ prompt: 'a' }, model, 'generate');
    expect([steps, sampler]).toEqual([model.config.sampling.steps, 'rotation']);
  });
});
