// Audio files other than WAV, as a package reads and writes them: what such a package is to us, whichever it is.

import type { ByteSource } from './bytes.ts';

/** Containers and codings that are written. */
export type CodedFormat = 'flac' | 'mp3' | 'opus';

/** A sound as an encoder takes it: one Float32Array [frames] a channel, full scale −1…1. */
export interface CodedSound {
  readonly channels: readonly Float32Array[];
  readonly sampleRate: number; // Hz
}

export interface DecodedFile {
  /** One Float32Array [frames] a channel, without what the encoder put before and after the sound. */
  readonly channels: Float32Array[];
  readonly sampleRate: number; // Hz
  /** Tags by name, as the file spells them: `title`, `comment`, `MELODY`, … */
  readonly tags: Readonly<Record<string, string>>;
  /** The coding, as FFmpeg calls it: "flac", "mp3", "opus", "vorbis", "aac", … */
  readonly codec: string;
  /** Bits of a sample; undefined where the coding loses some and has no such number. */
  readonly bitsPerSample: number | undefined;
  /** Oddities that were read over, in words. */
  readonly warnings: string[];
}

/** A part of a longer sound. */
export interface DecodedPart extends DecodedFile {
  /** Place of its first frame in the whole. */
  readonly startFrame: number;
  /** Does the sound end with it? How long it is is not known before. */
  readonly last: boolean;
}

/** A file that is read without waiting, by range. */
export type SyncBytes = Required<Pick<ByteSource, 'size' | 'readSync'>>;

export interface AudioCodecs {
  /** All of a file of at most 2²⁸ samples. Throws `audio`. */
  decode(bytes: Uint8Array): Promise<DecodedFile>;
  /**
   * The parts of a file of any length in their order, each decoded when it is asked for: none of more than `most` samples (those of all its channels
   * together), none but a first and only one of fewer than half of that. Throws `audio`, `aborted`, and what `readSync` throws.
   */
  decodeParts(bytes: Uint8Array | SyncBytes, most: number, signal?: AbortSignal): AsyncGenerator<DecodedPart>;
  /** A whole file. `bits` is 16 or 24, for FLAC alone. Throws `audio`. */
  encode(sound: CodedSound, format: CodedFormat, tags: Readonly<Record<string, string>>, bits: 16 | 24): Promise<Uint8Array>;
  /** A file that is made piece by piece, front to back: its head does not know its length. Throws `audio`. */
  openEncoder(form: CodedForm, format: CodedFormat, tags: Readonly<Record<string, string>>, bits: 16 | 24): Promise<Encoder>;
}

/** What an encoder must know before the first sample. */
export interface CodedForm {
  /** Number of channels. */
  readonly channels: number;
  readonly sampleRate: number; // Hz
}

export interface Encoder {
  /** Takes samples, one Float32Array a channel, and gives what of the file is ready; perhaps nothing. Throws `audio`. */
  push(channels: readonly Float32Array[]): Promise<Uint8Array>;
  /** The rest of the file. Throws `audio`. */
  finish(): Promise<Uint8Array>;
  /** Frees it, finished or not. */
  close(): void;
}

/** Rates, Hz, and channels that a format can hold; any rate where none are listed. */
export const CODED: Readonly<Record<CodedFormat, { readonly rates?: readonly number[]; readonly channels: number }>> = {
  flac: { channels: 8 },
  mp3: { rates: [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000], channels: 2 },
  opus: { rates: [8000, 12_000, 16_000, 24_000, 48_000], channels: 8 },
};
