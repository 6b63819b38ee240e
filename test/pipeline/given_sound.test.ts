// Sound that a person gives is heard right, whatever made it.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bandLimit, resample } from '../../src/audio/resample.ts';
import { readWav } from '../../src/audio/wav.ts';
import { Melody } from '../../src/pipeline/melody.ts';
import { latentsOfAudio } from '../../src/pipeline/stages/given.ts';
import { noise } from '../audio/signals.ts';
import { TEST_CPU } from '../helpers/gpu.ts';

test('tones that the training never had, above 0.95 of the Nyquist frequency, hardly change what the encoder hears', {
  timeout: 180_000,
}, async () => {
  const { channels, sampleRate } = readWav(readFileSync(new URL('../goldens/corpus_clip.wav', import.meta.url)));
  const music = resample(channels[0], sampleRate, 24_000).subarray(0, 48_000);
  const treble = noise(music.length, 1, 0.02);
  const kept = bandLimit(treble);
  const plain = music.map((v, i) => v + kept[i]); // as our own filter leaves a recording
  const bright = music.map((v, i) => v + treble[i]); // as one that ends nearer to 12 kHz does
  const melody = await Melody.load(new URL('../../weights/melody-small/', import.meta.url), TEST_CPU);
  try {
    const [usual, heard] = [await latentsOfAudio(melody.engine, [plain]), await latentsOfAudio(melody.engine, [bright])];
    const energy = (x: Float32Array) => x.reduce((sum, v) => sum + v * v, 0);
    expect(energy(heard.map((v, i) => v - usual[i])) / energy(usual)).toBeLessThan(0.05);
  } finally {
    melody.dispose();
  }
});
