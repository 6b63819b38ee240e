// Melody.load opens whatever a folder holds; what a system cannot do is a sentence.
import { appendFileSync, cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { type LoadOptions, Melody } from '../../src/index.ts';

const folder = (name: string) => fileURLToPath(new URL(`../goldens/systems/${name}`, import.meta.url));
const CPU: LoadOptions = { device: 'cpu', threads: 1 };
const PIECE = { prompt: 'calm piano', durationSeconds: 0.1, seed: 3 };
const own = mkdtempSync(join(tmpdir(), 'melody-face-'));
afterAll(() => rmSync(own, { recursive: true }));

/** A copy of the tiny Stable Audio, with the tokenizer that the goldens keep once. */
function stableAudio(): string {
  const place = join(own, 'stable_audio');
  cpSync(folder('stable_audio'), place, { recursive: true });
  cpSync(join(folder('musicgen_mono'), 'tokenizer.json'), join(place, 'tokenizer/tokenizer.json'));
  return place;
}

const same = (a: Float32Array, b: Float32Array) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));

describe('Melody.load', () => {
  it('finds the system from the folder', async () => {
    const found: [string, string, number][] = [];
    for (const place of [folder('musicgen_mono'), stableAudio(), fileURLToPath(new URL('../../weights/melody-tiny', import.meta.url))]) {
      const melody = await Melody.load(place, CPU);
      found.push([melody.system, melody.name, melody.sampleRate]);
      melody.dispose();
    }
    expect(found).toEqual([
      ['musicgen', 'musicgen_mono', 8000],
      ['stable_audio', 'stable_audio', 4000],
      ['melody', 'melody-tiny', 24_000],
    ]);
  });

  it('says of other folders what they hold', async () => {
    await expect(Melody.load(own, CPU)).rejects.toThrow('no config.json');
    await expect(Melody.load(folder('encodec_48'), CPU)).rejects.toThrow('EnCodec is a codec, which makes no music by itself');
    await expect(Melody.load('melody-tiny', { ...CPU, precision: 'f32' })).rejects.toMatchObject({
      hint: expect.stringContaining('without `precision`'),
    });
  });
});

describe('any system that Melody.load opened', async () => {
  const melody = await Melody.load(folder('musicgen_mono'), { ...CPU, queue: 1 });

  it('makes clips, variations of them, and each again from its recipe', async () => {
    await melody.warmup();
    const [first, second] = await melody.variations(PIECE, 2);
    expect([first.recipe.seed, second.recipe.seed, first.beats]).toEqual([3, 4, []]);
    const again = await melody.generate(second.recipe);
    expect(same(again.channels[0], second.channels[0])).toBe(true);
    expect(again.recipe).toEqual(second.recipe);
  });

  it('lets as many jobs wait as its queue says', async () => {
    const made = [melody.generate(PIECE), melody.generate(PIECE)];
    await expect(melody.generate(PIECE)).rejects.toMatchObject({ code: 'busy' });
    const [a, b] = await Promise.all(made);
    expect(same(a.channels[0], b.channels[0])).toBe(true);
  });

  it('refuses in a sentence what its system cannot do', async () => {
    const audio = await Melody.load(stableAudio(), CPU);
    expect(() => audio.stream(PIECE)).toThrow('stable_audio makes whole clips and no streams');
    audio.dispose();
    expect(() => melody.stream({ ...PIECE, tempo: 90 })).toThrow('MusicGen has no setting tempo');
    await expect(melody.generate({ ...PIECE, tempo: 90 })).rejects.toThrow('MusicGen has no setting tempo');
    await expect(melody.generate({ durationSeconds: 1 } as never)).rejects.toThrow('prompt must be a text; got none');
    await expect(melody.variations(PIECE, 65)).rejects.toThrow('variations must be a whole number from 1 to 64; got 65');
  });

  it('names the very bytes of its weights in recipes, and tells when they are others', async () => {
    const { recipe } = await melody.generate(PIECE);
    expect(recipe).toMatchObject({ weights: expect.stringMatching(/^[0-9a-f]{64}$/), executor: 'cpu' });
    const place = join(own, 'musicgen_mono');
    cpSync(folder('musicgen_mono'), place, { recursive: true });
    const copy = await Melody.load(place, CPU);
    expect((await copy.generate(PIECE)).recipe.weights).toBe(recipe.weights); // wherever they lie
    copy.dispose();
    appendFileSync(join(place, 'tokenizer.json'), ' ');
    const other = await Melody.load(place, CPU);
    const told: string[] = [];
    const made = await other.generate({ ...recipe, onEvent: (event) => event.type === 'warning' && told.push(event.code) });
    expect(told).toContain('other_weights');
    expect(made.recipe.weights).not.toBe(recipe.weights);
    other.dispose();
  });
});
