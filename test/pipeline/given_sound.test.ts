// Sound that a person gives is heard right, whatever made it.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { convertAudio } from '../../src/audio/channels.ts';
import { bandLimit, resample } from '../../src/audio/resample.ts';
import { readWav } from '../../src/audio/wav.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import type { MelodyEvent } from '../../src/pipeline/options.ts';
import { latentsOfAudio, sayOfGiven } from '../../src/pipeline/stages/given.ts';
import { noise } from '../audio/signals.ts';
import { TEST_CPU } from '../helpers/gpu.ts';

test('tones that the training never had, above 0.95 of the Nyquist frequency, hardly change what the encoder hears', {
  timeout: 180_000,
}, async () => {
  const { channels, sampleRate } = readWav(readFileSync(new URL('../goldens/corpus_clip.wav', import.meta.url)));
  const melody = await MeLoDy.load(new URL('../../weights/melody-small/', import.meta.url), TEST_CPU);
  const { sample_rate: rate, channels: count = 1 } = melody.model.config;
  const music = resample(channels[0], sampleRate, rate).subarray(0, 2 * rate);
  const treble = noise(music.length, 1, 0.02);
  const kept = bandLimit(treble);
  const all = (x: Float32Array) => Array<Float32Array>(count).fill(x);
  const plain = all(music.map((v, i) => v + kept[i])); // as our own filter leaves a recording
  const bright = all(music.map((v, i) => v + treble[i])); // as one that ends nearer to the Nyquist frequency does
  try {
    const [usual, heard] = [await latentsOfAudio(melody.engine, plain), await latentsOfAudio(melody.engine, bright)];
    const energy = (x: Float32Array) => x.reduce((sum, v) => sum + v * v, 0);
    expect(energy(heard.map((v, i) => v - usual[i])) / energy(usual)).toBeLessThan(0.05);
  } finally {
    melody.dispose();
  }
});

test('comes back at its own rate, with its own channels and samples, beside what is made', { timeout: 180_000 }, async () => {
  const rate = 44_100;
  const tone = (hertz: number) => Float32Array.from({ length: 2.3 * rate }, (_, i) => 0.3 * Math.sin((2 * Math.PI * hertz * i) / rate));
  const given = { channels: [tone(220), tone(331)], sampleRate: rate };
  const asked = { prompt: 'piano', steps: 1, seed: 3 };
  const melody = await MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), TEST_CPU);
  try {
    const within = await melody.generate({ ...asked, initAudio: given, inpaint: [{ start: 0.8, end: 1.6 }] });
    expect([within.sampleRate, within.channels.length, within.recipe.keepGiven]).toEqual([rate, 2, true]);
    const [start, end] = [0.8 * rate, 1.6 * rate];
    for (const [c, channel] of within.channels.entries()) {
      expect(channel.length).toBe(given.channels[c].length);
      const changed = Array.from(channel).flatMap((x, i) => (x === given.channels[c][i] ? [] : [i]));
      expect(changed[0]).toBeGreaterThanOrEqual(start);
      expect(changed.at(-1)).toBeLessThan(end);
      expect(changed.length).toBeGreaterThan(0.7 * rate);
    }
    const onward = await melody.generate({ ...asked, continueFrom: given, durationSeconds: 0.75 });
    expect([onward.sampleRate, onward.channels.map(({ length }) => length)]).toEqual([rate, [0.75 * rate, 0.75 * rate]]);
    for (const [c, channel] of onward.channels.entries())
      expect(Math.abs(channel[0] - (given.channels[c].at(-1) as number))).toBeLessThan(0.1);

    // A recipe makes the same again; one of before 0.2, which does not say so, has all of it as the model makes it.
    const again = await melody.generate({ ...within.recipe, initAudio: given });
    expect(again.channels.every((x, c) => x.every((v, i) => v === within.channels[c][i]))).toBe(true);
    const { keepGiven: _, ...older } = within.recipe;
    const before = await melody.generate({ ...older, initAudio: given });
    expect([before.sampleRate, before.channels.length, before.recipe.keepGiven]).toEqual([24_000, 1, undefined]);
    const [converted] = convertAudio(given, 24_000, 1);
    expect(before.channels[0].subarray(0, 19_000).every((x, i) => x === converted[i])).toBe(true);
  } finally {
    melody.dispose();
  }
});

test('what is odd in given sound is said: silence, integers, another form', () => {
  const sound = (level: number, sampleRate = 24_000, count = 1) => ({
    channels: Array.from({ length: count }, () => new Float32Array(300).fill(level, 100, 200)),
    sampleRate,
  });
  const said: string[] = [];
  const progress = { warn: (code: string, message: string) => said.push(`${code}: ${message}`) };
  const made = { sampleRate: 24_000, channels: 1 };
  sayOfGiven('initAudio', sound(0.5, 44_100, 2), progress); // a clip has the form of what is given
  sayOfGiven('continueFrom', sound(0.001), progress, made);
  expect(said).toEqual([]);
  sayOfGiven('promptAudio', sound(0.00005), progress);
  sayOfGiven('continueFrom', sound(0.5, 44_100, 2), progress, made);
  expect(said).toEqual([
    'silent_audio: promptAudio is silent: nothing in it reaches -80 dBFS',
    'converted_audio: continueFrom has 44100 Hz and 2 channels, what is made has 24000 Hz and one channel: convert one of them to join the two',
  ]);
  expect(() => sayOfGiven('promptAudio', sound(20_000), progress)).toThrow(
    expect.objectContaining({ code: 'invalid_argument', message: 'promptAudio: its samples reach 2.000e+4; expected full scale to be 1' }),
  );
});

test('a stream and a clip say so before the first token, and integers are refused before any work', { timeout: 180_000 }, async () => {
  const melody = await MeLoDy.load(new URL('../../weights/melody-tiny/', import.meta.url), TEST_CPU);
  const of = (level: number, sampleRate: number) => ({ channels: [new Float32Array(2.2 * sampleRate).fill(level)], sampleRate });
  const events: string[] = [];
  /** Ends the job with its first word of the given sound. */
  const heard = () => {
    const ended = new AbortController();
    const onEvent = (event: MelodyEvent) => {
      events.push(event.type === 'warning' ? event.code : event.type === 'progress' ? event.stage : event.type);
      if (/_audio$/.test(events.at(-1) as string)) ended.abort();
    };
    return { prompt: 'piano', steps: 1, seed: 3, durationSeconds: 0.2, signal: ended.signal, onEvent };
  };
  const stopped = { code: 'aborted' };
  try {
    await expect(melody.generate({ ...heard(), promptAudio: of(20_000, 24_000) })).rejects.toMatchObject({ code: 'invalid_argument' });
    expect(events).toEqual([]);
    await expect(melody.generate({ ...heard(), continueFrom: of(0, 44_100) })).rejects.toMatchObject(stopped);
    expect(events.splice(0)).toEqual(['style', 'decided', 'silent_audio']);
    const chunks = melody.stream({ ...heard(), continueFrom: of(0.5, 44_100) })[Symbol.asyncIterator]();
    await expect(chunks.next()).rejects.toMatchObject(stopped);
    expect(events.splice(0)).toEqual(['style', 'decided', 'converted_audio']);
  } finally {
    melody.dispose();
  }
});
