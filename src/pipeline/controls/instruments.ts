// Which of the model's classes of instruments a prompt names. As `instruments_said` of tools/train/melody_train/words.py.

import type { ControlsConfig } from '../../models/semantic_lm.ts';
import type { Tokenizer } from '../stages/tokenizer.ts';

/** What classes of instruments count: the shares, summed, of the prompts that name them. Undefined where no prompt names one. */
export function namedInstruments(
  texts: readonly { readonly text: string; readonly share: number }[],
  c: ControlsConfig,
  tokenizer: Tokenizer,
): Record<string, number> | undefined {
  if (!c.instruments) return undefined;
  const told: Record<string, number> = {};
  for (const { text, share } of texts.filter(({ share }) => share > 0))
    for (const name of namedIn(tokenizer.read(text).words, c.instruments)) told[name] = Math.min(1, (told[name] ?? 0) + share);
  return Object.keys(told).length > 0 ? told : undefined;
}

/** Classes that words of a prompt, as the model is given them, name: each place by its longest phrase, but "no piano" and "without drums" name none. */
export function namedIn(words: readonly string[], phrases: Readonly<Record<string, string>>): Set<string> {
  const classOf = new Map(Object.entries(phrases).flatMap(([name, some]) => some.split(', ').map((phrase) => [phrase, name])));
  const longest = Math.max(...[...classOf.keys()].map((phrase) => phrase.split(' ').length));
  const named = new Set<string>();
  for (let at = 0; at < words.length; ) {
    let length = Math.min(longest, words.length - at);
    let found: string | undefined;
    for (; length > 0 && !found; length--) found = classOf.get(words.slice(at, at + length).join(' '));
    if (found && !/^(no|without)$/.test(words[at - 1] ?? '')) named.add(found);
    at += found ? length + 1 : 1;
  }
  return named;
}
