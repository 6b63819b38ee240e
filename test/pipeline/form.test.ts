import { describe, expect, it } from 'vitest';
import { Form, type Measures, measuresOf, sectionAt } from '../../src/pipeline/form.ts';
import type { ModelConfig } from '../../src/pipeline/model.ts';
import type { Recipe } from '../../src/pipeline/options.ts';
import { recipeOptions } from '../../src/pipeline/recipe.ts';

const CONFIG = { token_rate: 25, window_seconds: 10, chunks: 5 } as ModelConfig;
const RECIPE = { form: 'rondo' } as Recipe;
const FOUR = { tempo: 120, beatsPerBar: 4 }; // bars of 50 tokens, themes of 8 bars (16 s)

describe('sectionAt', () => {
  const at = (token: number, end?: number) => sectionAt(token, measuresOf(0, FOUR, end, CONFIG) as Measures);

  it('lets the opening come back after three times its length, for as long as it lasted', () => {
    expect(at(0)).toEqual({ until: 1600 });
    expect(at(1599)).toEqual({ until: 1600 });
    expect(at(1600)).toEqual({ until: 2000, from: 0 });
    expect(at(1999)).toEqual({ until: 2000, from: 399 });
    expect(at(2000)).toEqual({ until: 3200 });
  });

  it('closes a piece of known length with it: at the last group of four bars that leaves ten seconds', () => {
    expect(at(0, 1500)).toEqual({ until: 1200 });
    expect(at(1210, 1500)).toEqual({ until: Infinity, from: 10 });
    // 100 s: a return at 64 s, and the last at 88 s.
    expect(at(1600, 2500)).toEqual({ until: 2000, from: 0 });
    expect(at(2000, 2500)).toEqual({ until: 2200 });
    expect(at(2200, 2500)).toEqual({ until: Infinity, from: 0 });
  });

  it('leaves pieces alone that end within two openings and ten seconds', () => {
    expect(at(0, 1049)).toEqual({ until: Infinity });
    expect(at(0, 1050)).toEqual({ until: 800 });
  });

  it('counts from where a style begins, in its bars, and returns end where the language model can go on', () => {
    const waltz = measuresOf(130, { tempo: 97, beatsPerBar: 3 }, undefined, CONFIG) as Measures;
    const theme = 8 * ((60 * 3 * 25) / 97); // 14.8 s
    const first = Math.round(130 + 4 * theme);
    expect(sectionAt(130, waltz)).toEqual({ until: first });
    const { until, from } = sectionAt(first, waltz);
    expect(from).toBe(130);
    expect(until % 50).toBe(0);
    expect(until - first).toBeGreaterThanOrEqual(Math.floor(theme));
    expect(until - first).toBeLessThan(theme + 51);
  });
});

/** Draws number 1000 + t at token t. */
const draw = async (tokens: Uint32Array, origin: number, until: number) =>
  Uint32Array.from({ length: until - origin }, (_, i) => tokens[i] ?? 1000 + origin + i);

async function planned(form: Form, targets: readonly number[], forget = 0): Promise<number[]> {
  form.begin(0, FOUR);
  const all: number[] = [];
  let [piece, origin]: [Uint32Array, number] = [new Uint32Array(0), 0];
  for (const target of targets) {
    piece = await form.extend(piece, origin, target, (tokens, until) => draw(tokens, origin, until));
    form.keep(piece, origin);
    all.push(...piece.subarray(all.length - origin));
    const dropped = forget ? Math.max(0, piece.length - forget) : 0;
    [piece, origin] = [piece.slice(dropped), origin + dropped];
  }
  return all;
}

describe('Form', () => {
  it('plans the same tokens at once and in parts, also where the past is forgotten', async () => {
    const once = await planned(new Form(RECIPE, CONFIG), [3600]);
    expect(once.slice(1600, 2001)).toEqual([...once.slice(0, 400), 3000]);
    expect(once.slice(3200, 3600)).toEqual(once.slice(0, 400));
    const windows = Array.from({ length: 72 }, (_, i) => 50 * (i + 1));
    expect(await planned(new Form(RECIPE, CONFIG), windows, 250)).toEqual(once);
    expect(await planned(new Form({ ...RECIPE, durationSeconds: 130 }, CONFIG), windows, 250)).not.toEqual(once);
  });

  it('fills the end of a piece of known length, however many frames its last chunk has over', async () => {
    for (const durationSeconds of [44, 57.3, 60, 73.99])
      for (const tempo of [97, 120, 179]) {
        const form = new Form({ ...RECIPE, durationSeconds }, CONFIG);
        form.begin(0, { tempo, beatsPerBar: 4 });
        const target = 50 * Math.ceil((durationSeconds * 25) / 50);
        const piece = await form.extend(new Uint32Array(0), 0, target, (tokens, until) => draw(tokens, 0, until));
        expect(piece).toHaveLength(target);
        const last = piece.lastIndexOf(1000);
        expect(target - last).toBeGreaterThanOrEqual(250);
        expect(piece.slice(last)).toEqual(piece.slice(0, target - last));
      }
  });

  it('begins anew with each style, and knows no bars without a tempo', async () => {
    const form = new Form(RECIPE, CONFIG);
    form.begin(0, FOUR);
    const extend = (piece: Uint32Array, target: number) => form.extend(piece, 0, target, (tokens, until) => draw(tokens, 0, until));
    let piece = await extend(new Uint32Array(0), 700);
    form.begin(700, FOUR);
    piece = await extend(piece, 2400);
    expect(piece.slice(2300, 2400)).toEqual(piece.slice(700, 800));
    expect(piece[1600]).toBe(2600);
    form.begin(2400, { beatsPerBar: 4 });
    piece = await extend(piece, 9000);
    expect(piece.at(-1)).toBe(9999);
  });

  it('is through-composed as a loop, around what stays, and where it is asked to be', async () => {
    for (const other of [{ form: 'through-composed' }, { loop: true }, { inpaint: [{ start: 0, end: 100 }] }] as Partial<Recipe>[]) {
      const all = await planned(new Form({ ...RECIPE, ...other } as Recipe, CONFIG), [2000]);
      expect(all[1600]).toBe(2600);
    }
  });
});

it('recipes of before it had a form are through-composed', () => {
  expect(recipeOptions({ version: 1, seed: 1, prompt: 'piano' }).form).toBe('through-composed');
  expect(recipeOptions({ version: 1, seed: 1, prompt: 'piano', form: 'rondo' }).form).toBe('rondo');
});
