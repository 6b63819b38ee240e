// Exact music: the same bytes for any number of threads, however much memory there is, on every machine and in every engine.
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Melody, type MelodyEvent, type Recipe } from '../../src/index.ts';
import { recipeOptions } from '../../src/pipeline/recipe.ts';
import { exactClip } from './exact_clip.ts';
import { browsers, clipOfBrowser, clipOfProgram, programs } from './other_engines.ts';

const TINY = fileURLToPath(new URL('../../weights/melody-tiny/', import.meta.url));
/** Of the samples of exact_clip.ts. Another hash is other music: then recipes of before are not made again to the byte, which CHANGELOG.md must say. */
const HASH = '8a0d43be97d925e1e2d49ba2323d1802717090377691b1d777a778ee32f7ee19';
/** Of the same recipe without a fade at its end, as they were written before. */
const CUT_HASH = 'c5d0b4f2dd020402f969413d84f46d3c67d5c04988915d6eda217d6068b35c49';
const SLOW = 300_000;

/** Bytes in which this piece fits only where less is made at a time. */
async function tightFor(recipe: object): Promise<number> {
  const melody = await Melody.load(TINY, { device: 'cpu' });
  const { peak } = await melody.predictMemory(recipe);
  melody.dispose();
  return peak - 200_000;
}

describe('exact music', () => {
  it.each([2, 0])('on %i threads has the bytes that it has everywhere, and its recipe says what made it', async (threads) => {
    const { hash, recipe } = await exactClip(TINY, threads);
    expect(hash).toBe(HASH);
    expect(recipe).toMatchObject({ exact: true, executor: 'cpu', build: 'plain' });
  });

  it('its recipe, read from text, makes it again; with little memory and on a model that is loaded on a GPU too', async () => {
    const { recipe } = await exactClip(TINY, 2);
    const warnings: string[] = [];
    const onEvent = (event: MelodyEvent) => void (event.type === 'warning' && warnings.push(event.code));
    const again = await exactClip(TINY, 1, {
      options: { ...recipeOptions(JSON.parse(JSON.stringify(recipe))), onEvent },
      memoryLimit: await tightFor(recipe),
    });
    expect(again.hash).toBe(HASH);
    expect(warnings).toContain('low_memory');
    expect(again.recipe).toEqual(recipe);
    const { hash, recipe: other } = await exactClip(TINY, 2, { device: 'gpu' });
    expect(hash).toBe(HASH);
    expect(other).toEqual(recipe);
  });

  it('a recipe of before pieces faded out makes what it made', async () => {
    const { recipe } = await exactClip(TINY, 2);
    const { fadeOutSeconds, ...older } = recipe as Recipe;
    expect(fadeOutSeconds).toBe(0.005);
    expect((await exactClip(TINY, 2, { options: older })).hash).toBe(CUT_HASH);
  });

  it.each(programs)(
    'has the same bytes in %s',
    async (program) => {
      for (const threads of [2, 0]) expect(await clipOfProgram(program, TINY, threads)).toBe(HASH);
    },
    SLOW,
  );

  describe.each(browsers)('in $name', (browser) => {
    it(
      'has the same bytes, with threads and without',
      async () => {
        expect(await clipOfBrowser(browser, TINY, true)).toBe(`${HASH} threads`);
        expect(await clipOfBrowser(browser, TINY, false)).toBe(HASH);
      },
      SLOW,
    );
  });
});
