// What melody eval measures at once: a file, or one after the other the parts of a long one.

import { basename } from 'node:path';
import { lengthOf } from '../audio/channels.ts';
import type { AudioFile } from '../audio/sound_file.ts';
import { soundParts } from '../audio/sound_parts.ts';
import type { WavReadOptions } from '../audio/wav.ts';
import { MelodyError } from '../errors.ts';
import { printableText } from '../weights/printable.ts';
import type { Io } from './command.ts';
import { nameOf } from './eval_report.ts';
import { openInput } from './input.ts';
import { openingOptions } from './opening.ts';

/** Measuring needs some five times the file in memory: longer ones are measured in parts, of about ten minutes in stereo at 48 kHz and 16 bits. */
const PART_BYTES = 2 ** 27;

/** A file, or a part of a long one. */
export interface Part {
  readonly audio: AudioFile;
  /** Seconds; the whole is Infinity until a coded file has ended, which does not say before how long it is. */
  readonly part?: { readonly start: number; readonly end: number; readonly whole: number };
}

/** The parts of `file`, none of more than `most` bytes of a WAV or, as at 16 bits, half as many samples of another. Throws `audio`, `io`, `aborted`. */
export async function* partsOf(file: string, options: WavReadOptions, io: Io, most = PART_BYTES): AsyncGenerator<Part> {
  checkGoing(io);
  const source = await openInput(file, openingOptions({}, io));
  let several = false;
  for await (const { startFrame, frames, ...audio } of soundParts(source, { most, signal: io.signal, ...options })) {
    checkGoing(io);
    several ||= frames !== lengthOf(audio.channels);
    yield several ? partOf(file, audio, startFrame, frames ?? Infinity, io) : { audio };
  }
  if (several && io.terminal) io.err('\r\u001b[K');
}

function partOf(file: string, audio: AudioFile, startFrame: number, frames: number, io: Io): Part {
  const { sampleRate } = audio;
  const [start, end] = [startFrame / sampleRate, (startFrame + lengthOf(audio.channels)) / sampleRate];
  if (io.terminal) io.err(`\r${printableText(nameOf({ file: basename(file), part: { start, end } }))}\u001b[K`);
  return { audio, part: { start, end, whole: frames / sampleRate } };
}

function checkGoing(io: Io): void {
  if (io.signal.aborted) throw new MelodyError('aborted', 'eval: stopped');
}
