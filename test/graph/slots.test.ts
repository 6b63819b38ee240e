import { describe, expect, it } from 'vitest';
import { assignSlots, type Lifetime } from '../../src/graph/slots.ts';
import { seeded } from '../helpers/data.ts';

const life = (bytes: number, first: number, last: number): Lifetime => ({ bytes, first, last });

describe('assignSlots', () => {
  it('reuses a slot only after its last reader', () => {
    const { slotOf, bytes } = assignSlots([life(8, 0, 1), life(8, 1, 2), life(8, 2, 3)]);
    expect(slotOf[1]).not.toBe(slotOf[0]);
    expect(slotOf[2]).toBe(slotOf[0]);
    expect(bytes).toEqual([8, 8]);
  });

  it('prefers the smallest slot that is large enough', () => {
    const { slotOf, bytes } = assignSlots([life(100, 0, 0), life(10, 0, 0), life(9, 1, 1)]);
    expect(slotOf[2]).toBe(slotOf[1]);
    expect(bytes).toEqual([100, 10]);
  });

  it('never lets two live tensors share, and never makes a slot too small', () => {
    const next = seeded(7);
    const lives = Array.from({ length: 300 }, () => {
      const first = Math.floor(next() * 200);
      return life(1 + Math.floor(next() * 1000), first, first + Math.floor(next() * 20));
    });
    const { slotOf, bytes } = assignSlots(lives);
    for (let a = 0; a < lives.length; a++) {
      expect(bytes[slotOf[a]]).toBeGreaterThanOrEqual(lives[a].bytes);
      for (let b = a + 1; b < lives.length; b++)
        if (slotOf[a] === slotOf[b]) expect(lives[a].last < lives[b].first || lives[b].last < lives[a].first).toBe(true);
    }
    expect(bytes.length).toBeLessThan(60);
  });
});
