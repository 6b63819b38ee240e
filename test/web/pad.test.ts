// The pad between four ideas: which corners and which point a blend stands for.
import { expect, test } from 'vitest';
import { placeOf } from '../../demo/pad.ts';

const TEXTS = ['techno', 'ambient', 'samba'];

/** Shares of the corners at a point. */
const sharesAt = (x: number, y: number) => [x * (1 - y), (1 - x) * y, x * y];

test('every place of the pad gives a blend that is put to corners in order, where they have its shares', () => {
  for (let x = 0; x <= 20; x++)
    for (let y = 0; y <= 20; y++) {
      const blend = TEXTS.map((text, i) => ({ text, weight: sharesAt(x / 20, y / 20)[i] })).filter(({ weight }) => weight > 0);
      if (blend.length < 2) continue; // all is the prompt's, or a blend of two has its own fields
      const { corners, x: right, y: down } = placeOf(blend);
      const at = `${x}, ${y}`;
      expect([...corners].sort(), at).toEqual(corners);
      const shares = sharesAt(right, down);
      for (const [i, corner] of corners.entries()) expect(shares[corner], at).toBeCloseTo(blend[i].weight, 9);
      expect(
        corners.reduce((sum, corner) => sum + shares[corner], 0),
        at,
      ).toBeCloseTo(
        blend.reduce((sum, { weight }) => sum + weight, 0),
        9,
      );
      if (blend.length === 3) expect([right * 20, down * 20].map(Math.round)).toEqual([x, y]);
    }
});

test('a blend from elsewhere comes to a place within the pad', () => {
  const { corners, x, y } = placeOf([0.4, 0.4, 0.2].map((weight, i) => ({ text: TEXTS[i], weight })));
  expect(corners).toEqual([0, 1, 2]);
  for (const share of [x, y]) expect(share >= 0 && share <= 1).toBe(true);
});
