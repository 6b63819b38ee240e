// Audio of any rate and number of channels, end to end, on a toy model of 48 kHz in stereo.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { convertAudio, joinAudio } from '../../src/audio/channels.ts';
import { readWav } from '../../src/audio/wav.ts';
import { writeWav } from '../../src/audio/wav_write.ts';
import { type Clip, Melody } from '../../src/pipeline/melody.ts';
import { checkConfig } from '../../src/pipeline/model.ts';
import { TEST_GPU } from '../helpers/gpu.ts';
import { STEREO, stereoModel } from '../helpers/stereo.ts';

const { sampleRate: RATE } = STEREO;
const options = { prompt: 'calm piano', seed: 5, steps: 2, durationSeconds: 1.6 };
let melody: Melody;
let clip: Clip;
beforeAll(async () => {
  melody = await Melody.over(await stereoModel(), () => platform.openGpu(), TEST_GPU);
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
    const { channels } = await melody.generate({ ...options, durationSeconds: 0.8, continueFrom: before });
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

it('a config whose channels do not agree with its decoder is refused', async () => {
  const { config } = await stereoModel();
  const check = (changes: object) => () => checkConfig({ ...config, ...changes }, 'toy');
  expect(check({})).not.toThrow();
  expect(check({ channels: 1 })).toThrow(/vae_decoder.channels is 2, channels is 1/);
  expect(check({ channels: 0 })).toThrow(/channels must be a whole number over 0/);
  expect(check({ channels: 9 })).toThrow(/channels must be at most 8/);
});
