/**
 * Audio files of any kind: WAV by our own reader and writer, FLAC, MP3, Opus and others by what the platform has for them (in Node the npm
 * package `node-av`, if it is installed).
 */
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import { CONVERT_AUDIO, fileKind } from '../platform/file_kind.ts';
import { decodedFile, encodeWith } from './coded_file.ts';
import { id3Length } from './id3.ts';
import { OtherCoding, readWav, type WavReadOptions } from './wav.ts';
import type { WavTags } from './wav_tags.ts';
import { type SampleFormat, writeWav } from './wav_write.ts';

/** A sound file in memory: WAV, FLAC, MP3, Opus and others. */
export interface AudioFile {
  /** Hz. */
  sampleRate: number;
  /** One array a channel, all of one length; full scale is −1 … 1. */
  channels: Float32Array[];
  /** Of all kinds of files as a WAV has them, so that `readRecipe` reads them all. */
  tags: WavTags;
  /** "pcm" or "float" of a WAV, else the coding as FFmpeg calls it: "flac", "mp3", "opus", "vorbis", "aac", … */
  format: string;
  /** Undefined where the coding loses some of the sound, and has no such number. */
  bitsPerSample: number | undefined;
  /** Oddities that were read over, in words. */
  warnings: string[];
}

/** What `writeAudio` makes. */
export type AudioFormat = 'wav' | 'flac' | 'mp3' | 'opus';

/**
 * Reads a whole file: WAV, and with npm `node-av` in Node what FFmpeg decodes (FLAC, MP3, Opus, Vorbis, AAC, AIFF, …), without the silence
 * that encoders add. Throws `audio` on what cannot be read, and where the package that could is not installed.
 */
export async function readAudio(bytes: Uint8Array, options: WavReadOptions = {}): Promise<AudioFile> {
  const start = bytes.subarray(0, 64);
  if (!isSound(start) || isWav(bytes.subarray(id3Length(start)))) {
    try {
      return readWav(bytes, options);
    } catch (error) {
      const codecs = await codecsFor(error);
      return decodedFile(await codecs.decode(bytes));
    }
  }
  const codecs = await openCodecs(`${fileKind(start)?.what} was given; files other than WAV`, CONVERT_AUDIO);
  return decodedFile(await codecs.decode(bytes));
}

/**
 * A whole file of this format. WAV and FLAC keep every sample at 16 bits, or at 24 with `sample: 'pcm24'` (WAV also `float32`); MP3 and Opus
 * lose what is hard to hear. Rates that a format does not have become the next higher that it has. Throws `audio` where npm `node-av` is
 * not installed, `non_finite`, `invalid_argument`.
 */
export async function writeAudio(
  { sampleRate, channels, tags }: { sampleRate: number; channels: Float32Array[]; tags?: WavTags },
  format: AudioFormat,
  sample: SampleFormat = 'pcm16',
): Promise<Uint8Array> {
  if (format === 'wav') return writeWav({ sampleRate, channels, ...(tags && { tags }) }, sample);
  return encodeWith(() => openCodecs(`${format} files`), { sampleRate, channels, ...(tags && { tags }) }, format, sample);
}

/** Is a file that begins so sound, but no WAV? */
export const isSound = (start: Uint8Array): boolean => fileKind(start)?.hint === CONVERT_AUDIO;

/** Does a file that begins so say that it is a WAV? */
export const isWav = (start: Uint8Array): boolean => /^(RIFF|RF64|BW64|RIFX|riff)$/.test(String.fromCharCode(...start.subarray(0, 4)));

/** What reads a WAV that our own reader refused with this error: one of another coding, where codecs are installed. Else throws the error. */
export async function codecsFor(error: unknown): ReturnType<typeof openCodecs> {
  if (!(error instanceof OtherCoding) || !platform.openCodecs) throw error;
  return platform.openCodecs().catch(() => {
    throw error;
  });
}

/** What reads and writes files other than WAV. Throws `audio` where there is nothing. */
export function openCodecs(
  what = 'files other than WAV',
  hint = 'write a WAV file, or in a page use writeAudio of melody/mediabunny',
): ReturnType<NonNullable<typeof platform.openCodecs>> {
  if (platform.openCodecs) return platform.openCodecs();
  throw new MelodyError('audio', `${what} are read and written in Node alone`, hint);
}
