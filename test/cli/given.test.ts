// What is told of a given sound before any work.
import { expect, test } from 'vitest';
import { formatOf } from '../../src/cli/generate/formats.ts';
import { lostOfGiven } from '../../src/cli/generate/given.ts';
import type { ModelConfig } from '../../src/pipeline/model.ts';

test('the oddities of every file, and what of a continued sound the new file does not keep', () => {
  const channels = [new Float32Array(100), new Float32Array(100)];
  const audio = { channels, sampleRate: 44_100, tags: { info: {} }, format: 'pcm', bitsPerSample: 24, warnings: ['odd'] };
  const input = { audio, sha256: '', name: 'a.wav' };
  const told = (inputs: object) =>
    lostOfGiven({ inputs: { ...inputs }, options: {}, format: formatOf('wav', false) }, { sample_rate: 24_000 } as ModelConfig);
  expect(told({ 'prompt-audio': input })).toEqual(['a.wav: odd']);
  expect(told({ continue: input })).toEqual([
    'a.wav: odd',
    'what is made has no tones over 12000 Hz; the given sound keeps its 44100 Hz',
    'what is made is the same in all 2 channels',
    'the given sound has 24 bits, of which wav keeps 16',
  ]);
});
