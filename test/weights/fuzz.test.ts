// A small run of tools/fuzz_safetensors.ts: half with a fixed seed, half with a fresh one, which the test's name shows.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GENERATORS } from '../../tools/fuzz_files.ts';
import { judge, judgeIndex } from '../../tools/fuzz_judge.ts';
import { frame, VERDICT_FILES } from './verdict_files.ts';

const CASES = 1000; // of each generator and seed; fewer of the large ones
const fresh = Math.floor(Math.random() * 2 ** 31);

for (const seed of [20230524, fresh]) {
  describe(`seed ${seed}`, () => {
    for (const { name, makes, good, oneIn, files } of GENERATORS) {
      it(`${name}: only typed errors, within a second, within 4 x the file`, { timeout: 60_000 }, async () => {
        const seen = { accepted: 0, refused: 0 };
        const property = fc.asyncProperty(files, async (bytes) => {
          const { accepted } = await (makes === 'index' ? judgeIndex : judge)(bytes);
          seen[accepted ? 'accepted' : 'refused']++;
        });
        await fc.assert(property, { seed, numRuns: CASES / oneIn });
        if (good) expect(seen).toEqual({ accepted: CASES, refused: 0 });
        // A few large files of a fresh seed may all be sound.
        else if (oneIn === 1 || seed !== fresh) expect(seen.refused).toBeGreaterThan(0);
        expect(seen.accepted + seen.refused).toBe(CASES / oneIn);
      });
    }
  });
}

describe('files that once broke a rule', () => {
  const folder = new URL('./crashes/', import.meta.url);
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const crashes = names.map((name) => [name, readFileSync(new URL(name, folder))] as const);
  const verdicts = VERDICT_FILES.map(({ id, title, bytes }) => [`${id} ${title}.weights`, bytes] as const);

  // Found by the generator "large": shapes were kept in arrays with room for 17 numbers, 4 x the file and more.
  it('40,000 tiny tensors are held in 3 x the file', async () => {
    const tensors = Array.from({ length: 40_000 }, (_, i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`);
    const { accepted, memory } = await judge(frame(`{${tensors.join(',')}}`));
    expect(accepted).toBe(true);
    expect(memory).toBeGreaterThan(0);
    expect(memory).toBeLessThan(3);
  });

  for (const [name, bytes] of [...crashes, ...verdicts]) {
    it(name, async () => {
      const { ms, accepted } = await (name.endsWith('.index') ? judgeIndex : judge)(new Uint8Array(bytes));
      expect(ms).toBeLessThan(1000);
      if (name.startsWith('good-')) expect(accepted).toBe(true);
    });
  }
});
