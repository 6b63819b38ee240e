// A piece as an address. All of it stands behind “#”, which browsers send to no server.
import type { Settings } from './history.ts';

/** What a link says: with the same model, settings make the same music. */
export interface Shared extends Settings {
  readonly model?: string;
}

/** Between the parts of a value: nobody types it. */
const APART = '\u001f';
/** Behind the second of a change for which the stream went back. */
const ANEW = '!';
/** Corners of the pad beside the prompt's. */
const MOST_BLENDS = 3;

export function linkOf({ prompt, seed, durationSeconds, firstWindowSeconds, loop, blend, steered, model }: Shared, page: string): string {
  const words = new URLSearchParams({ p: prompt, s: String(seed) });
  if (model) words.set('m', model);
  if (durationSeconds !== undefined) words.set('d', String(durationSeconds));
  if (firstWindowSeconds !== undefined) words.set('w', String(firstWindowSeconds));
  if (loop) words.set('l', '1');
  if (blend) words.set('b', wordsOf(blend).join(APART));
  for (const { atSeconds, anew, prompt: text = '', blend: other } of steered ?? [])
    words.append('c', [`${atSeconds}${anew ? ANEW : ''}`, text, ...(other ? wordsOf(other) : [])].join(APART));
  return `${page.replace(/[#?].*/s, '')}#${words}`;
}

/** Undefined where the address names no piece; what is out of range is left out, and a seed that is none is drawn by the form. */
export function pieceIn(address: string): Shared | undefined {
  const words = new URLSearchParams(new URL(address).hash.slice(1));
  const prompt = words.get('p')?.slice(0, 400);
  const seed = number(words.get('s'), 0, Number.MAX_SAFE_INTEGER);
  if (!prompt || seed === undefined || !Number.isInteger(seed)) return undefined;
  const durationSeconds = number(words.get('d'), 0.1, 3600);
  const firstWindowSeconds = number(words.get('w'), 0, 60);
  const blend = blendOf((words.get('b') ?? '').split(APART));
  const steered = words.getAll('c').flatMap((text) => {
    const [at, prompt, ...rest] = text.split(APART);
    const atSeconds = number(at.replace(ANEW, ''), 0, 1e6);
    const anew = at.endsWith(ANEW);
    const other = blendOf(rest);
    return atSeconds === undefined || !prompt ? [] : [{ atSeconds, ...(anew && { anew }), prompt, ...(other && { blend: other }) }];
  });
  const model = words.get('m');
  return {
    prompt,
    seed,
    ...(durationSeconds !== undefined && { durationSeconds }),
    ...(firstWindowSeconds !== undefined && { firstWindowSeconds }),
    ...(words.get('l') === '1' && { loop: true }),
    ...(blend && { blend }),
    ...(steered.length && { steered }),
    ...(model && { model }),
  };
}

/** Weight and text of each prompt that is mixed in. */
const wordsOf = (blend: NonNullable<Settings['blend']>) => [blend].flat().flatMap(({ weight, text }) => [weight, text]);

function blendOf(words: readonly string[]): Settings['blend'] {
  const blends = [];
  for (let i = 0; i + 1 < words.length && blends.length < MOST_BLENDS; i += 2) {
    const weight = number(words[i], 0, 1);
    if (weight && words[i + 1]) blends.push({ text: words[i + 1].slice(0, 400), weight });
  }
  if (blends.reduce((sum, { weight }) => sum + weight, 0) > 1 + 1e-6) return undefined;
  return blends.length > 1 ? blends : blends[0];
}

function number(text: string | null | undefined, min: number, max: number): number | undefined {
  const value = Number(text || Number.NaN);
  return value >= min && value <= max ? value : undefined;
}
