// MusicGen as it is made: chunks before a window is whole, the very music that `generate` makes, for as long as it is taken.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { convertAudio, joinAudio } from '../../src/audio/channels.ts';
import { MelodyError } from '../../src/errors.ts';
import { type AudioInput, Melody, type StreamChunk } from '../../src/index.ts';
import type { MelodyEvent } from '../../src/pipeline/options.ts';
import { Progress } from '../../src/pipeline/progress.ts';
import { Columns } from '../../src/systems/musicgen/columns.ts';
import type { MusicGen } from '../../src/systems/musicgen/musicgen.ts';
import { drawCodes } from '../../src/systems/musicgen/stages.ts';
import { nmse } from '../helpers/data.ts';

const folder = (name: string) => fileURLToPath(new URL(`../goldens/systems/${name}`, import.meta.url));
const own = mkdtempSync(join(tmpdir(), 'melody-stream-'));
afterAll(() => rmSync(own, { recursive: true }));

/** Opens a model of the goldens, which keep their tokenizer once. */
async function load(name: string, queue = 0): Promise<MusicGen> {
  cpSync(folder(name), join(own, name), { recursive: true });
  cpSync(join(folder('musicgen_mono'), 'tokenizer.json'), join(own, name, 'tokenizer.json'));
  return (await Melody.load(join(own, name), { device: 'cpu', threads: 1, queue, untested: true })) as MusicGen;
}
const PIECE = { prompt: 'calm piano', seed: 3 };
const SECOND = 8000; // samples

async function take(stream: AsyncIterable<StreamChunk>, chunks = Infinity): Promise<Float32Array[][]> {
  const parts: Float32Array[][] = [];
  let at = 0;
  for await (const { channels, startSample } of stream) {
    expect(startSample).toBe(at);
    at += channels[0].length;
    parts.push(channels);
    if (parts.length === chunks) break;
  }
  return parts;
}

const whole = (parts: Float32Array[][]) => parts.reduce((a, b) => joinAudio(a, b));

/** Columns that the language model has run. */
function countColumns({ engine }: MusicGen): () => number {
  const plan = engine.plan.bind(engine);
  let columns = 0;
  engine.plan = async (name, ...rest) => {
    const made = await plan(name, ...rest);
    if (!name.startsWith('step')) return made;
    return new Proxy(made, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (key === 'run') columns++;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  };
  return () => columns;
}

describe('a stream of MusicGen', async () => {
  const music = await load('musicgen_mono');

  it('is the clip of its recipe, over a join of windows, and heard before the first one is whole', async () => {
    const columns = countColumns(music);
    const stream = music.stream({ ...PIECE, durationSeconds: 31.4 });
    const parts: Float32Array[][] = [];
    for await (const { channels } of stream) {
      if (parts.length === 0) expect(columns()).toBeLessThan(2 * 50); // of 1,503
      parts.push(channels);
    }
    expect(parts.length).toBeGreaterThan(25);
    const recipe = JSON.parse(JSON.stringify(stream.recipe));
    expect(recipe).toMatchObject({ system: 'musicgen', durationSeconds: 31.4, seed: 3, weights: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const clip = await music.generate(recipe);
    const [heard] = whole(parts);
    expect(heard.length).toBe(31.4 * SECOND);
    expect(nmse(heard, clip.channels[0])).toBeLessThanOrEqual(1e-12);
    expect(clip.recipe).toEqual(recipe);
  }, 120_000);

  it('has no end unless it is given one, begins as every longer piece does, and lets the next job in when it is left', async () => {
    const stream = music.stream(PIECE);
    expect(stream.recipe).not.toHaveProperty('durationSeconds');
    const [heard] = whole(await take(stream, 3));
    const clip = await music.generate({ ...stream.recipe, durationSeconds: 4 });
    expect(nmse(heard, clip.channels[0].subarray(0, heard.length))).toBeLessThanOrEqual(1e-12);
    await expect(take(stream)).rejects.toMatchObject({ code: 'busy' });
  });

  it('stops when it is told to, and another plays', async () => {
    const stop = new AbortController();
    const events: MelodyEvent[] = [];
    const stream = music.stream({ ...PIECE, signal: stop.signal, onEvent: (event) => events.push(event) });
    const run = async () => {
      for await (const _ of stream) stop.abort();
    };
    await expect(run()).rejects.toMatchObject({ code: 'aborted' });
    expect(events.filter(({ type }) => type === 'chunk').length).toBe(1);
    expect((await take(music.stream({ ...PIECE, durationSeconds: 0.05 }))).length).toBe(1);
  });

  it('goes on from given sound as a clip does, at the rate of the model', async () => {
    const tone = Float32Array.from({ length: 44_100 }, (_, i) => 0.4 * Math.sin(i / 20));
    const continueFrom: AudioInput = { channels: [tone], sampleRate: 44_100 };
    const told: string[] = [];
    const options = { ...PIECE, continueFrom, durationSeconds: 1.3 };
    const [heard] = whole(await take(music.stream({ ...options, onEvent: (event) => event.type === 'warning' && told.push(event.code) })));
    expect(heard.length).toBe(1.3 * SECOND);
    expect(told).toContain('converted_audio');
    const own = { channels: convertAudio(continueFrom, SECOND, 1), sampleRate: SECOND };
    const clip = await music.generate({ ...options, continueFrom: own });
    expect(nmse(heard, clip.channels[0])).toBeLessThanOrEqual(1e-12);
  });

  it('refuses in a sentence, before any work', async () => {
    expect(() => music.stream({})).toThrow('prompt must be a text; got none');
    expect(() => music.stream({ ...PIECE, steps: 3 } as never)).toThrow('MusicGen has no setting steps');
    expect(() => music.stream({ ...PIECE, durationSeconds: -1 })).toThrow('durationSeconds must be a number from 0');
    expect(() => music.stream({ ...PIECE, melody: { channels: [new Float32Array(9)], sampleRate: 9 } })).toThrow('follows words alone');
    expect(() => music.stream(PIECE).steer({ prompt: 'techno' })).toThrow('musicgen_mono cannot change its prompt while it plays');
    const { peak, weights } = await music.stream(PIECE).predictMemory();
    expect(peak).toBeGreaterThan(weights);
  });

  it('draws by parts what it draws at once, also when others used the device between them', async () => {
    const { engine } = music;
    const { ids } = engine.model.tokenizer.encode(PIECE.prompt);
    const request = { ids, seed: 3, precision: 'f32' as const, guidanceScale: 3, temperature: 1, topK: 9, topP: 1, frames: 41 };
    const window = { most: 20, shared: 8 };
    const all = await drawCodes(engine, { ...request, window }, new Progress(undefined, undefined, engine), undefined);
    for (const disturbed of [false, true]) {
      const columns = new Columns(engine, { ...request, window });
      const codes: number[] = [];
      while (!columns.over) {
        codes.push(...(await columns.more(7, () => {}, undefined)));
        if (!disturbed) continue;
        await drawCodes(engine, { ...request, seed: 9 }, new Progress(undefined, undefined, engine), undefined);
        columns.forget();
      }
      expect(codes).toEqual([...all]);
    }
  });

  it('begins anew on a device that was lost, where it was', async () => {
    const [alone] = whole(await take(music.stream({ ...PIECE, durationSeconds: 2.5 })));
    const { engine } = music;
    const { settle } = engine;
    let left = 20;
    engine.settle = async (signal) => {
      if (--left === 0) throw new MelodyError('out_of_memory', 'none left');
      return settle.call(engine, signal);
    };
    const [again] = whole(await take(music.stream({ ...PIECE, durationSeconds: 2.5 })));
    engine.settle = settle;
    expect(left).toBeLessThan(0);
    expect(nmse(again, alone)).toBe(0);
  });
});

it('streams that share a model by its queue make what each makes alone', async () => {
  const music = await load('musicgen_stereo', 2);
  const pieces = [PIECE, { prompt: 'techno', seed: 4 }].map((piece) => ({ ...piece, durationSeconds: 3 }));
  const alone: Float32Array[] = [];
  for (const piece of pieces) alone.push((await music.generate(piece)).channels[0]);
  const together = await Promise.all(pieces.map(async (piece) => whole(await take(music.stream(piece)))[0]));
  for (const [i, heard] of together.entries()) expect(nmse(heard, alone[i])).toBeLessThanOrEqual(1e-12);
  music.dispose();
});

it('a stream of MusicGen Melody follows its tune', async () => {
  const music = await load('musicgen_melody');
  const tune: AudioInput = { channels: [Float32Array.from({ length: 32_000 }, (_, i) => 0.5 * Math.sin(i / 12))], sampleRate: 16_000 };
  const options = { ...PIECE, melody: tune, durationSeconds: 1.5 };
  const parts = whole(await take(music.stream(options)));
  const clip = await music.generate(options);
  expect(parts.length).toBe(clip.channels.length);
  for (const [c, heard] of parts.entries()) expect(nmse(heard, clip.channels[c])).toBeLessThanOrEqual(1e-12);
  music.dispose();
});
