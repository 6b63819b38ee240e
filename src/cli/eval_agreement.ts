// Text-audio agreement for melody eval: a model's towers hear each clip and its prompt.
import type { AudioFile } from '../audio/sound_file.ts';
import { readRecipe } from '../audio/wav_tags.ts';
import { MelodyError } from '../errors.ts';
import { Melody } from '../pipeline/melody.ts';
import { agreement } from '../pipeline/stages/given.ts';
import { textValue, type Values } from './command.ts';
import { DEFAULT_MODEL, locateModel } from './locate_model.ts';

export class Listener {
  readonly #melody: Melody;
  readonly #prompt: string | undefined;

  private constructor(melody: Melody, prompt: string | undefined) {
    this.#melody = melody;
    this.#prompt = prompt;
  }

  /** Undefined unless --model or --prompt asks for it. Throws `io`, `weights`, `no_adapter`. */
  static async open(values: Values, signal: AbortSignal): Promise<Listener | undefined> {
    const [model, prompt] = [textValue(values, 'model'), textValue(values, 'prompt')];
    if (model === undefined && prompt === undefined) return undefined;
    return new Listener(await Melody.load(locateModel(model ?? DEFAULT_MODEL), { signal }), prompt);
  }

  /** Cosine of the clip and --prompt, or else the prompt of the clip's own recipe. Throws `invalid_argument` where there is neither. */
  async hear(audio: AudioFile, signal: AbortSignal): Promise<number> {
    const prompt = this.#prompt ?? (readRecipe(audio.tags)?.recipe as { prompt?: unknown } | null | undefined)?.prompt;
    if (typeof prompt !== 'string')
      throw new MelodyError(
        'invalid_argument',
        'the file has no recipe with a prompt to hold it against',
        'name what was asked for: --prompt "calm piano"',
      );
    return (await agreement(this.#melody.engine, audio, [prompt], signal))[0];
  }

  dispose(): void {
    this.#melody.dispose();
  }
}
