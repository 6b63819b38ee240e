// Short pieces by the shipped model, made by tools/demo_pieces.ts: something to hear before anything is downloaded.
import { MelodyError } from '../src/errors.ts';
import type { Recipe } from '../src/web/index.ts';
import { button, byId } from './dom.ts';
import type { Settings } from './history.ts';
import { maybe, t } from './language.ts';

export interface ReadyPiece {
  readonly name: string;
  readonly file: string;
  readonly recipe: Recipe;
  readonly sampleRate: number;
  readonly channels: number;
}

/** A button a piece; `play` is called within the press. Where the list is missing there is no button. Returns what is offered. */
export async function offerPieces(play: (piece: ReadyPiece) => void): Promise<readonly ReadyPiece[]> {
  const answer = await fetch('pieces/pieces.json').catch(() => undefined);
  const pieces: ReadyPiece[] = answer?.ok ? await answer.json() : [];
  const buttons = pieces.map((piece) => {
    const { name, recipe } = piece;
    const seen = maybe(name);
    const press = button(seen, () => play(piece));
    press.onpointerenter = press.onfocus = () => void readPiece(piece).catch(() => {}); // about to be pressed
    press.className = 'ready';
    press.setAttribute('aria-label', t('Hear: {0}', `${seen === name ? '' : `${seen}, `}${recipe.prompt}`));
    return press;
  });
  byId('pieces').append(...buttons);
  byId('hear').hidden = buttons.length === 0;
  return pieces;
}

/** What of a recipe the page can ask for again. */
export function settingsOf({ prompt = '', blend, durationSeconds, firstWindowSeconds, seed, loop, steered }: Recipe): Settings {
  return {
    prompt,
    seed,
    ...(loop && { loop }),
    ...(blend && { blend }),
    ...(durationSeconds !== undefined && { durationSeconds }),
    ...(firstWindowSeconds !== undefined && { firstWindowSeconds }),
    ...(steered && { steered }),
  };
}

const fetched = new Map<string, Promise<ArrayBuffer>>();
let read: { file: string; channels: Promise<Float32Array[]> } | undefined; // the last one: a decoded piece takes megabytes

/** Its file. One that could not be fetched is asked for again. Throws `io`. */
export function fetchPiece({ file }: ReadyPiece): Promise<ArrayBuffer> {
  const fetching = async () => {
    const answer = await fetch(`pieces/${file}`);
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    return answer.arrayBuffer();
  };
  const bytes =
    fetched.get(file) ??
    fetching().catch((error) => {
      fetched.delete(file);
      throw notPlayed(file, error);
    });
  fetched.set(file, bytes);
  return bytes;
}

/** Its samples, one array a channel. Throws `io`. */
export function readPiece(piece: ReadyPiece): Promise<Float32Array[]> {
  const { file, sampleRate, channels } = piece;
  const reading = async () => {
    const bytes = await fetchPiece(piece);
    try {
      const audio = await new OfflineAudioContext(channels, 1, sampleRate).decodeAudioData(bytes.slice(0)); // it takes what it is given
      return Array.from({ length: channels }, (_, c) => audio.getChannelData(Math.min(c, audio.numberOfChannels - 1)));
    } catch (error) {
      fetched.delete(file); // what came was no sound
      throw notPlayed(file, error);
    }
  };
  if (read?.file !== file) {
    const begun = { file, channels: reading() };
    read = begun;
    begun.channels.catch(() => {
      if (read === begun) read = undefined; // the next press tries again
    });
  }
  return read.channels;
}

const notPlayed = (file: string, error: unknown) =>
  new MelodyError('io', `${file} could not be played (${(error as Error).message})`, 'press it again', { cause: error });
