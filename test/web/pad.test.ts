// The pad between four ideas: which corners and which point a blend stands for.
import { expect, test } from 'vitest';
import { placeOf } from '../../demo/pad.ts';

const TEXTS = ['techno', 'ambient', 'samba'];

test('every place of the pad comes back from the blend that it gives', () => {
  for (let x = 0; x <= 20; x++)
    for (let y = 0; y <= 20; y++) {
      const shares = [x * (20 - y), (20 - x) * y, x * y].map((share) => share / 400);
      const blend = TEXTS.map((text, i) => ({ text, weight: shares[i] })).filter(({ weight }) => weight > 0);
      if (blend.length === 0) continue; // all is the prompt's
      const place = placeOf(blend);
      const at = `${x}, ${y}`;
      expect(place.x, at).toBeCloseTo(x / 20, 9);
      expect(place.y, at).toBeCloseTo(y / 20, 9);
      expect(
        place.corners.map((corner) => TEXTS[corner]),
        at,
      ).toEqual(blend.map(({ text }) => text));
    }
});

test('a blend from elsewhere comes to a place within the pad', () => {
  const { corners, x, y } = placeOf([0.4, 0.4, 0.2].map((weight, i) => ({ text: TEXTS[i], weight })));
  expect(corners).toEqual([0, 1, 2]);
  for (const share of [x, y]) expect(share >= 0 && share <= 1).toBe(true);
});
