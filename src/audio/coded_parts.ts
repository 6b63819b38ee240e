/** FLAC, MP3, Opus and the like in parts that fit into memory: each is decoded when it is asked for. */
import { MelodyError } from '../errors.ts';
import type { ByteSource } from '../platform/bytes.ts';
import { decodedFile } from './coded_file.ts';
import { type AudioFile, openCodecs } from './sound_file.ts';

/** Of what is not on a disk, all the bytes are in memory while it is decoded. */
const MAX_BYTES_AT_ONCE = 2 ** 30;

/** A part of a longer sound. */
export interface CodedPart extends AudioFile {
  /** Place of its first frame in the whole. */
  readonly startFrame: number;
  /** Does the sound end with it? How long it is is not known before. */
  readonly last: boolean;
}

/**
 * The parts of a sound file other than WAV in their order. None has more than `most` samples (those of all its channels together), and none but a first
 * and only one has fewer than half of that. Throws what `readAudio` throws, `io` and `aborted`.
 */
export async function* codedParts(source: ByteSource, most: number, signal?: AbortSignal): AsyncGenerator<CodedPart> {
  const codecs = await openCodecs();
  for await (const { startFrame, last, ...part } of codecs.decodeParts(await input(source, signal), most, signal))
    yield { ...decodedFile(part), startFrame, last };
}

async function input(source: ByteSource, signal?: AbortSignal) {
  const { size } = source;
  if (source.readSync) return { size, readSync: source.readSync.bind(source) };
  if (size > MAX_BYTES_AT_ONCE)
    throw new MelodyError(
      'audio',
      `${source.name}: got ${size} bytes, expected at most ${MAX_BYTES_AT_ONCE} of what is not on a disk`,
      'save it to a file first, which may be of any length',
    );
  return source.read(0, size, signal);
}
