// Beats told as they are heard, on a clock that the test turns.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type BeatMark, beatsBetween } from '../../src/audio/beats.ts';
import { type HeardBeat, type Place, Pulse } from '../../src/web/pulse.ts';

/** Beats at 0, 0.5, 1, …; from 4.25 s on, within the bar, twice as fast and in three. */
const MARKS: BeatMark[] = [
  { atSeconds: 0, tempo: 120, beatsPerBar: 4, beat: 0 },
  { atSeconds: 4.25, tempo: 240, beatsPerBar: 3, beat: 0.5 },
];
const START = 100; // of the audio clock, seconds

let told: (HeardBeat & { readonly at: number })[];
let pulse: Pulse;
let silent: number; // seconds that the clock of the context was stopped for
const clock = () => Date.now() / 1000 - silent;

beforeEach(() => {
  vi.useFakeTimers({ now: START * 1000 });
  told = [];
  silent = 0;
  pulse = new Pulse((beat) => told.push({ ...beat, at: clock() }));
});
afterEach(() => vi.useRealTimers());

/** Plays for so long: a report every tenth of a second, of the piece from `at` on. */
function play(seconds: number, at: number, { region, marks = MARKS, ready = 9 }: Partial<Place> & { marks?: BeatMark[] } = {}): void {
  const begun = clock();
  for (let i = 0; i < Math.round(seconds * 10); i++) {
    const time = begun + i / 10;
    const passed = at + i / 10;
    const within = region ? region.start + ((passed - region.start) % (region.end - region.start)) : passed;
    pulse.place({ time, at: within, ready, region }, marks, clock);
    vi.advanceTimersByTime(100);
  }
}
const times = () => told.map(({ time }) => Math.round(1000 * (time - START)) / 1000);

test('every beat is told once, when it sounds, with its number, its bar and its time; nothing where no beat is planned', () => {
  play(2, 0, { marks: [] });
  play(2, 0, { marks: [{ atSeconds: 0, key: 'A minor' }] });
  expect(told).toEqual([]);
  vi.setSystemTime(START * 1000);
  play(5, 0);
  expect(times()).toEqual([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.375, 4.625, 4.875]);
  expect(told.map(({ beat }) => beat)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect(told.map(({ bar, inBar }) => `${bar}.${inBar}`).slice(6)).toEqual(['1.2', '1.3', '2.0', '2.1', '2.2', '3.0']);
  expect(told[3]).toMatchObject({ seconds: 1.5, tempo: 120, beatsPerBar: 4, next: START + 2 });
  for (const { time, at } of told) expect(Math.abs(at - time)).toBeLessThan(0.0025);
});

test('numbers are those of the piece, wherever one begins to listen; an upbeat lies in bar −1', () => {
  const marks = [
    { atSeconds: 0, tempo: 60, beat: 2.5, beatsPerBar: 3 },
    { atSeconds: 7 },
    { atSeconds: 8, tempo: 60, beat: 1, beatsPerBar: 2 },
  ];
  const all = beatsBetween(marks, 0, 12);
  expect(all.map(({ bar, inBar }) => `${bar}.${inBar}`)).toEqual([
    '0.0',
    '0.1',
    '0.2',
    '1.0',
    '1.1',
    '1.2',
    '2.0',
    '2.1',
    '3.0',
    '3.1',
    '4.0',
  ]);
  for (const from of [0.1, 3, 6.7, 7.5, 8, 11]) {
    const rest = all.filter(({ seconds }) => seconds > from - 1e-6);
    expect(beatsBetween(marks, from, 12)).toEqual(rest);
  }
  expect(beatsBetween([{ ...marks[0], beat: 1.5 }], 0, 2)).toMatchObject([
    { beat: 0, bar: -1, inBar: 2 },
    { beat: 1, bar: 0, inBar: 0 },
  ]);
});

test('a region goes round, a jump goes on from there, a pause stops the clock, and what is not there yet is not told', () => {
  play(1.4, 1.2, { region: { start: 1, end: 1.6 } });
  expect(times()).toEqual([0.3, 0.4, 0.9, 1]);
  told = [];
  pulse.clear();
  play(0.6, 3.5); // a jump
  expect(told.map(({ seconds }) => seconds)).toEqual([3.5, 4]);
  pulse.clear(); // paused
  vi.advanceTimersByTime(60_000);
  silent = 60;
  play(0.6, 2.45);
  expect(told.map(({ seconds }) => seconds)).toEqual([3.5, 4, 2.5, 3]);
  told = [];
  pulse.clear();
  play(0.1, 2.45, { ready: 0.04 });
  vi.advanceTimersByTime(5000);
  expect(told).toEqual([]);
});

test('a pause that takes its time keeps the beats that fall before it', () => {
  for (const until of [0.25, 0.35]) {
    pulse.place({ time: START, at: 0.2, ready: 9, region: undefined }, MARKS, clock);
    pulse.clear(START + until);
    vi.advanceTimersByTime(1000);
    expect(times()).toEqual(until > 0.3 ? [0.3] : []);
    vi.setSystemTime(START * 1000);
  }
});

test('where timers do not fire, as in a hidden page, reports of the player tell what has come: none is left out', () => {
  for (let i = 0; i <= 30; i++) {
    pulse.place({ time: START + i / 10, at: i / 10, ready: 9, region: undefined }, MARKS, clock);
    vi.setSystemTime(START * 1000 + (i + 1) * 100); // and no timer
  }
  expect(times()).toEqual([0, 0.5, 1, 1.5, 2, 2.5, 3]);
  for (const { time, at } of told) expect(at - time).toBeLessThan(0.11);
});
