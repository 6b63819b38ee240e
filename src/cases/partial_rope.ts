// Cases of rotary positions of a part of each head.
import { partialRope } from '../ops/partial_rope.ts';
import type { RopeSize } from './attention.ts';
import { type Case, list, type Measured, measured } from './case.ts';

/** Pairs (i, i + width/2) of every head turned by the table's cosines and sines; columns from `width` on stay. */
export const partialRopeCase = (name: string, { batch = 1, len, heads, dh }: RopeSize, width: number): Case => ({
  name,
  record({ g, x }) {
    const [[a, as], [table, turns]] = [x([batch, len, heads * dh]), x([len, width])];
    const half = width / 2;
    const one = (i: number) => {
      const d = i % dh;
      if (d >= width) return as[i];
      const row = (Math.floor(i / heads / dh) % len) * width;
      const [cos, sin] = [turns[row + (d % half)], turns[row + half + (d % half)]];
      return as[i] * cos + (d < half ? -as[i + half] : as[i - half]) * sin;
    };
    return [partialRope(g, a, table, { heads }), () => list(as.length, one)];
  },
});

export const odd = (): Case[] => [partialRopeCase('rotary positions of some columns', { batch: 2, len: 9, heads: 3, dh: 11 }, 6)];

export const paper = (): Measured[] => [
  measured(partialRopeCase('dit_rope', { len: 257, heads: 16, dh: 64 }, 32), 1.5 * 257 * 1024, 2 * 257 * 1024),
];
