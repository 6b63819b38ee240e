// Cases of choosing the codes of a column, and of codes back to vectors.

import { rvqDecode, sampleCodes } from '../ops/codes.ts';
import { constant, sharedConstant } from '../ops/constant.ts';
import { copy } from '../ops/elementwise.ts';
import { seedWords } from '../ops/random.ts';
import { sampleTokenReference, samplingParams } from '../ops/sample.ts';
import { type Case, list, type Measured, measured, sum } from './case.ts';
import type { Codebooks } from './quantise.ts';

export interface Column {
  readonly rows: number;
  readonly vocab: number;
  readonly column: number;
  readonly frames: number;
  readonly channels?: 1 | 2;
  readonly guidance?: number;
  /** Codes of the first frames are there: 7. */
  readonly known?: number;
}

/** A column of codes, row by row as sampleToken draws them; 2048 where a row has no frame. */
export const sampleCodesCase = (name: string, s: Column): Case => ({
  name,
  record({ g, x }) {
    const { rows, vocab, column, frames, channels = 1, guidance, known = 0 } = s;
    const sampling = { temperature: 0.9, topK: Math.ceil(vocab / 2), topP: 0.95 };
    const [logits, values] = x([guidance === undefined ? 1 : 2, rows * vocab], 4);
    const sevens = sharedConstant(`${rows} sevens`, [rows], () => new Uint32Array(rows).fill(7), 'u32');
    const into = copy(g, constant(g, sevens));
    sampleCodes(g, logits, rows, {
      ...samplingParams(sampling),
      seed: seedWords(42),
      column,
      frames,
      known,
      channels,
      guidance,
      pad: 2048,
      into,
    });
    const guided = (r: number) =>
      Float32Array.from({ length: vocab }, (_, i) => {
        const at = r * vocab + i;
        if (guidance === undefined) return values[at];
        const none = values[rows * vocab + at];
        return Math.fround(none + Math.fround(guidance * Math.fround(values[at] - none)));
      });
    const one = (r: number) => {
      const frame = column - Math.floor(r / channels);
      if (frame >= 0 && frame < Math.min(known, frames)) return 7;
      return frame >= 0 && frame < frames ? sampleTokenReference(guided(r), sampling, 42, column * rows + r) : 2048;
    };
    return [into, () => list(rows, one)];
  },
});

const rvqDecodeCase = (name: string, { items, levels, entries, dim }: Codebooks): Case => ({
  name,
  record({ g, w, ids }) {
    const [[books, values], [codes, entry]] = [w([levels, entries, dim]), ids([items, levels], entries)];
    const one = (item: number, d: number) => sum(levels, (level) => values[(level * entries + entry[item * levels + level]) * dim + d]);
    return [rvqDecode(g, codes, books), () => list(items * dim, (i) => one(Math.floor(i / dim), i % dim))];
  },
});

export const quick = (): Case[] => [];

export const odd = (): Case[] => [
  sampleCodesCase('codes of a column', { rows: 4, vocab: 300, column: 2, frames: 9, known: 2 }),
  rvqDecodeCase('vector quantiser, back', { items: 3, levels: 4, entries: 37, dim: 19 }),
  sampleCodesCase('codes with guidance', { rows: 8, vocab: 67, column: 4, frames: 3, channels: 2, guidance: 3 }),
];

export const paper = (): Measured[] => [
  measured(rvqDecodeCase('rvq_decode_12x1024', { items: 4, levels: 12, entries: 1024, dim: 128 }), 4 * 12 * 128, 4 * 13 * 128),
  measured(sampleCodesCase('musicgen_codes', { rows: 4, vocab: 2048, column: 5, frames: 9, guidance: 3 }), 3 * 4 * 2048, 2 * 4 * 2048),
];
