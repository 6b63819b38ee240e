// Cases of the watch for NaN.
import { copy } from '../ops/elementwise.ts';
import { countNonFinite } from '../ops/watch.ts';
import { type Case, type Measured, measured } from './case.ts';

/** How many of n numbers are NaN or infinite: three. */
const watchCase = (name: string, n: number): Case => ({
  name,
  record({ g, x, ids }) {
    const [a, as] = x([n]);
    as.set([Number.NaN, Infinity, -Infinity], n >> 1);
    const counts = copy(g, ids([1], 1)[0]); // zero: every run counts from nothing
    countNonFinite(g, a, counts, 0);
    return [counts, () => [3]];
  },
});

export const quick = (): Case[] => [watchCase('watch for NaN', 100)];
export const odd = (): Case[] => [watchCase('watch for NaN', 131)];
export const paper = (): Measured[] => [measured(watchCase('watch_64k', 65_536), 0, 65_536)];
