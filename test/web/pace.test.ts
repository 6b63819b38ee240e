// How a worker shares its machine with its page, by a clock that the test holds: when the first samples go out, how many threads rest.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Pace } from '../../src/web/pace.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function open(nextSeconds?: number) {
  const rests: number[] = [];
  const sent: string[] = [];
  const pace = new Pace({ restThreads: (count) => void rests.push(count) });
  pace.next = nextSeconds;
  return { pace, sent, send: () => void sent.push('first'), resting: () => rests.at(-1) };
}

test('first samples go out at once where the next ones will be there before they end, or where waiting helps nobody', () => {
  for (const nextSeconds of [undefined, 0, 1, 30]) {
    const { pace, sent, send } = open(nextSeconds);
    pace.first(send, 1.5);
    expect(sent).toEqual(['first']);
    pace.end();
  }
});

test('else they wait, so that no gap follows', () => {
  const { pace, sent, send } = open(2);
  pace.first(send, 1.5);
  vi.advanceTimersByTime(800); // of 1.1 × 2 s + 0.15 s − 1.5 s
  expect(sent).toEqual([]);
  vi.advanceTimersByTime(100);
  expect(sent).toEqual(['first']);
  pace.flush();
  expect(sent).toEqual(['first']); // once
});

test('whatever is to follow sends them first; an end forgets them', () => {
  const one = open(2);
  one.pace.first(one.send, 1.5);
  one.pace.flush();
  expect(one.sent).toEqual(['first']);
  const other = open(2);
  other.pace.first(other.send, 1.5);
  other.pace.end();
  vi.advanceTimersByTime(5000);
  expect(other.sent).toEqual([]);
  expect(other.resting()).toBe(0);
});

test('threads rest for a moment as the page begins to sound, and one whenever the next samples will be early; none where other music is wanted', () => {
  const { pace, send, resting } = open(2);
  pace.ahead(0);
  expect(resting()).toBe(0);
  pace.first(send, 4);
  pace.ahead(1.5);
  expect(resting()).toBe(Infinity);
  vi.advanceTimersByTime(160);
  expect(resting()).toBe(0);
  pace.ahead(2.8); // 1.1 × 2 s and half a second
  expect(resting()).toBe(1);
  pace.ahead(2.6);
  expect(resting()).toBe(0);
  pace.next = 7;
  pace.ahead(8); // of a slow machine: it takes all
  expect(resting()).toBe(0);
  pace.next = undefined;
  pace.ahead(8);
  expect(resting()).toBe(0);
  pace.next = 2;
  pace.ahead(8);
  expect(resting()).toBe(1);
  pace.ahead(0); // a change of style
  expect(resting()).toBe(0);
  pace.ahead(8);
  pace.end();
  expect(resting()).toBe(0);
  vi.advanceTimersByTime(5000);
  expect(resting()).toBe(0);
});

test('the speed told is that of all threads: what was made slower on purpose counts only where it was faster', () => {
  const { pace, send } = open(2);
  pace.ahead(0);
  expect(pace.speedAfter(2, 1)).toBe(2);
  pace.first(send, 4);
  expect(pace.speedAfter(4, 4)).toBe(2); // all rested as it began to sound
  vi.advanceTimersByTime(160);
  pace.speedAfter(2, 1);
  pace.ahead(2.6);
  expect(pace.speedAfter(6, 2)).toBe(3);
  pace.ahead(8); // for a part of the time
  pace.ahead(2);
  expect(pace.speedAfter(6, 4)).toBe(3);
  pace.ahead(8);
  expect(pace.speedAfter(6, 1)).toBe(6);
  pace.ahead(2);
  expect(pace.speedAfter(6, 4)).toBe(1.5); // the machine has become slower
});
