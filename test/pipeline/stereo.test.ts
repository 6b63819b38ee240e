// Audio of any rate and number of channels, end to end, on a toy model of 48 kHz in stereo.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { convertAudio, joinAudio } from '../../src/audio/channels.ts';
import { readWav } from '../../src/audio/wav.ts';
import { writeWav } from '../../src/audio/wav_write.ts';
import { type Clip, MeLoDy } from '../../src/pipeline/melody.ts';
import { checkConfig } from '../../src/pipeline/model.ts';
import { decode } from '../../src/pipeline/stages/networks.ts';
import { RunningPhase } from '../../src/pipeline/stages/running_phase.ts';
import { randomArray } from '../helpers/data.ts';
import { TEST_CPU } from '../helpers/gpu.ts';
import { STEREO, stereoModel } from '../helpers/stereo.ts';

const { sampleRate: RATE } = STEREO;
const options = { prompt: 'calm piano', seed: 5, steps: 2, durationSeconds: 1.6 };
let melody: MeLoDy;
let clip: Clip;
beforeAll(async () => {
  melody = await MeLoDy.over(await stereoModel(), () => platform.openGpu(), TEST_CPU);
  clip = await melody.generate(options);
}, 180_000);
afterAll(() => melody.dispose());

const worst = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), a.length === b.length ? 0 : 9);
const rms = (x: Float32Array) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length);
/** Two seconds of a chord, another one in each channel. */
const song = (seconds: number, rate = RATE) => ({
  channels: [220, 330].map((hz) => Float32Array.from({ length: seconds * rate }, (_, i) => 0.3 * Math.sin((2 * Math.PI * hz * i) / rate))),
  sampleRate: rate,
});

describe('a clip', () => {
  it("has two channels that differ, exactly as long as asked for at the model's rate", () => {
    expect([clip.sampleRate, clip.channels.length, clip.report.channels]).toEqual([RATE, 2, 2]);
    for (const channel of clip.channels) {
      expect(channel.length).toBe(1.6 * RATE);
      expect(rms(channel)).toBeGreaterThan(1e-4);
    }
    expect(worst(clip.channels[0], clip.channels[1])).toBeGreaterThan(0.1 * rms(clip.channels[0]));
  });

  it('goes into a WAV file and comes back, channel by channel', () => {
    const wav = readWav(writeWav(clip, 'float32'));
    expect([wav.sampleRate, wav.channels]).toEqual([RATE, clip.channels]);
  });

  it('is the same when a stream makes it', async () => {
    const chunks: Float32Array[][] = [];
    let next = 0;
    const longer = { ...options, durationSeconds: 3.2, loudness: null }; // as made: a stream's level moves, a clip's does not
    for await (const { channels, sampleRate, startSample } of melody.stream(longer)) {
      expect([sampleRate, startSample, channels.length]).toEqual([RATE, next, 2]);
      expect(channels[1].length).toBe(channels[0].length);
      next += channels[0].length;
      chunks.push(channels);
    }
    expect(chunks.length).toBeGreaterThan(1);
    const streamed = joinAudio(...chunks);
    const whole = await melody.generate({ ...longer, firstWindowSeconds: 0.8 });
    for (const [c, channel] of whole.channels.entries()) expect(worst(streamed[c], channel)).toBeLessThanOrEqual(1e-4);
  });

  it('as a loop leads into its start in both channels', async () => {
    const { channels } = await melody.generate({ ...options, loop: true });
    expect(channels.map(({ length }) => length)).toEqual([1.6 * RATE, 1.6 * RATE]);
    for (const channel of channels) {
      const steps = channel.map((v, i) => Math.abs(v - channel[(i + channel.length - 1) % channel.length]));
      expect(steps[0]).toBeLessThanOrEqual(Math.max(...steps.subarray(1)));
    }
  });
});

describe('given audio', () => {
  it.each([
    ["stereo at the model's rate", song(2)],
    ['stereo at 44.1 kHz', song(2, 44_100)],
    ['mono at 24 kHz', { channels: [song(2, 24_000).channels[0]], sampleRate: 24_000 }],
    ['six channels at 48 kHz', { channels: [...song(2).channels, ...song(2).channels, ...song(2).channels], sampleRate: RATE }],
  ])('%s: the continuation joins each channel where it ends', async (_name, before) => {
    const { channels } = await melody.generate({ ...options, durationSeconds: 0.8, continueFrom: before, keepGiven: false });
    const given = convertAudio(before, RATE, 2);
    for (const [c, channel] of channels.entries()) {
      expect(channel.length).toBe(0.8 * RATE);
      expect(channel[0]).toBeCloseTo(given[c].at(-1) as number, 5);
    }
  });

  it('with a hole: outside it each channel keeps its bits, within it both are made anew', async () => {
    const init = song(2);
    const kept = init.channels.map((channel) => channel.slice());
    const { channels } = await melody.generate({
      prompt: 'piano',
      seed: 1,
      steps: 1,
      initAudio: init,
      inpaint: [{ start: 0.5, end: 1.25 }],
    });
    const [from, to] = [0.5 * RATE, 1.25 * RATE];
    for (const [c, channel] of channels.entries()) {
      expect(channel.length).toBe(2 * RATE);
      expect(channel.subarray(0, from)).toEqual(kept[c].subarray(0, from));
      expect(channel.subarray(to)).toEqual(kept[c].subarray(to));
      expect(worst(channel.subarray(from, to), kept[c].subarray(from, to))).toBeGreaterThan(0.05);
      expect(init.channels[c]).toEqual(kept[c]); // what was given is not written to
    }
  });

  it('as a style: any rate and number of channels is heard as the same sound', async () => {
    const style = { seed: 3, steps: 1, durationSeconds: 0.4 };
    const both = song(4, 24_000);
    const mid = { channels: convertAudio(both, 24_000, 1), sampleRate: 24_000 };
    const [a, b] = [await melody.generate({ ...style, promptAudio: both }), await melody.generate({ ...style, promptAudio: mid })];
    expect(a.channels).toEqual(b.channels);
  });
});

describe('converting audio', () => {
  it('keeps equal channels, spreads mono, mixes the rest, and never hands out what was given', () => {
    const [left, right] = [Float32Array.of(1, 2), Float32Array.of(3, 6)];
    const of = (channels: Float32Array[], count: number) => convertAudio({ channels, sampleRate: 8000 }, 8000, count);
    expect(of([left, right], 2)).toEqual([left, right]);
    expect(of([left, right], 2)[0]).not.toBe(left);
    const spread = of([left], 2);
    expect(spread).toEqual([left, left]);
    expect(new Set([...spread, left]).size).toBe(3);
    expect(of([left, right], 1)).toEqual([Float32Array.of(2, 4)]);
    expect(of([left, right, right], 2)[1]).toEqual(of([left, right, right], 1)[0]);
    const up = convertAudio({ channels: [left, right], sampleRate: 8000 }, 16_000, 2);
    expect(up.map(({ length }) => length)).toEqual([4, 4]);
  });
});

it('a decoder with two heads makes two channels too', async () => {
  const older = await MeLoDy.over(await stereoModel({ older: true }), () => platform.openGpu(), TEST_CPU);
  const { channels } = await older.generate(options);
  expect(channels.map(({ length }) => length)).toEqual([1.6 * RATE, 1.6 * RATE]);
  expect(worst(channels[0], channels[1])).toBeGreaterThan(0.1 * rms(channels[0]));
  older.dispose();
});

it('a recipe with its tuning makes the same bytes, and the tuning is heard', async () => {
  const high = await melody.generate({ ...options, durationSeconds: 0.8, tuning: 448 });
  expect((await melody.generate({ ...high.recipe })).channels).toEqual(high.channels);
  const plain = await melody.generate({ ...options, durationSeconds: 0.8 });
  for (const c of [0, 1]) expect(worst(high.channels[c], plain.channels[c])).toBeGreaterThan(0.02);
});

it('predicted memory is the measured peak: a clip, what is given, a loop', async () => {
  const fresh = await MeLoDy.over(await stereoModel(), () => platform.openGpu(), TEST_CPU);
  for (const job of [
    { ...options, promptAudio: song(1) },
    { ...options, loop: true },
    { ...options, continueFrom: song(2) },
  ]) {
    const { peak } = await fresh.predictMemory(job);
    expect((await fresh.generate(job)).timings.peakBytes).toBe(peak);
  }
  fresh.dispose();
}, 120_000);

describe('two channels of a decoded piece', () => {
  it('parts with the phase carried equal the whole', async () => {
    const { config } = melody.model;
    const z = randomArray(90 * config.latent_dim, 5, 1.5);
    const phase = () => RunningPhase.of(config, { seed: 7 });
    const whole = await decode(melody.engine, z, 0, 90, { phase: phase() });
    const carried = phase();
    const parts: Float32Array[][] = [];
    for (const [from, to] of [
      [0, 31],
      [31, 64],
      [64, 65],
      [65, 90],
    ])
      parts.push(await decode(melody.engine, z, from, to, { phase: carried }));
    for (const [c, channel] of joinAudio(...parts).entries()) expect(worst(channel, whole[c])).toBeLessThanOrEqual(1e-5);
    expect(rms(whole[0])).toBeGreaterThan(0.01);
  });
});

it('a config whose channels do not agree with its decoder is refused', async () => {
  const { config } = await stereoModel();
  const check = (changes: object) => () => checkConfig({ ...config, ...changes }, 'toy');
  expect(check({})).not.toThrow();
  expect(check({ channels: 1 })).toThrow(/vae_decoder.channels is 2, channels is 1/);
  expect(check({ channels: 1 })).toThrow(/vae_encoder.channels is 2, channels is 1/);
  expect(check({ channels: 0 })).toThrow(/channels must be a whole number over 0/);
  expect(check({ channels: 9 })).toThrow(/channels must be at most 8/);
});

it('a config whose codec does not hold together is refused, field by field', async () => {
  const { config } = await stereoModel();
  const changed = (part: 'vae_decoder' | 'vae_encoder', change: object) => () =>
    checkConfig({ ...config, [part]: { ...config[part], ...change } }, 'toy');
  expect(changed('vae_decoder', { image: undefined })).toThrow(/vae_decoder.channels is 2, the number that vae_decoder.image makes is 1/);
  expect(changed('vae_decoder', { channels: 1 })).toThrow(/vae_decoder.channels is 1, the number that vae_decoder.image makes is 2/);
  for (const image of [{ bands: 0 }, { bands: 482 }, { bands: 1.5 }, {}])
    expect(changed('vae_decoder', { image })).toThrow(/vae_decoder.image must have bands, a whole number up to 481/);
  expect(changed('vae_encoder', { sample_rate: 44100 })).toThrow(/vae_encoder.sample_rate is 44100, sample_rate is 48000/);
  expect(changed('vae_encoder', { sample_rate: undefined })).toThrow(/vae_encoder.sample_rate is undefined/);
  for (const gain of [0, -1, 'loud']) expect(changed('vae_encoder', { gain })).toThrow(/vae_encoder.gain must be a number/);
  const air = { size: 512, hop: 480, low: 12000, high: 20250, bands: 8 };
  for (const change of [{ bands: 7 }, { bands: 0 }, { high: 30000 }, { low: 21000 }, { hop: 500 }, { size: undefined }])
    expect(changed('vae_encoder', { air: { ...air, ...change } })).toThrow(/vae_encoder.air must have size and hop/);
  for (const image of [{ size: 1920, bands: 962 }, { size: 480, bands: 24 }, { bands: 24 }])
    expect(changed('vae_encoder', { image })).toThrow(/vae_encoder.image must have size and bands/);
});
