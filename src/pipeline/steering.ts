// A style that changes along the music. What was steered live is asked for beforehand the next time, and makes the same music again.
import { MelodyError } from '../errors.ts';
import { type AskedControls, checkControls } from './control_words.ts';
import type { ModelConfig } from './model.ts';
import type { Steering, StyleOptions } from './options.ts';

/** Throws `invalid_argument`. */
export function checkSteered(steered: readonly Steering[], config: ModelConfig): readonly Steering[] {
  let before = 0;
  return Array.from(steered, ({ atSeconds, prompt, blend, negativePrompt, ...controls }) => {
    if (!(atSeconds >= before) || (prompt === undefined && !blend))
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
      ...checkControls(controls, config),
    };
  });
}

/** Whether music that starts at `seconds` follows the change. */
export const isDue = ({ atSeconds }: Steering, seconds: number): boolean => atSeconds <= seconds + 1e-6;

/** A change with the tempo, key and metre that it says nothing of. */
export const holding = ({ tempo, key, metre }: AskedControls, change: StyleOptions): StyleOptions => ({
  ...change,
  tempo: change.tempo ?? tempo,
  key: change.key ?? key,
  metre: change.metre ?? metre,
});
