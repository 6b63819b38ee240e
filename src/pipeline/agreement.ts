// How well a clip fits a prompt, as the model's own towers hear it (MuLan cycle consistency, with our towers in MuLan's place).
import { convertAudio } from '../audio/channels.ts';
import type { Machine } from '../engine/engine.ts';
import { LISTENING_RATE } from '../models/layers.ts';
import type { Model } from './model.ts';
import type { AudioInput } from './options.ts';
import { embedAudio } from './stages/given.ts';
import { embedText } from './stages/networks.ts';

/**
 * Cosine of each text's and the audio's embedding, −1…1; of a clip longer than a window, the mean over its whole windows. A shorter one
 * is padded with zeros, as in music prompting. Towers trained with the generator flatter it: compare clips by it, not models.
 */
export async function agreement(
  engine: Machine<Model>,
  audio: AudioInput,
  prompts: readonly string[],
  signal?: AbortSignal,
): Promise<number[]> {
  const { config, tokenizer } = engine.model;
  const texts: Float32Array[] = [];
  for (const prompt of prompts) texts.push(await embedText(engine, tokenizer.encode(prompt).ids, signal));
  const [samples] = convertAudio(audio, LISTENING_RATE, 1);
  const window = config.window_seconds * LISTENING_RATE;
  const windows = Math.max(1, Math.floor(samples.length / window));
  const sums = prompts.map(() => 0);
  for (let i = 0; i < windows; i++) {
    const embedding = await embedAudio(engine, samples.subarray(i * window, (i + 1) * window), signal);
    for (const [p, text] of texts.entries()) sums[p] += embedding.reduce((dot, v, d) => dot + v * text[d], 0);
  }
  return sums.map((sum) => sum / windows);
}
