// MusicGen Melody from a folder in transformers' layout against that library (tools/musicgen_melody_goldens.py), mono and stereo.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { Cpu } from '../../src/cpu/runner.ts';
import { MelodyError } from '../../src/errors.ts';
import type { Gpu } from '../../src/gpu/device.ts';
import { Graph } from '../../src/graph/graph.ts';
import { keysAndValues, musicgenPrefix, musicgenStep } from '../../src/models/musicgen_decoder.ts';
import { t5Encoder } from '../../src/models/t5_encoder.ts';
import { systemMisfits } from '../../src/systems/inspect.ts';
import { systemOf } from '../../src/systems/kind.ts';
import { asLong, chromaOf } from '../../src/systems/musicgen/chroma.ts';
import { openMusicgen, projectionsOf } from '../../src/systems/musicgen/model.ts';
import { MusicGen } from '../../src/systems/musicgen/musicgen.ts';
import { placeAt } from '../../src/systems/place.ts';
import type { SystemOptions } from '../../src/systems/system.ts';
import { nmse } from '../helpers/data.ts';
import { golden } from '../helpers/goldens.ts';
import { runnerOf, useGpu } from '../helpers/gpu.ts';

const MODELS = ['musicgen_melody', 'musicgen_melody_stereo'];
const PROMPT = 'slow piano ballad with warm strings';
const LIMIT = 1e-9;
const adapter = useGpu();
let cpu: Cpu;
beforeAll(async () => {
  cpu = await Cpu.open(platform.threads, { threads: 1 });
});
afterAll(() => cpu.dispose());

const folder = (name: string) => new URL(`../goldens/systems/${name}/`, import.meta.url);

/** The folder, with the tokenizer that the goldens keep once. */
function place(name: string) {
  const [own, other] = [placeAt(folder(name), (at) => platform.openFolder(at)), platform.openFolder(folder('musicgen_mono'))];
  return { ...own, open: async (file: string, signal?: AbortSignal) => (file === 'tokenizer.json' ? other : own).open(file, signal) };
}

async function modelOf(name: string) {
  const at = place(name);
  return openMusicgen(at, (await systemOf(at)).config);
}

describe.each(MODELS)('%s', async (name) => {
  const gold = await golden(`systems/${name}.golden`);
  const model = await modelOf(name);
  const { weights, config, chroma } = model;
  if (!chroma || !config.melody) throw new Error(`${name} hears no tune`);
  const { chroma_length: frames, num_chroma: classes } = config.melody;

  it('has no fault', async () => {
    const at = place(name);
    const { kind, config: json } = await systemOf(at);
    if (kind !== 'musicgen') throw new Error(kind);
    const { faults, unused, title } = await systemMisfits(at, kind, json);
    expect([faults, unused]).toEqual([[], []]);
    expect(title).toMatch(/^MusicGen Melody, 8000 Hz/);
  });

  it('hears the pitch classes that the library hears', () => {
    expect([...chromaOf(gold.get('sound'), chroma)]).toEqual([...gold.ids('chroma')]);
  });

  const logits = async (gpu: Gpu) => {
    const { decoder, text_encoder } = config;
    const runner = runnerOf(gpu);
    const [k, columns] = gold.shape('columns');
    const ids = gold.ids('prompt');
    const before = frames + ids.length;
    expect(before).toBe(gold.ids('prefix')[0]);
    const cache = keysAndValues('self', decoder, 1, before + columns);
    const reading = new Graph(gpu.caps);
    const states = t5Encoder(reading, weights.at('text_encoder'), reading.input('ids', [ids.length], 'u32'), text_encoder);
    const tune = reading.input('tune', [frames, classes]);
    musicgenPrefix(reading, weights.at('decoder'), projectionsOf(weights, config), tune, states, decoder, cache, 1);
    const stepping = new Graph(gpu.caps);
    const step = { cache, column: stepping.scalar('column'), batch: 1 } as const;
    stepping.output('logits', musicgenStep(stepping, weights.at('decoder'), stepping.input('ids', [1, k], 'u32'), decoder, step));
    weights.check();
    const [read, one] = [await runner.compile(reading, { poison: true }), await runner.compile(stepping, { poison: true, guard: true })];
    const pitches = asLong(gold.ids('chroma'), frames);
    read.run(
      {},
      { ids, tune: Float32Array.from({ length: frames * classes }, (_, i) => (pitches[Math.floor(i / classes)] === i % classes ? 1 : 0)) },
    );
    const got: number[] = [];
    for (let t = 0; t < columns; t++) {
      one.run({ column: before + t }, { ids: Uint32Array.from({ length: k }, (_, q) => gold.ids('columns')[q * columns + t]) });
      got.push(...(await one.read('logits')));
    }
    const vocab = decoder.vocab_size;
    const expected = gold.get('logits');
    const sorted = Float32Array.from(
      got,
      (_, n) => expected[(Math.floor((n % (k * vocab)) / vocab) * columns + Math.floor(n / (k * vocab))) * vocab + (n % vocab)],
    );
    expect(nmse(Float32Array.from(got), sorted)).toBeLessThanOrEqual(LIMIT);
    read.dispose();
    one.dispose();
    runner.residents.dispose();
  };
  it('reads tune and text, then columns: WebGPU', () => logits(adapter()));
  it('reads tune and text, then columns: CPU', () => logits(cpu as unknown as Gpu));

  const greedy = async (options: SystemOptions, pieces: readonly [part: string, guidanceScale: number, tune: boolean][]) => {
    const system = await MusicGen.over(model, { precision: 'f32', ...options });
    for (const [part, guidanceScale, tune] of pieces) {
      const [channels, samples] = gold.shape(part);
      const melody = { channels: [gold.get('sound')], sampleRate: 8000 };
      const durationSeconds = samples / 8000;
      const clip = await system.generate({
        prompt: PROMPT,
        durationSeconds,
        temperature: 0,
        guidanceScale,
        seed: 1,
        ...(tune && { melody }),
      });
      expect(clip.channels.length).toBe(channels);
      for (const [c, sound] of clip.channels.entries()) {
        expect(sound.length).toBe(samples);
        expect(nmse(sound, gold.get(part).subarray(c * samples, (c + 1) * samples))).toBeLessThanOrEqual(LIMIT);
      }
    }
    system.dispose();
  };
  const CPU: SystemOptions = { device: 'cpu', threads: 1 };
  it('greedy pieces after a tune, after none, without guidance: CPU', () =>
    greedy(CPU, [
      ['greedy_tune', 3, true],
      ['greedy_none', 3, false],
      ['greedy_plain', 1, true],
    ]));
});

describe('a tune', async () => {
  const system = await MusicGen.over(await modelOf('musicgen_melody'), { device: 'cpu', threads: 1 });
  afterAll(() => system.dispose());
  const melody = { channels: [(await golden('systems/musicgen_melody.golden')).get('sound')], sampleRate: 8000 };
  const options = { prompt: PROMPT, durationSeconds: 0.1, seed: 2 };

  it('is refused where it cannot be followed', async () => {
    await expect(system.generate({ ...options, melody, continueFrom: melody })).rejects.toThrow('melody and continueFrom are both given');
    await expect(system.generate({ ...options, melody: { channels: [], sampleRate: 8000 } })).rejects.toThrow('melody: got channels');
    const other = await MusicGen.over(await modelOf('musicgen_mono'), { device: 'cpu', threads: 1 });
    await expect(other.generate({ ...options, melody })).rejects.toThrow('melody: musicgen_mono follows words alone');
    other.dispose();
  });

  it('is told of where preprocessor_config.json and config.json disagree', async () => {
    const at = place('musicgen_melody');
    const open = async (file: string, signal?: AbortSignal) => {
      if (file !== 'preprocessor_config.json') return at.open(file, signal);
      const text = new TextEncoder().encode('{"n_fft": 1000, "num_chroma": 11}');
      return { name: file, size: text.length, read: async (start: number, end: number) => text.slice(start, end) };
    };
    const refused = await openMusicgen({ ...at, open }, (await systemOf(at)).config).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(MelodyError);
    expect((refused as MelodyError).message).toMatch(
      /num_chroma is 11, that of config.json 12.*\n.*n_fft is 1000; expected a power of two/,
    );
  });
});
