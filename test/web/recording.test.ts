// What a session keeps of a piece for saving: channels at their own rate, the last ten minutes.
import { expect, test } from 'vitest';
import { Recording } from '../../src/web/recording.ts';

test('channels are joined, each by itself; the parts stay as they are', () => {
  const recording = new Recording(48_000);
  expect(recording.audio()).toBeUndefined();
  const parts = [0, 1].map((part) => [0, 1].map((c) => Float32Array.of(10 * part + c, 10 * part + c + 0.5)));
  recording.push(parts[0]);
  const first = recording.audio();
  expect(first).toEqual({ channels: parts[0], sampleRate: 48_000, startSeconds: 0 });
  expect(first?.channels[0]).not.toBe(parts[0][0]); // what is handed out may be given away
  recording.push(parts[1]);
  expect(recording.audio()?.channels).toEqual([Float32Array.of(0, 0.5, 10, 10.5), Float32Array.of(1, 1.5, 11, 11.5)]);
});

test('what takes the place of kept parts ends them there, within a part or at its start', () => {
  const recording = new Recording(10);
  for (const start of [0, 4, 8]) recording.push([Float32Array.of(start, start + 1, start + 2, start + 3)], start);
  recording.push([Float32Array.of(-1, -2)], 6);
  expect(recording.audio()?.channels).toEqual([Float32Array.of(0, 1, 2, 3, 4, 5, -1, -2)]);
  recording.push([Float32Array.of(-3)], 4);
  expect(recording.audio()?.channels).toEqual([Float32Array.of(0, 1, 2, 3, -3)]);
  recording.push([Float32Array.of(7)], 0);
  expect(recording.audio()?.channels).toEqual([Float32Array.of(7)]);
});

test.each([
  [1000, 1],
  [2000, 2],
])('ten minutes of it at %i Hz in %i channels, and how much of the beginning is gone', (rate, count) => {
  const recording = new Recording(rate);
  for (let minute = 0; minute < 13; minute++) recording.push(Array.from({ length: count }, () => new Float32Array(60 * rate).fill(minute)));
  const { channels, startSeconds } = recording.audio() as NonNullable<ReturnType<Recording['audio']>>;
  expect([channels.length, startSeconds]).toEqual([count, 180]);
  for (const channel of channels) expect([channel.length, channel[0], channel.at(-1)]).toEqual([600 * rate, 3, 12]);
});
