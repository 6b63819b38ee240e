// What is told of a given sound before any work.
import { expect, test } from 'vitest';
import { formatOf } from '../../src/cli/generate/formats.ts';
import { lostOfGiven } from '../../src/cli/generate/given.ts';
import type { ModelConfig } from '../../src/pipeline/model.ts';

const config = { sample_rate: 24_000 } as ModelConfig;
const told = (sample: number) => {
  const channels = [new Float32Array(100), new Float32Array(100).fill(sample, 50, 51)];
  const audio = { channels, sampleRate: 24_000, tags: { info: {} }, format: 'pcm', bitsPerSample: 16, warnings: ['odd'] };
  const inputs = { 'prompt-audio': { audio, sha256: '', name: 'a.wav' } };
  return lostOfGiven({ inputs, options: {}, format: formatOf('wav', false) }, config);
};

test('a sound that is silent is said to be, one that is not is not', () => {
  expect(told(0)).toEqual(['a.wav: odd', 'a.wav: it is silent']);
  expect(told(0.00005)).toContain('a.wav: it is silent');
  expect(told(0.001)).toEqual(['a.wav: odd']);
});
