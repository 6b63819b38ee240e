// The clock that a language model with controls is told, against the formulas of weights/FORMAT.md written out plainly.
import { describe, expect, it } from 'vitest';
import { clockRow, controlTable, keyRow, tempoRow } from '../../src/models/semantic_lm.ts';
import { Clock } from '../../src/pipeline/controls/clock.ts';
import { bentTempo, draw } from '../../src/pipeline/controls/controls.ts';
import { guideInputs } from '../../src/pipeline/stages/language.ts';
import { CONTROLS } from '../helpers/controls.ts';

const RATE = 25;

/** Rows of token `i` as the specification says it: two where it lies on the edge of two ticks, as far as double precision can tell. */
function reference(i: number, bpm: number, metre: number, offset = 0): number[] {
  const starts: Record<number, number> = { 4: 0, 3: 96, 2: 168, 5: 216 };
  const ticks = metre * 24;
  const at = ((((i + 0.5) / RATE) * bpm) / 60 + offset) * 24;
  return [at - 1e-6, at + 1e-6].map((tick) => starts[metre] + (((Math.floor(tick) % ticks) + ticks) % ticks));
}

/** Tokens first … first + count − 1 of the clock, held against tokens 0 … of the reference. */
function expectRows(clock: Clock, count: number, bpm: number, metre: number, { offset = 0, first = 0 } = {}): void {
  const rows = Array.from({ length: count }, (_, i) => clockRow(CONTROLS, clock.at((first + i + 0.5) / RATE)));
  const wrong = rows.flatMap((row, i) => (reference(i, bpm, metre, offset).includes(row) ? [] : [[i, row]]));
  expect(wrong).toEqual([]);
  expect(new Set(rows).size).toBeGreaterThan(Math.min(count, metre * 24) / 3); // and it moves
}

describe('the table', () => {
  it('lays out its parts as the format says', () => {
    expect(controlTable(CONTROLS)).toEqual({ noClock: 336, key: 337, noKey: 361, tempo: 362, noTempo: 386, rows: 387 });
    expect([0, 9, 12, 21, undefined].map((key) => keyRow(CONTROLS, key))).toEqual([337, 346, 349, 358, 361]);
    const bins: [bpm: number | undefined, row: number][] = [
      [40, 362],
      [50, 362],
      [52.9, 362],
      [53, 363],
      [100, 374],
      [120, 377],
      [199, 385],
      [220, 385],
      [undefined, 386],
    ];
    for (const [bpm, row] of bins) expect(tempoRow(CONTROLS, bpm)).toBe(row);
  });

  it('counts metres, beats and ticks, before the first downbeat too', () => {
    expect(clockRow(CONTROLS, { beat: 0, beatsPerBar: 4 })).toBe(0);
    expect(clockRow(CONTROLS, { beat: 7.999, beatsPerBar: 4 })).toBe(95);
    expect(clockRow(CONTROLS, { beat: -0.01, beatsPerBar: 3 })).toBe(96 + 71);
    expect(clockRow(CONTROLS, { beat: 1 / 24, beatsPerBar: 2 })).toBe(168 + 1);
    expect(clockRow(CONTROLS, { beat: 4.5, beatsPerBar: 5 })).toBe(216 + 108);
    expect(clockRow(CONTROLS, { beat: 3, beatsPerBar: 7 })).toBe(336);
    expect(clockRow(CONTROLS, undefined)).toBe(336);
  });
});

describe('the clock', () => {
  for (const [bpm, metre] of [
    [120, 4],
    [96, 3],
    [71.3, 2],
    [180, 5],
    [107, 4],
  ])
    it(`${bpm} bpm in ${metre}: ten minutes`, () => {
      const clock = new Clock();
      clock.change(0, bpm, metre);
      expectRows(clock, 15000, bpm, metre);
    });

  it('counts from the first sample of given audio, of which only the end is read', () => {
    const clock = new Clock(-3.21);
    clock.change(4, 100, 4); // new music starts at 4 s; the context before it has the same clock
    expectRows(clock, 300, 100, 4, { offset: (3.21 * 100) / 60 });
  });

  it('goes on from its beat and bar when the tempo changes', () => {
    const clock = new Clock();
    clock.change(0, 90, 4);
    clock.change(0.8, 90, 4); // nothing new
    clock.change(4, 150, 4); // at beat 6: the third of the second bar
    clock.change(6, 60, 3); // at beat 11: the fourth of its bar, which a bar of three has not: its first
    const at = (seconds: number) => clock.at(seconds) as { beat: number; beatsPerBar: number };
    expect(at(4 - 1e-9).beat % 4).toBeCloseTo(2, 6);
    expect(at(4).beat).toBeCloseTo(2, 9);
    expect(at(5).beat).toBeCloseTo(4.5, 9);
    expect([at(6).beat % 3, at(6).beatsPerBar]).toEqual([0, 3]);
    expect(at(7.5).beat % 3).toBeCloseTo(1.5, 9);
    expectRows(clock, 100, 90, 4); // what was, stays
    expectRows(clock, 50, 150, 4, { offset: 2, first: 100 });
  });

  it('may start late, on a downbeat, and stop', () => {
    const clock = new Clock();
    expect(clock.at(1)).toBeUndefined();
    clock.change(2, undefined, 4);
    clock.change(5, 60, 4);
    clock.change(8, undefined, 4);
    expect([clock.at(1), clock.at(4.9), clock.at(8)]).toEqual([undefined, undefined, undefined]);
    expect(clock.at(5)).toEqual({ beat: 0, beatsPerBar: 4 });
  });

  it('a change before anything was made replaces what was asked first', () => {
    const clock = new Clock();
    clock.change(0, 90, 4);
    clock.change(0, 120, 3);
    expectRows(clock, 100, 120, 3);
  });
});

it('positions: no clock in the prefix, no key in what guidance leads away from', () => {
  const clock = new Clock();
  clock.change(0, 120, 4);
  const guide = { clockAt: (s: number) => clock.at(s), tempo: 120, key: 21 };
  const places = [undefined, 0, 40].flatMap((token) => [0, 1].map((branch) => ({ token, branch })));
  expect(guideInputs('x', places, CONTROLS, guide, RATE)).toEqual({
    'x clock': Uint32Array.from([336, 336, 0, 0, 77, 77]),
    'x key': Uint32Array.from([358, 361, 358, 361, 358, 361]),
    'x tempo': new Uint32Array(6).fill(377),
  });
  expect(guideInputs('x', places, CONTROLS, undefined, RATE)).toEqual({
    'x clock': new Uint32Array(6).fill(336),
    'x key': new Uint32Array(6).fill(361),
    'x tempo': new Uint32Array(6).fill(386),
  });
});

it('a loop bends its tempo to whole bars, or else to whole beats, or not at all', () => {
  expect(bentTempo(120, 4, 8)).toBe(120); // four bars as it stands
  expect(bentTempo(118, 4, 8)).toBe(120);
  expect(bentTempo(105, 4, 4)).toBe(105); // seven beats; two bars would be 120
  expect(bentTempo(104, 4, 4)).toBe(105);
  expect(bentTempo(98, 4, 1.6)).toBe(98); // 2.6 beats: three would be 112.5
  expect(bentTempo(bentTempo(93.7, 3, 10), 3, 10)).toBe(bentTempo(93.7, 3, 10));
});

it('draws by the seed: likely entries often, impossible ones never, each draw of a seed for itself', () => {
  const logits = [0, 0.7 * Math.log(3), -Infinity, 0.7 * Math.log(4)]; // at temperature 0.7: 1 to 3 to 0 to 4
  const counts = [0, 0, 0, 0];
  for (let seed = 0; seed < 4000; seed++) counts[draw(logits, seed, 0)] += 1;
  expect(counts[2]).toBe(0);
  for (const [i, share] of [1, 3, 0, 4].entries()) expect(Math.abs(counts[i] / 4000 - share / 8)).toBeLessThan(0.03);
  expect(draw(logits, 7, 0)).toBe(draw(logits, 7, 0));
  const pairs = new Set(Array.from({ length: 50 }, (_, seed) => `${draw(logits, seed, 0)} ${draw(logits, seed, 1)}`));
  expect(pairs.size).toBeGreaterThan(3);
});
