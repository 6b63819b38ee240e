// Cases of padding that mirrors.
import { padReflect } from '../ops/pad.ts';
import { at, type Case, list, type Measured, measured } from './case.ts';

export interface Padding {
  readonly batch?: number;
  readonly len: number;
  readonly cols: number;
  readonly left: number;
  readonly right: number;
}

export const padReflectCase = (name: string, { batch = 1, len, cols, left, right }: Padding): Case => ({
  name,
  record({ g, x }) {
    const [a, as] = x([batch, len, cols]);
    const out = left + len + right;
    const whole = Math.max(len, left + 1, right + 1);
    const mirrored = (t: number) => whole - 1 - Math.abs(whole - 1 - Math.abs(t));
    const one = (row: number, c: number) => {
      const t = mirrored((row % out) - left);
      return t < len ? as[(Math.floor(row / out) * len + t) * cols + c] : 0;
    };
    return [padReflect(g, a, left, right), () => list(batch * out * cols, (i) => one(...at(i, cols)))];
  },
});

export const quick = (): Case[] => [];

export const odd = (): Case[] => [
  padReflectCase('mirrored padding', { batch: 2, len: 9, cols: 5, left: 3, right: 4 }),
  padReflectCase('mirrored padding of little', { len: 2, cols: 5, left: 6, right: 1 }),
];

export const paper = (): Measured[] => [
  measured(padReflectCase('codec_pad', { len: 4000, cols: 128, left: 2, right: 0 }), 0, 2 * 4000 * 128),
];
