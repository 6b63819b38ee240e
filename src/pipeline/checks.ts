// Checks of what users give, shared by options, streams and steering. All throw `invalid_argument` before any work.
import { MelodyError } from '../errors.ts';
import { type AskedControls, checkControls } from './control_words.ts';
import type { Model } from './model.ts';
import type { AudioInput, Steering, StyleOptions } from './options.ts';

export const refuse = (what: string, got: unknown, expected: string): MelodyError =>
  new MelodyError('invalid_argument', `${what} must be ${expected}; got ${typeof got === 'number' ? got : JSON.stringify(got)}`);

export function numberIn(what: string, value: number, low: number, high: number): number {
  if (!(typeof value === 'number' && value >= low && value <= high)) throw refuse(what, value, `a number from ${low} to ${high}`);
  return value;
}

/** Also throws `non_finite`. */
export function checkAudio(audio: AudioInput): void {
  const { channels, sampleRate } = audio;
  if (
    !Array.isArray(channels) ||
    channels.length < 1 ||
    channels.some((c) => !(c instanceof Float32Array) || c.length !== channels[0].length || c.length === 0)
  )
    throw new MelodyError('invalid_argument', 'audio must have channels: Float32Arrays of one length, at least one sample');
  if (!Number.isInteger(sampleRate) || sampleRate < 1000 || sampleRate > 768000)
    throw refuse('audio sampleRate', sampleRate, 'a whole number of Hz from 1000 to 768000');
  if (!channels.every((c) => c.every(Number.isFinite)))
    throw new MelodyError('non_finite', 'the given audio holds NaN or infinity', 'repair the file, or give another');
}

/** Can the style be followed? Returns its tempo, key and metre in one spelling. */
export function checkStyle(style: StyleOptions, { config, tokenizer }: Model): AskedControls {
  const { prompt, blend, negativePrompt, promptAudio, promptAudioWeight } = style;
  if (prompt !== undefined) tokenizer.encode(prompt);
  if (blend) {
    tokenizer.encode(blend.text, 'the second prompt');
    numberIn('blend.weight', blend.weight, 0, 1);
  }
  if (negativePrompt !== undefined) tokenizer.encode(negativePrompt, 'the negative prompt');
  if (promptAudio) checkAudio(promptAudio);
  if (promptAudioWeight !== undefined) numberIn('promptAudioWeight', promptAudioWeight, 0, 1);
  return checkControls(style, config);
}

/** Changes along the music, without what is not theirs. */
export function checkSteered(steered: readonly Steering[], model: Model): readonly Steering[] {
  let before = 0;
  return Array.from(steered, (change) => {
    const { atSeconds, prompt, blend, negativePrompt } = change;
    if (!(atSeconds >= before && Number.isFinite(atSeconds)) || (prompt === undefined && !blend))
      throw new MelodyError(
        'invalid_argument',
        `steered: got ${JSON.stringify({ atSeconds, prompt, blend })}, expected changes in order of time, each with atSeconds and a prompt`,
      );
    before = atSeconds;
    return {
      atSeconds,
      ...(prompt !== undefined && { prompt }),
      ...(blend && { blend: { text: blend.text, weight: blend.weight } }),
      ...(negativePrompt !== undefined && { negativePrompt }),
      ...checkStyle({ prompt, blend, negativePrompt, tempo: change.tempo, key: change.key, metre: change.metre }, model),
    };
  });
}
