// A tiny MusicGen from a folder in transformers' layout, played end to end; greedy pieces against transformers' own generate().
import { describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { convertAudio } from '../../src/audio/channels.ts';
import { decoderContext } from '../../src/models/encodec.ts';
import type { MelodyEvent } from '../../src/pipeline/options.ts';
import { Progress } from '../../src/pipeline/progress.ts';
import type { ByteFolder } from '../../src/platform/bytes.ts';
import { systemOf } from '../../src/systems/kind.ts';
import { loadSystem } from '../../src/systems/load.ts';
import { openMusicgen } from '../../src/systems/musicgen/model.ts';
import { MusicGen } from '../../src/systems/musicgen/musicgen.ts';
import { decodeCodes, drawCodes } from '../../src/systems/musicgen/stages.ts';
import type { SystemOptions } from '../../src/systems/system.ts';
import { nmse } from '../helpers/data.ts';
import { golden } from '../helpers/goldens.ts';

const folder = (name: string) => new URL(`../goldens/systems/${name}/`, import.meta.url);
const PROMPT = 'slow piano ballad with warm strings';
const CPU: SystemOptions = { device: 'cpu', threads: 1, precision: 'f32' };

/** A folder that takes from a second one what it lacks: the stereo model has the mono one's tokenizer. */
function over(first: ByteFolder, second: ByteFolder): ByteFolder {
  return { name: first.name, open: async (file, signal) => (await first.open(file, signal)) ?? second.open(file, signal) };
}

async function open(name: string, options: SystemOptions): Promise<MusicGen> {
  const place = over(platform.openFolder(folder(name)), platform.openFolder(folder('musicgen_mono')));
  return MusicGen.over(await openMusicgen(place, (await systemOf(place)).config), options);
}

async function expectGreedy(name: string, options: SystemOptions): Promise<void> {
  const system = await open(name, options);
  const gold = await golden(`systems/${name}.golden`);
  const [channels, samples] = gold.shape('greedy_audio');
  const clip = await system.generate({
    prompt: PROMPT,
    durationSeconds: samples / system.sampleRate,
    temperature: 0,
    guidanceScale: 3,
    seed: 1,
  });
  expect(clip.channels.length).toBe(channels);
  clip.channels.forEach((sound, c) => {
    expect(sound.length).toBe(samples);
    expect(nmse(sound, gold.get('greedy_audio').subarray(c * samples, (c + 1) * samples))).toBeLessThanOrEqual(1e-9);
  });
  system.dispose();
}

describe('greedy pieces are those of transformers', () => {
  for (const name of ['musicgen_mono', 'musicgen_stereo']) {
    it(`${name}, CPU`, () => expectGreedy(name, CPU));
    it(`${name}, WebGPU`, () => expectGreedy(name, { device: 'gpu', untested: true, precision: 'f32' }));
  }
});

describe('a mono MusicGen on the CPU', async () => {
  const system = (await loadSystem(folder('musicgen_mono'), CPU)) as MusicGen;

  it('makes the same piece of the same seed, exactly as long as asked, and another of another', async () => {
    const events: MelodyEvent[] = [];
    const options = { prompt: PROMPT, durationSeconds: 0.5001, seed: 7 };
    const clip = await system.generate({ ...options, onEvent: (event) => events.push(event) });
    expect(clip.channels[0].length).toBe(Math.round(0.5001 * 8000));
    expect(clip.sampleRate).toBe(8000);
    const again = await system.generate(clip.recipe);
    expect(Buffer.compare(Buffer.from(again.channels[0].buffer), Buffer.from(clip.channels[0].buffer))).toBe(0);
    const other = await system.generate({ ...options, seed: 8 });
    expect(nmse(other.channels[0], clip.channels[0])).toBeGreaterThan(0.01);
    const fractions = events.flatMap((event) => (event.type === 'progress' ? [event.fraction] : []));
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(fractions[fractions.length - 1]).toBe(1);
    expect(clip.recipe).toMatchObject({ system: 'musicgen', model: 'musicgen_mono', topK: 250, guidanceScale: 3, seed: 7 });
  });

  it('decodes in tiles what it decodes at once', async () => {
    const { engine } = system;
    const codes = Uint32Array.from({ length: 4 * 37 }, (_, i) => (i * 7919) % 64);
    const progress = new Progress(undefined, undefined, engine);
    const [whole] = await decodeCodes(engine, codes, progress, undefined);
    const context = decoderContext(engine.model.config.audio_encoder);
    for (const [frames, samples] of [
      [1512, 2 * context + 1],
      [1512, 16],
      [1512, 36],
      [13, 16],
      [14, 50],
    ]) {
      const [tiled] = await decodeCodes(engine, codes, progress, undefined, { frames, samples });
      expect(tiled.length).toBe(37 * 160);
      expect(nmse(tiled, whole)).toBeLessThanOrEqual(1e-12);
    }
  });

  it('goes on by windows whose first frames are those of the one before', async () => {
    const { engine } = system;
    const { ids } = engine.model.tokenizer.encode(PROMPT);
    const progress = new Progress(undefined, undefined, engine);
    const request = { ids, seed: 3, precision: 'f32' as const, guidanceScale: 1, temperature: 1, topK: 9, topP: 1 };
    const long = await drawCodes(engine, { ...request, frames: 41, window: { most: 20, shared: 8 } }, progress, undefined);
    const first = await drawCodes(engine, { ...request, frames: 20 }, progress, undefined);
    expect([...long.subarray(0, 4 * 20)]).toEqual([...first]);
    expect([...long].every((code) => code < 64)).toBe(true);
    // the second window alone, told what the first has made: the draws count frames of the piece, so the seed moves on with it
    const again = await drawCodes(
      engine,
      { ...request, frames: 41, known: long.slice(0, 4 * 20), window: { most: 20, shared: 8 } },
      progress,
      undefined,
    );
    expect([...again]).toEqual([...long]);
    const one = await drawCodes(engine, { ...request, frames: 41 }, progress, undefined);
    expect([...one.subarray(0, 4 * 17)]).toEqual([...first.subarray(0, 4 * 17)]); // behind them a window ends in padding
    expect([...one]).not.toEqual([...long]);
  });

  it('goes on from given sound', async () => {
    const tone = Float32Array.from({ length: 4410 }, (_, i) => 0.4 * Math.sin(i / 20));
    const options = { prompt: PROMPT, durationSeconds: 0.25, seed: 2 };
    const clip = await system.generate({ ...options, continueFrom: { channels: [tone, tone], sampleRate: 44_100 } });
    expect([clip.sampleRate, clip.channels.map(({ length }) => length)]).toEqual([44_100, [11_025, 11_025]]); // as the given sound
    const alone = await system.generate(options);
    expect(nmse(convertAudio(clip, 8000, 1)[0].subarray(0, 2000), alone.channels[0])).toBeGreaterThan(0.01);
    const short = { channels: [tone.subarray(0, 300)], sampleRate: 44_100 };
    await expect(system.generate({ ...options, continueFrom: short })).rejects.toThrow('expected at least 160 at 8000 Hz');
  });

  it('says what its weights allow', () => {
    expect(system.licence).toMatch(/CC-BY-NC/);
  });

  it('refuses what it cannot do, in a sentence', async () => {
    const refused = (options: object) => expect(system.generate({ prompt: PROMPT, ...options } as never)).rejects;
    await refused({ steps: 10 }).toThrow('MusicGen has no setting steps; it has prompt, durationSeconds');
    await refused({ loop: true }).toThrow('MusicGen has no setting loop');
    await refused({ durationSeconds: 601 }).toThrow('durationSeconds must be a number from 0 to 600; got 601');
    await refused({ durationSeconds: 0 }).toThrow('durationSeconds must be over 0; got 0');
    await refused({ seed: 1.5 }).toThrow('seed must be a whole number');
    await refused({ prompt: '  ' }).toThrow('prompt: there is nothing in it');
    await refused({ prompt: 'a b c d '.repeat(200) }).toThrow('tokens, expected at most 512');
    await refused({ topP: 0 }).toThrow('topP must be over 0');
  });

  it('stops when it is told to, and plays again', async () => {
    const stop = new AbortController();
    const options = { prompt: PROMPT, durationSeconds: 20, seed: 1, signal: stop.signal };
    const run = system.generate({ ...options, onEvent: (event) => event.type === 'progress' && event.fraction > 0.05 && stop.abort() });
    await expect(system.generate({ prompt: PROMPT })).rejects.toMatchObject({ code: 'busy' });
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    await system.generate({ prompt: PROMPT, durationSeconds: 0.1 });
  });

  it('predicts its memory, and refuses where there is too little', async () => {
    const { peak, weights } = await system.predictMemory({ prompt: PROMPT, durationSeconds: 1 });
    expect(weights).toBeGreaterThan(200_000);
    expect(peak).toBeGreaterThan(weights);
    const halves = (await loadSystem(folder('musicgen_mono'), { ...CPU, precision: 'f16' })) as MusicGen;
    expect((await halves.predictMemory({ prompt: PROMPT, durationSeconds: 1 })).weights).toBeLessThan(0.9 * weights);
    expect((await halves.generate({ prompt: PROMPT, durationSeconds: 0.1, seed: 1 })).recipe.precision).toBe('f16');
    halves.dispose();
    const bytes = (await loadSystem(folder('musicgen_mono'), { ...CPU, precision: 'int8' })) as MusicGen;
    expect((await bytes.predictMemory({ prompt: PROMPT, durationSeconds: 1 })).weights).toBeLessThan(0.8 * weights);
    const asked = { prompt: PROMPT, durationSeconds: 0.3, seed: 1 };
    const clip = await bytes.generate(asked);
    expect(clip.recipe.precision).toBe('int8');
    expect((await bytes.generate(clip.recipe)).channels).toEqual(clip.channels);
    await expect(system.generate(clip.recipe)).rejects.toThrow('made with matrices in int8, these lie in f32');
    bytes.dispose();
    await expect(loadSystem(folder('musicgen_mono'), { ...CPU, precision: 'q4' as 'f16' })).rejects.toThrow(
      'precision must be "f32", "f16", "int8"; got "q4"',
    );
    const small = await loadSystem(folder('musicgen_mono'), { ...CPU, memoryLimit: 300_000 });
    await expect(small.generate({ prompt: PROMPT })).rejects.toMatchObject({ code: 'out_of_memory' });
    small.dispose();
  });
});
