/** Sound files of any kind and length in parts that fit into memory, and what is to be said of them without their samples. */

import type { ByteSource } from '../platform/bytes.ts';
import { lengthOf } from './channels.ts';
import { codedParts } from './coded_parts.ts';
import { id3Length } from './id3.ts';
import { type AudioFile, codecsFor, isSound, isWav } from './sound_file.ts';
import { readWav, type WavReadOptions } from './wav.ts';
import { wavParts } from './wav_parts.ts';

/** A part of a sound file. */
export interface SoundFilePart extends AudioFile {
  /** Place of its first frame in the whole. */
  readonly startFrame: number;
  /** Frames of the whole; undefined until a coded file has ended, which does not say before how long it is. */
  readonly frames: number | undefined;
}

/** How `soundParts` reads. */
export interface PartOptions extends WavReadOptions {
  /** No part is of more bytes of a WAV or, as at 16 bits, half as many samples of another. */
  readonly most: number;
  readonly signal?: AbortSignal;
}

/** The parts of a sound file in their order, each read when it is asked for. Throws what `readAudio` throws, `io` and `aborted`. */
export async function* soundParts(source: ByteSource, { most, signal, ...options }: PartOptions): AsyncGenerator<SoundFilePart> {
  const wav = await wavIn(source, signal);
  if (wav) {
    let begun = false;
    try {
      for await (const part of wav.size <= most ? whole(wav, options, signal) : wavParts(wav, most, options, signal)) {
        begun = true;
        yield part;
      }
      return;
    } catch (error) {
      if (begun) throw error;
      await codecsFor(error);
    }
  }
  for await (const { last, ...part } of codedParts(source, most / 2, signal))
    yield { ...part, frames: last ? part.startFrame + lengthOf(part.channels) : undefined };
}

async function* whole(source: ByteSource, options: WavReadOptions, signal?: AbortSignal): AsyncGenerator<SoundFilePart> {
  const audio = readWav(await source.read(0, source.size, signal), options);
  yield { ...audio, startFrame: 0, frames: lengthOf(audio.channels) };
}

/** The file as one for our own reader, without a tag in front of it; undefined for what is sound and no WAV. */
async function wavIn(source: ByteSource, signal?: AbortSignal): Promise<ByteSource | undefined> {
  const start = await source.read(0, Math.min(64, source.size), signal);
  if (!isSound(start)) return source;
  const at = id3Length(start);
  if (at + 12 > source.size || !isWav(await source.read(at, 12, signal))) return undefined;
  return { name: source.name, size: source.size - at, read: (offset, length, stop) => source.read(at + offset, length, stop) };
}

/** What a file is, without its samples. */
export interface SoundFacts extends Omit<AudioFile, 'channels'> {
  readonly channels: number;
  /** Of each channel. */
  readonly frames: number;
}

/** Memory for one look at a file, whatever its length: bytes as `PartOptions.most` counts them. */
const LOOK = 2 ** 24;

/**
 * What a file is. All of it is read, part by part, so that every fault of it is met; with `start`, no more than its first part, of a coded file all
 * the same (which says at its end alone how long it is). Throws as `soundParts`.
 */
export async function soundFacts(
  source: ByteSource,
  { start = false, ...options }: Omit<PartOptions, 'most'> & { start?: boolean },
): Promise<SoundFacts> {
  let first: Omit<SoundFacts, 'frames'> | undefined;
  let frames = 0;
  for await (const { startFrame, frames: whole, channels, warnings, ...part } of soundParts(source, { most: LOOK, ...options })) {
    frames = whole ?? startFrame + lengthOf(channels);
    first ??= { ...part, channels: channels.length, warnings: [] };
    for (const text of warnings) if (!first.warnings.includes(text)) first.warnings.push(text);
    if (start && whole !== undefined) break;
  }
  return { ...(first as Omit<SoundFacts, 'frames'>), frames };
}
