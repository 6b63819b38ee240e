// Text-audio agreement for melody eval: a model's towers hear each clip and its prompt.
import { monoAt } from '../audio/channels.ts';
import type { AudioFile } from '../audio/sound_file.ts';
import { readRecipe } from '../audio/wav_tags.ts';
import type { Machine } from '../engine/engine.ts';
import { MelodyError } from '../errors.ts';
import { LISTENING_RATE } from '../models/layers.ts';
import { MeLoDy } from '../pipeline/melody.ts';
import type { Model } from '../pipeline/model.ts';
import type { AudioInput } from '../pipeline/options.ts';
import { embedAudio } from '../pipeline/stages/given.ts';
import { embedText } from '../pipeline/stages/networks.ts';
import { textValue, type Values } from './command.ts';
import { DEFAULT_MODEL, locateModel } from './locate_model.ts';

export class Listener {
  readonly #melody: MeLoDy;
  readonly #prompt: string | undefined;

  private constructor(melody: MeLoDy, prompt: string | undefined) {
    this.#melody = melody;
    this.#prompt = prompt;
  }

  /** Undefined unless --model or --prompt asks for it. Throws `io`, `weights`, `no_adapter`. */
  static async open(values: Values, signal: AbortSignal): Promise<Listener | undefined> {
    const [model, prompt] = [textValue(values, 'model'), textValue(values, 'prompt')];
    if (model === undefined && prompt === undefined) return undefined;
    return new Listener(await MeLoDy.load(locateModel(model ?? DEFAULT_MODEL), { signal }), prompt);
  }

  /** Cosine of the clip and --prompt, or else the prompt of the clip's own recipe. Throws `invalid_argument` where there is neither. */
  async hear(audio: AudioFile, signal: AbortSignal): Promise<number> {
    const prompt = this.#prompt ?? (readRecipe(audio.tags)?.recipe as { prompt?: unknown } | null | undefined)?.prompt;
    if (typeof prompt !== 'string')
      throw new MelodyError(
        'invalid_argument',
        'the file has no recipe whose prompt it could be compared with',
        'name what was asked for: --prompt "calm piano"',
      );
    const [cosine] = (await agreement(this.#melody.engine, audio, [prompt], signal)) as [number];
    return cosine;
  }

  dispose(): void {
    this.#melody.dispose();
  }
}

/**
 * How well a clip fits prompts, as the model's own towers hear it (MuLan cycle consistency, with our towers in MuLan's place): the
 * cosine of each text's and the audio's embedding, −1…1; of a clip longer than a window, the mean over its whole windows. A shorter one
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
  const samples = monoAt(audio, LISTENING_RATE);
  const window = config.window_seconds * LISTENING_RATE;
  const windows = Math.max(1, Math.floor(samples.length / window));
  const heard: Float32Array[] = [];
  for (let i = 0; i < windows; i++) heard.push(await embedAudio(engine, samples.subarray(i * window, (i + 1) * window), signal));
  return texts.map(
    (text) => heard.reduce((sum, embedding) => sum + embedding.reduce((dot, v, d) => dot + v * (text[d] ?? 0), 0), 0) / windows,
  );
}
