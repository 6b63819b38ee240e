// Run by Node and, bundled, by a page: what must be the same bytes in both.

import { normalNoise, STREAM, seedWords } from '../../src/ops/random.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';
import { extendTokens } from '../../src/pipeline/stages/language.ts';
import { embedText, quantiseStyle } from '../../src/pipeline/stages/networks.ts';

export const PROMPT = 'calm piano, 80 bpm';
export const SEED = 7;
const TOKENS = 50;

/** Tokens and noise of one seed, and the adapter that made them. */
export async function parity(location: string | URL): Promise<{ adapter: string; tokens: number[]; noise: number[] }> {
  const melody = await MeLoDy.load(location, { device: 'gpu' });
  try {
    const { engine, model } = melody;
    const style = await quantiseStyle(engine, await embedText(engine, model.tokenizer.encode(PROMPT).ids));
    const tokens = await extendTokens(engine, 0, new Uint32Array(0), TOKENS, {
      style,
      guidance: 1,
      sampling: { temperature: 1, topK: 0, topP: 0.95 },
      seed: SEED,
    });
    const plan = await engine.plan('parity noise', (g) => {
      g.output('noise', normalNoise(g, [100, 8], { seed: seedWords(SEED), stream: STREAM.noise }));
    });
    plan.run({});
    const noise = new Uint32Array(await plan.readBytes('noise'));
    return { adapter: engine.device.caps.name, tokens: [...tokens], noise: [...noise] };
  } finally {
    melody.dispose();
  }
}
