/** A WAV of any length in parts that fit into memory: each is read when it is asked for. */
import { MelodyError } from '../errors.ts';
import type { ByteSource } from '../platform/bytes.ts';
import { readWav, type WavAudio, type WavReadOptions } from './wav.ts';
import { chunkHead, dataSize, layoutOf } from './wav_layout.ts';
import { chunk, join } from './wav_tags.ts';

/** Chunks beside the audio that are handed on to each part, at most; longer ones are pictures and the like. */
const MAX_CHUNK = 1024 * 1024;
const MAX_CHUNKS = 64;

/** A part of a longer sound. */
export interface WavPart extends WavAudio {
  /** Place of its first frame in the whole. */
  readonly startFrame: number;
  /** Frames of the whole. */
  readonly frames: number;
}

/**
 * The parts of a WAV file in their order, none of more than `most` bytes of audio, all about equally long. Each has the tags of the whole. Throws
 * what `readWav` throws, and `io`.
 */
export async function* wavParts(
  source: ByteSource,
  most: number,
  options: WavReadOptions = {},
  signal?: AbortSignal,
): AsyncGenerator<WavPart> {
  const layout = layoutOf(await source.read(0, Math.min(40, source.size), signal));
  if (!layout) {
    readWav(await source.read(0, Math.min(64, source.size), signal)); // says what it is instead
    throw new MelodyError('audio', `${source.name}: not a WAV file`);
  }
  const beside: Uint8Array[] = [];
  const warnings: string[] = [];
  let audio: { at: number; size: number; truncated: boolean } | undefined;
  let format: Uint8Array | undefined;
  let longSize: number | undefined;
  let at = layout.first;
  for (let count = 0; at + layout.head <= source.size && count < MAX_CHUNKS; count++) {
    const head = await source.read(at, layout.head, signal);
    const { id: name, claimed, padded } = chunkHead(layout, new DataView(head.buffer, head.byteOffset, head.byteLength), 0);
    at += layout.head;
    const left = source.size - at;
    if (name === 'data') {
      if (!format) break;
      if (audio) throw new MelodyError('audio', 'wav: two data chunks; expected one');
      const size = dataSize(layout, claimed, left, longSize, layout.riffSize + 8 === source.size);
      if (size > left && !options.allowTruncated) break;
      audio = { at, size: Math.min(size, left), truncated: size > left };
      at += padded(audio.size);
      continue;
    }
    if (claimed > left) {
      if (audio) warnings.push(`what follows the audio at byte ${at - layout.head} is not a whole chunk and was left out`);
      break;
    }
    if (claimed <= MAX_CHUNK) {
      const body = await source.read(at, claimed, signal);
      if (name === 'fmt ') format = body;
      if (name === 'ds64' && claimed >= 16) longSize = Number(new DataView(body.buffer, body.byteOffset).getBigUint64(8, true));
      else if (name !== '') beside.push(chunk(name, body, layout.little));
    }
    at += padded(claimed);
  }
  if (audio && format) {
    yield* audioParts(source, { beside, format, little: layout.little, ...audio, most, warnings }, signal);
    return;
  }
  // What is wrong stands in the beginning, which the strict reader tells of.
  readWav(await source.read(0, Math.min(MAX_CHUNK, source.size), signal), options);
  throw new MelodyError('audio', `${source.name}: no audio among its first ${MAX_CHUNKS} chunks`, 'convert it: ffmpeg -i <file> out.wav');
}

interface Audio {
  readonly beside: Uint8Array[];
  readonly warnings: string[];
  readonly format: Uint8Array;
  readonly little: boolean;
  readonly at: number;
  readonly size: number;
  readonly most: number;
  readonly truncated: boolean;
}

async function* audioParts(source: ByteSource, audio: Audio, signal?: AbortSignal): AsyncGenerator<WavPart> {
  const { beside, format, little, at, size, most, truncated } = audio;
  const frame = Math.max(1, format.length >= 14 ? new DataView(format.buffer, format.byteOffset).getUint16(12, little) : 1);
  const frames = Math.floor(size / frame);
  const parts = Math.max(1, Math.ceil((frames * frame) / most));
  const rest = size - frames * frame;
  const oddities = [
    ...audio.warnings,
    ...(rest > 0 ? [`the last ${rest} audio bytes are not a whole frame and were left out`] : []),
    ...(truncated ? [`truncated: ${size} audio bytes are there`] : []),
  ];
  for (let part = 0; part < parts; part++) {
    const [first, end] = [part, part + 1].map((n) => Math.floor((n * frames) / parts)) as [number, number];
    const body = chunk('data', await source.read(at + first * frame, (end - first) * frame, signal), little);
    const file = join([new TextEncoder().encode(`${little ? 'RIFF' : 'RIFX'}\0\0\0\0WAVE`), ...beside, body]);
    new DataView(file.buffer).setUint32(4, file.length - 8, little);
    const read = readWav(file);
    yield { ...read, warnings: [...read.warnings, ...oddities], startFrame: first, frames };
  }
}
