// A region that is heard again and again.
import { expect, test } from 'vitest';
import { Lap } from '../../src/web/lap.ts';
import { PlayedPiece } from '../../src/web/played_piece.ts';

const RATE = 1000;
/** A ramp: every sample tells its place. */
const ramp = [Float32Array.from({ length: 1000 }, (_, i) => i)];
const kept = (startSeconds = 0) => ({ channels: ramp, sampleRate: RATE, startSeconds });

test('the first lap begins where it is asked to, or at its start; places go round', () => {
  const lap = Lap.of(kept(5), { start: 5.2, end: 5.5 }) as Lap;
  expect(lap.from(5300).at).toBe(5300);
  expect([...lap.from(5300).channels[0].subarray(0, 2)]).toEqual([300, 301]);
  expect(lap.from(5300).channels[0].length).toBe(200);
  for (const outside of [0, 5199, 5500, 9000]) expect(lap.from(outside).at).toBe(5200);
  expect(lap.placeAfter(5300, 199)).toBe(5499);
  expect(lap.placeAfter(5300, 200)).toBe(5200);
  expect(lap.placeAfter(5300, 200 + 3 * 300 + 7)).toBe(5207);
});

test('its last 10 ms become what lies before its start, so that no join clicks', () => {
  const lap = Lap.of(kept(), { start: 0.2, end: 0.5 }) as Lap;
  const [whole] = lap.from(200).channels;
  expect([...whole.subarray(0, 290)]).toEqual([...ramp[0].subarray(200, 490)]);
  expect(whole[299]).toBeGreaterThan(199);
  expect(whole[299]).toBeLessThan(230); // 5 % of 499, 95 % of 199
  const atStart = Lap.of(kept(), { start: 0, end: 0.5 }) as Lap; // nothing lies before it
  expect([...atStart.from(0).channels[0]]).toEqual([...ramp[0].subarray(0, 500)]);
});

test('laps are handed over until two seconds lie ready, whatever reports say late; a region of under 0.1 s is none', () => {
  const lap = Lap.of(kept(), { start: 0.2, end: 0.5 }) as Lap;
  const pushed = (played: number) => {
    let samples = 0;
    lap.feed(played, ([channel]) => (samples += channel.length));
    return samples;
  };
  lap.from(400); // 100 of it
  expect([pushed(0), pushed(0), pushed(199), pushed(201)]).toEqual([2100, 0, 0, 300]);
  expect(Lap.of(kept(), { start: 0.2, end: 0.299 })).toBeUndefined();
  expect(Lap.of(kept(), { start: 1.5, end: 2 })).toBeUndefined(); // not made yet
});

test('a whole piece goes round from its last sample to its first; where no more rounds follow, its end is its end', () => {
  const piece = new PlayedPiece(RATE, true);
  piece.goRound(); // nothing is there
  expect(piece.lap).toBeUndefined();
  piece.recording?.push(ramp);
  expect(piece.goTo(0.4)?.[0]?.length).toBe(600);
  piece.goRound();
  const pushed: number[] = [];
  piece.lap?.feed(0, ([channel]) => pushed.push(...channel));
  expect(pushed.slice(0, 1000)).toEqual([...ramp[0]]); // right after what the player had: 600 samples
  expect(pushed).toHaveLength(2000);
  expect([599, 600, 1601].map((played) => piece.heard(played, false))).toEqual([999, 0, 1]);
  expect(piece.heard(2600, true)).toBe(1000);
  piece.goTo(0);
  expect(piece.lap).toBeUndefined();
});
