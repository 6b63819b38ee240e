// What `Melody.load` and the calls after it are given by a program without types: a slip is told before any work, and by its name.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Melody } from '../../src/melody.ts';
import { type LoadOptions, MeLoDy } from '../../src/pipeline/melody.ts';
import { loadSystem } from '../../src/systems/load.ts';

const folder = new URL('../../weights/melody-tiny/', import.meta.url);

describe('load', () => {
  it.each<[unknown, string, string?]>([
    [{ devcie: 'cpu' }, 'load: unknown option "devcie"', 'did you mean device?'],
    [{ prompt: 'calm piano' }, 'load: unknown option "prompt"'],
    [{ device: 'cuda' }, 'device must be "auto" or "gpu" or "cpu"; got "cuda"'],
    [{ queue: -1 }, 'queue must be a whole number from 0 to 10000; got -1'],
    [{ threads: '4' }, 'threads must be a whole number from 0 to 1024; got "4"'],
    [{ threads: 0.5 }, 'threads must be a whole number from 0 to 1024; got 0.5'],
    [{ memoryLimit: '1GB' }, 'memoryLimit must be a number from 0 to Infinity; got "1GB"'],
    [{ cache: 'no' }, 'cache must be true or false; got "no"'],
    [{ untested: 1 }, 'untested must be true or false; got 1'],
    [{ signal: new AbortController() }, 'signal must be an AbortSignal; got {}'],
    [{ onEvent: 'log' }, 'onEvent must be a function; got "log"'],
    [{ gpu: {} }, 'gpu must be an entry point of WebGPU; got {}'],
    [{ fetch: 'curl' }, 'fetch must be a function; got "curl"'],
    [{ allowedHosts: 'example.org' }, 'allowedHosts must be a list of hosts; got "example.org"'],
    [{ limits: 'all' }, 'limits must be "adapter" or "default"; got "all"'],
    ['cpu', 'options of load must be an object; got "cpu"'],
    [null, 'options of load must be an object; got null'],
  ])('refuses %j', async (options, message, hint) => {
    const fault = { code: 'invalid_argument', message, ...(hint && { hint }) };
    for (const load of [Melody.load, MeLoDy.load, loadSystem]) await expect(load(folder, options as object)).rejects.toMatchObject(fault);
  });

  it.each([undefined, null, 7, { path: 'model' }])('refuses the place %j', async (place) => {
    const fault = { code: 'invalid_argument', message: expect.stringContaining('the place of a model must be a text or a URL') };
    for (const load of [Melody.load, loadSystem]) await expect(load(place as unknown as string)).rejects.toMatchObject(fault);
  });
});

describe('a model that is open', () => {
  let melody: MeLoDy;
  beforeAll(async () => {
    const all = {
      ...{ device: 'cpu', threads: 1, queue: 1, untested: true, memoryLimit: 1e9, dispatchesPerSubmit: 100, onBytes: () => {} },
      ...{ limits: 'adapter', features: 'adapter', powerPreference: 'low-power', pretend: {}, gpu: null },
      ...{ signal: null, onEvent: null, cache: true, fetch, redirectHosts: ['example.org'], allowedHosts: null },
    } as const satisfies Record<keyof LoadOptions, unknown>;
    melody = await MeLoDy.load(folder, all as unknown as LoadOptions);
  });
  afterAll(() => melody?.dispose());

  it.each([undefined, null, 'calm piano', ['calm piano']])('says what options are, given %j', async (options) => {
    const fault = { code: 'invalid_argument', message: expect.stringContaining('must be an object') };
    await expect(melody.generate(options as never)).rejects.toMatchObject(fault);
    await expect(melody.variations(options as never, 2)).rejects.toMatchObject(fault);
    await expect(melody.predictMemory(options as never)).rejects.toMatchObject(fault);
    expect(() => melody.stream(options as never)).toThrow(expect.objectContaining(fault));
  });

  it.each([
    [{ signal: 5000 }, 'signal must be an AbortSignal; got 5000'],
    [{ onEvent: {} }, 'onEvent must be a function; got {}'],
    [{ draft: {} }, 'draft must be a Draft; got {}'],
  ])('refuses %j', async (wrong, message) => {
    const options = { prompt: 'calm piano', durationSeconds: 0.4, steps: 1, ...(wrong as object) };
    await expect(melody.generate(options)).rejects.toMatchObject({ code: 'invalid_argument', message });
    expect(() => melody.stream({ ...options })).toThrow(message);
  });

  it('refuses slips in what is given beside the options', async () => {
    const stream = melody.stream({ prompt: 'calm piano' });
    expect(() => stream.steer({ prompt: 'rock' }, { heardSecond: 3 } as object)).toThrow('steer: unknown option "heardSecond"');
    expect(() => stream.steer({ prompt: 'rock' }, 3 as never)).toThrow('options of steer must be an object; got 3');
    await expect(melody.warmup({ signl: null } as object)).rejects.toMatchObject({ message: 'warmup: unknown option "signl"' });
  });

  it('takes null for nobody who watches', async () => {
    const options = { prompt: 'calm piano', durationSeconds: 0.1, steps: 1, seed: 1, signal: null, onEvent: null } as object;
    expect((await melody.generate(options as { prompt: string })).channels.length).toBe(melody.model.config.channels ?? 1);
  });
});
