// A decoder whose phase runs on: parts equal the whole, loops close, given tones go on, held latents are in tune.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RealFft } from '../../src/audio/fft.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { checkConfig, type ModelConfig } from '../../src/pipeline/model.ts';
import { decode as decodeChannels } from '../../src/pipeline/stages/networks.ts';
import { RunningPhase } from '../../src/pipeline/stages/running_phase.ts';
import { platform } from '../../src/platform/node.ts';
import { randomArray } from '../helpers/data.ts';
import { TEST_GPU } from '../helpers/gpu.ts';
import { runningModel } from '../helpers/running.ts';

let melody: MeLoDy;
let config: ModelConfig;
beforeAll(async () => {
  const model = await runningModel({ pitches: { lowest: 24, count: 60, bins: 40, smooth: 4 } });
  config = model.config;
  melody = await MeLoDy.over(model, () => platform.openGpu(), TEST_GPU);
});
afterAll(() => melody.dispose());

const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((m, v, i) => Math.max(m, Math.abs(v - b[i])), a.length === b.length ? 0 : Infinity);
const phase = (options: Partial<Parameters<typeof RunningPhase.of>[1]> = {}) => RunningPhase.of(config, { seed: 7, ...options });
/** The only channel. */
const decode = (...asked: Parameters<typeof decodeChannels>) => decodeChannels(...asked).then(([audio]) => audio);
const latents = (frames: number) => randomArray(frames * config.latent_dim, 5, 1.5);

describe('decode', () => {
  it('parts with the phase carried equal the whole, wherever they are cut', async () => {
    const z = latents(120);
    const whole = await decode(melody.engine, z, 0, 120, { phase: phase() });
    const carried = phase();
    const parts: number[] = [];
    for (const [from, to] of [
      [0, 31],
      [31, 64],
      [64, 65],
      [65, 120],
    ])
      parts.push(...(await decode(melody.engine, z, from, to, { phase: carried })));
    expect(worst(Float32Array.from(parts), whole)).toBeLessThanOrEqual(1e-5);
    expect(Math.max(...whole.map(Math.abs))).toBeGreaterThan(0.05);
    const fresh = await decode(melody.engine, z, 64, 120, { phase: phase({ from: 64 }) });
    expect(worst(fresh, whole.slice(64 * 480))).toBeGreaterThan(0.05); // what is carried matters
  });

  it('another seed is another noise, and the same seed the same bytes', async () => {
    const z = latents(40);
    const of = (seed: number) => decode(melody.engine, z, 0, 40, { phase: phase({ seed }) });
    const [a, again, b] = [await of(1), await of(1), await of(2)];
    expect(again).toEqual(a);
    expect(worst(a, b)).toBeGreaterThan(0.05);
  });

  it('refuses a piece without its phase', async () => {
    expect(() => decode(melody.engine, latents(20), 0, 20)).toThrow("decode: this decoder's phase runs on");
  });

  it('a held latent sounds at exact semitones below 1 kHz, of any tuning, and does not repeat after a hop', async () => {
    // One spectral frame to a latent: the frames of a pair may choose different pitches, and untrained weights do.
    const model = await runningModel({ upsample: 1, fft_size: 1920, pitches: { lowest: 24, count: 60, bins: 80 } });
    const other = await MeLoDy.over(model, () => platform.openGpu(), TEST_GPU);
    const frames = 360;
    const one = latents(1);
    const z = new Float32Array(frames * config.latent_dim).map((_, i) => one[i % config.latent_dim]);
    for (const tuning of [440, 450]) {
      const audio = await decode(other.engine, z, 0, frames, { phase: RunningPhase.of(model.config, { seed: 7, tuning }) });
      const held = audio.slice(40 * 480, 40 * 480 + 2 ** 17); // away from the ends
      for (const hz of peaks(held, 24000, 60, 900)) {
        const semitones = 69 + 12 * Math.log2(hz / tuning);
        expect(Math.abs(semitones - Math.round(semitones))).toBeLessThan(0.02); // 2 cents
      }
      expect(peaks(held, 24000, 60, 900).length).toBeGreaterThan(10);
      const later = held.slice(480);
      const difference = later.reduce((sum, v, i) => sum + (v - held[i]) ** 2, 0) / later.reduce((sum, v) => sum + v * v, 0);
      expect(difference).toBeGreaterThan(0.5);
    }
    other.dispose();
  });
});

/** Hz of the spectrum's maxima within 20 dB of the highest, by a parabola through logarithms. */
function peaks(audio: Float32Array, rate: number, low: number, high: number): number[] {
  const n = audio.length;
  const power = new Float64Array(n / 2 + 1);
  new RealFft(n).power(
    Float64Array.from(audio, (v, i) => v * (0.5 - 0.5 * Math.cos((2 * Math.PI * i) / n))),
    power,
  );
  const level = (k: number) => Math.log(power[k] + 1e-30);
  const bins = Array.from({ length: Math.floor(((high - low) * n) / rate) }, (_, i) => Math.ceil((low * n) / rate) + i);
  const most = Math.max(...bins.map(level));
  return bins
    .filter((k) => level(k) > most - 4.6 && level(k) > level(k - 1) && level(k) >= level(k + 1))
    .map((k) => {
      const [a, b, c] = [level(k - 1), level(k), level(k + 1)];
      return ((k + (0.5 * (a - c)) / (a - 2 * b + c)) * rate) / n;
    });
}

describe('loops', () => {
  it('the phase closes: going on behind the end plays the start again', async () => {
    const frames = 80;
    const z = latents(frames);
    const closed = phase({ circle: frames });
    const how = { circular: true, phase: closed };
    await closed?.close(() => decode(melody.engine, z, 0, frames, how), frames);
    const loop = await decode(melody.engine, z, 0, frames, how);
    const again = await decode(melody.engine, z, frames, frames + 30, how);
    expect(worst(again, loop.slice(0, 30 * 480))).toBeLessThanOrEqual(1e-4);
    const open = { circular: true, phase: phase({ circle: frames }) };
    await decode(melody.engine, z, 0, frames, open);
    const jump = await decode(melody.engine, z, frames, frames + 30, open);
    expect(worst(jump, loop.slice(0, 30 * 480))).toBeGreaterThan(0.05);
  });
});

describe('given audio', () => {
  const hz = 600; // the middle of bin 24
  const tone = (seconds: number) =>
    Float32Array.from({ length: seconds * 24000 }, (_, i) => 0.3 * Math.cos((2 * Math.PI * hz * i) / 24000 + 1));

  it('its tones run on: the phase before the first frame is theirs', () => {
    const until = 24000;
    const start = phase({ from: 50, given: { audio: tone(1), until } })?.part(40, 100).inputs.start as Uint32Array;
    const frame = until / 240 - 3; // the last one whose window lies within
    const first = frame * 240 - 360;
    const turns = (hz * first) / 24000 + 1 / (2 * Math.PI);
    expect(start[24] / 2 ** 32).toBeCloseTo(turns - Math.floor(turns), 4);
    expect(start[300]).toBe(phase()?.part(40, 100).inputs.start[300]); // no sound there: chance
  });

  it('the phase ends where the tones behind a hole are', async () => {
    const z = latents(120);
    const audio = tone(2.4);
    const options = { from: 20, given: { audio, until: 20 * 480 + 100 } };
    const [closed, free] = [phase(options), phase(options)];
    await closed?.close(() => decode(melody.engine, z, 20, 100, { phase: closed }), 100, audio);
    const reached = async (p: RunningPhase | undefined) => {
      await decode(melody.engine, z, 20, 100, { phase: p });
      return (p?.part(90, 120).inputs.start[24] ?? 0) / 2 ** 32;
    };
    const turns = (hz * (197 * 240 - 360)) / 24000 + 1 / (2 * Math.PI); // frame 197 = 2 · 100 − 3
    const off = (x: number) => Math.abs(x - turns - Math.round(x - turns));
    expect(off(await reached(closed))).toBeLessThan(1e-3);
    expect(off(await reached(free))).toBeGreaterThan(1e-2);
  });
});

describe('the whole', () => {
  // As made: a stream finds its level as it goes, a clip is levelled as a whole.
  const options = { prompt: 'calm piano', seed: 3, steps: 1, durationSeconds: 4.6, loudness: null };

  it('a stream equals generate with the same windows; a recipe with its tuning makes the same bytes', async () => {
    const streamed: number[] = [];
    for await (const { channels } of melody.stream(options)) streamed.push(...channels[0]);
    const clip = await melody.generate({ ...options, firstWindowSeconds: 0.8 });
    expect(worst(Float32Array.from(streamed), clip.channels[0])).toBeLessThanOrEqual(1e-4);
    const high = await melody.generate({ ...options, durationSeconds: 1, tuning: 448 });
    const again = await melody.generate({ ...high.recipe });
    expect(again.channels[0]).toEqual(high.channels[0]);
    expect(worst(high.channels[0], clip.channels[0].slice(0, 24000))).toBeGreaterThan(0.02);
  });
});

describe('a config of this kind', () => {
  it('is held against itself: rate, framing, pitches, reference, directions', () => {
    expect(checkConfig(config, 'x')).toBe(config);
    const changed = (change: object) => () =>
      checkConfig({ ...config, vae_decoder: { ...config.vae_decoder, ...change } } as ModelConfig, 'x');
    expect(changed({ sample_rate: 48000 })).toThrow('vae_decoder.sample_rate is 48000, sample_rate is 24000');
    expect(changed({ fft_size: 480 })).toThrow('vae_decoder.fft_size is 480, 4 · hop_length / upsample is 960');
    expect(changed({ pitches: { lowest: 24, count: 0, bins: 40 } })).toThrow('vae_decoder.pitches must have');
    expect(changed({ pitches: undefined })).toThrow('vae_decoder.pitches must have');
    expect(changed({ reference_pitch: 'A' })).toThrow('vae_decoder.reference_pitch must be a number of Hz from 220 to 880; got "A"');
    expect(changed({ directed: 482 })).toThrow('vae_decoder.directed must be a whole number from pitches.bins to 481; got 482');
  });
});
