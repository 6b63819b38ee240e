// What is asked for, in words or as music → the 12 style tokens that lead the language model (docs/system.md §2).
import { monoAt } from '../../audio/channels.ts';
import type { Machine } from '../../engine/engine.ts';
import { MelodyError } from '../../errors.ts';
import { LISTENING_RATE } from '../../models/layers.ts';
import { blendsOf } from '../checks.ts';
import { type ControlRequest, type Controls, decideControls, describe } from '../controls/controls.ts';
import type { Model } from '../model.ts';
import type { StyleOptions } from '../options.ts';
import type { Progress } from '../progress.ts';
import { embedText, quantiseStyle } from './networks.ts';

export interface Style {
  /** RVQ codes; undefined: no style asked for, the null prefix. */
  readonly codes: number[] | undefined;
  readonly negative: number[] | undefined;
  /** Undefined for models without controls. */
  readonly controls: Controls | undefined;
}

/** What of the piece, beside its style, decides the controls. */
export type PieceFacts = Pick<ControlRequest, 'seed' | 'within' | 'loopSeconds'>;

export async function styleOf(
  engine: Machine<Model>,
  options: StyleOptions & { signal?: AbortSignal | undefined },
  piece: PieceFacts,
  progress: Pick<Progress, 'warn' | 'emit'>,
): Promise<Style> {
  const { prompt, blend, tempo, key, metre, signal } = options;
  const embed = (text: string, what?: string) => embedPrompt(engine, { text, what }, progress, signal);
  const others = blendsOf(blend);
  const sum = others.reduce((sum, { weight }) => sum + weight, 0);
  const shareOf = (weight: number) => (prompt !== undefined ? weight : sum > 0 ? weight / sum : 1 / others.length);
  const texts = [
    ...(prompt === undefined ? [] : [{ text: prompt, share: 1 - sum }]),
    ...others.map(({ text, weight }) => ({ text, share: shareOf(weight) })),
  ];
  const parts: Part[] = [];
  for (const { text, share } of texts)
    parts.push({ share, embedding: await embed(text, parts.length > 0 || prompt === undefined ? 'the second prompt' : undefined) });
  let wanted = mix(parts);
  if (options.promptAudio) {
    const listened = monoAt(options.promptAudio, LISTENING_RATE);
    const { embedAudio, sayOfGiven } = await import('./given.ts');
    sayOfGiven('promptAudio', options.promptAudio, progress);
    const embedding = await embedAudio(engine, listened, signal);
    const weight = options.promptAudioWeight ?? 0.5;
    wanted = wanted
      ? mix([
          { embedding: wanted, share: 1 - weight },
          { embedding, share: weight },
        ])
      : embedding;
  }
  const controls = await decideControls(engine, { ...piece, tempo, key, metre, texts, embedding: wanted, signal }, progress);
  if (controls) progress.emit({ type: 'decided', ...describe(controls) });
  return {
    controls,
    codes: wanted && (await quantiseStyle(engine, wanted, signal)),
    negative:
      options.negativePrompt === undefined
        ? undefined
        : await quantiseStyle(engine, await embed(options.negativePrompt, 'the negative prompt'), signal),
  };
}

async function embedPrompt(
  engine: Machine<Model>,
  { text, what }: { text: string; what: string | undefined },
  progress: Pick<Progress, 'warn'>,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { ids, dropped, unknown, silent } = engine.model.tokenizer.encode(text, what);
  if (unknown.length)
    progress.warn(
      'unknown_words',
      `${unknown.length} word${unknown.length > 1 ? 's are' : ' is'} unknown to the model: ${unknown.slice(0, 8).map(short).join(', ')}${unknown.length > 8 ? ', …' : ''}`,
    );
  else if (silent) progress.warn('unknown_words', `the model knows no word of ${what ?? 'the prompt'}: ${short(text)}`);
  if (dropped) progress.warn('dropped_words', `the prompt is too long: its last ${dropped} word pieces were not read`);
  return embedText(engine, ids, signal);
}

/** A warning is a line to read, whatever the prompt was. */
const short = (word: string) => (word.length > 40 ? `${word.slice(0, 40)}…` : word);

interface Part {
  readonly embedding: Float32Array;
  readonly share: number;
}

/** The sum of share · embedding on the unit sphere; one alone is what it is, none is undefined. */
function mix(parts: readonly Part[]): Float32Array | undefined {
  const [first] = parts;
  if (!first || parts.length < 2) return first?.embedding;
  const sum = first.embedding.map((_, i) => parts.reduce((sum, { embedding, share }) => sum + share * (embedding[i] ?? 0), 0));
  const norm = Math.sqrt(sum.reduce((squares, v) => squares + v * v, 0));
  if (norm < 1e-6)
    throw new MelodyError('invalid_argument', 'the prompts are opposites: their blend has no direction', 'choose another weight');
  return sum.map((v) => v / norm);
}
