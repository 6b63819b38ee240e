/**
 * Strict WAV reader: RIFF, RF64 and BW64, RIFX (big-endian) and Sony's W64, PCM 8/16/24/32, float 32/64, A-law and µ-law, plain or extensible, 1 to 8 channels.
 *
 * Sizes in the file are claims. Every one is held against the bytes that are there before anything is allocated, so
 * a file can cost at most four times its own length. What cannot be read exactly is refused, never guessed.
 */
import { MelodyError } from '../errors.ts';
import { fileKind, SOME_RIFF } from '../platform/file_kind.ts';
import { MAX_CHANNELS, MAX_LEVEL } from './channels.ts';
import { id3Length, readId3 } from './id3.ts';
import { ascii, chunkHead, dataSize, fourCC, layoutOf, longSize } from './wav_layout.ts';
import { readInfo, takeRecipe, type WavTags } from './wav_tags.ts';

/** A WAV file in memory. */
export interface WavAudio {
  /** Hz. */
  sampleRate: number;
  /** One array a channel, all of one length; full scale is -1 … 1 (float files may exceed it). */
  channels: Float32Array[];
  /** Text that the file carries. */
  tags: WavTags;
  /** Encoding of the samples in the file: integers or floating point. */
  format: 'pcm' | 'float';
  /** Bits of a sample in the file. */
  bitsPerSample: number;
  /** Oddities that were read over, in words. */
  warnings: string[];
}

/** How `readWav` treats broken files. */
export interface WavReadOptions {
  /** Take what is there when the file ends before its `data` chunk does. Default: refuse. */
  allowTruncated?: boolean;
}

export const MIN_SAMPLE_RATE = 2_000;
export const MAX_SAMPLE_RATE = 384_000;
const CONVERT = 'convert it first, for example: ffmpeg -i input out.wav';
const STREAM_HINT = 'the file was cut off or its writer was not closed; `melody eval --allow-truncated` reads what is there';

interface Format {
  code: number;
  channels: number;
  sampleRate: number;
  /** In the file: samples of fewer bits stand in the upper ones of whole bytes. */
  bits: number;
}

/** Names of codings, by the format code of their `fmt ` chunk. */
const CODINGS: Readonly<Record<number, { name: string; bits: readonly number[] }>> = {
  1: { name: 'pcm', bits: [8, 16, 24, 32] },
  3: { name: 'float', bits: [32, 64] },
  6: { name: 'alaw', bits: [8] },
  7: { name: 'mulaw', bits: [8] },
};

/** A WAV of a coding that is not read here, which another decoder may know. */
export class OtherCoding extends MelodyError {}

/**
 * Reads a whole WAV file: RIFF, RF64, BW64, RIFX or W64, PCM of 8 to 32 bits or floating point, 1 to 8 channels.
 * @throws MelodyError `audio` for everything that it cannot read exactly
 */
export function readWav(file: Uint8Array, options: WavReadOptions = {}): WavAudio {
  const bytes = file.subarray(id3Length(file)); // taggers may put one in front of any file
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const layout = layoutOf(bytes);
  if (!layout) {
    const other = fileKind(file.subarray(0, 64));
    if (other && other !== SOME_RIFF) throw fault(`not a WAV file; got ${other.what}`, other.hint);
    const got = `${file.length} bytes starting ${JSON.stringify(ascii(file, 0, 12))}`;
    throw fault(`not a WAVE file (RIFF, RF64, BW64, RIFX or W64); got ${got}`, CONVERT);
  }
  const warnings: string[] = [];
  const tags: WavTags = { info: {} };
  let format: Format | undefined;
  let data: { start: number; length: number } | undefined;
  let id3: Uint8Array | undefined;
  let longDataSize: number | undefined; // RF64 keeps the real size of `data` in `ds64`

  const { little, head } = layout;
  let at = layout.first;
  while (at + head <= bytes.length) {
    const { id, claimed, padded } = chunkHead(layout, view, at);
    const start = at + head;
    const left = bytes.length - start;
    if (id === 'data') {
      if (data) throw fault('two data chunks; expected one');
      data = { start, length: dataLength(dataSize(layout, claimed, left, longDataSize, layout.riffSize + 8 === bytes.length), left) };
      at = start + padded(data.length);
      continue;
    }
    if (claimed > left) {
      if (!data) throw fault(`chunk ${JSON.stringify(id)} at byte ${at} claims ${claimed} bytes, ${left} are left`, STREAM_HINT);
      warnings.push(`what follows the audio at byte ${at} is not a whole chunk and was left out`);
      break;
    }
    const body = bytes.subarray(start, start + claimed);
    if (id === 'ds64') {
      if (claimed < 28) throw fault(`ds64 chunk has ${claimed} bytes, expected at least 28`);
      longDataSize = longSize(view, start + 8);
    } else if (id === 'fmt ') {
      if (format) throw fault('two fmt chunks; expected one');
      format = readFormat(body, little);
    } else if (id === 'LIST' && claimed >= 4 && fourCC(body, 0) === 'INFO') {
      readInfo(body.subarray(4), tags.info, little);
    } else if (id === 'iXML') {
      const ixml = text(body, 'iXML');
      if (ixml !== undefined) tags.ixml = ixml;
    } else if (id === 'mldy') {
      const melody = text(body, 'mldy');
      if (melody !== undefined) tags.melody = melody;
    } else if (id === '_PMX') {
      const xmp = text(body, '_PMX');
      if (xmp !== undefined) tags.xmp = xmp;
    } else if (id === 'id3 ' || id === 'ID3 ') id3 = body;
    at = start + padded(claimed);
  }

  /** A side chunk in UTF-8. What it says is no reason to refuse the audio, so other encodings are left out with a warning. */
  function text(body: Uint8Array, chunk: string): string | undefined {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body);
    } catch {
      warnings.push(`chunk ${chunk} is not UTF-8 and was left out`);
      return undefined;
    }
  }

  function dataLength(claimed: number, left: number): number {
    if (claimed <= left) return claimed;
    if (!options.allowTruncated) throw fault(`truncated: the data chunk claims ${claimed} bytes, ${left} are there`, STREAM_HINT);
    warnings.push(`truncated: ${left} of ${claimed} audio bytes are there`);
    return left;
  }

  takeRecipe(tags);
  if (id3) readId3(id3, tags.info); // INFO comes first
  if (!format) throw fault('no fmt chunk');
  if (!data) throw fault('no data chunk', STREAM_HINT);
  const blockAlign = (format.channels * format.bits) / 8;
  const frames = Math.floor(data.length / blockAlign);
  if (frames === 0) throw fault(`no samples; the data chunk has ${data.length} bytes, one frame needs ${blockAlign}`);
  if (data.length % blockAlign) warnings.push(`the last ${data.length % blockAlign} audio bytes are not a whole frame and were left out`);
  const channels = decode(view, data.start, frames, format, little);
  const isFloat = format.code === 3;
  if (isFloat) {
    const peak = channels.reduce((most, samples) => samples.reduce((m, x) => Math.max(m, Math.abs(x)), most), 0);
    if (peak > MAX_LEVEL) {
      const hint = 'scale it first: ffmpeg -i <file> -af volume=1/32768 out.wav, where 32768 was full scale';
      throw fault(`float samples reach ${peak.toPrecision(4)}; expected full scale to be 1`, hint);
    }
  }
  return {
    sampleRate: format.sampleRate,
    channels,
    tags,
    format: isFloat ? 'float' : 'pcm',
    bitsPerSample: format.bits,
    warnings,
  };
}

function readFormat(body: Uint8Array, little: boolean): Format {
  if (body.length < 16) throw fault(`fmt chunk has ${body.length} bytes, expected at least 16`);
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const channels = view.getUint16(2, little);
  const sampleRate = view.getUint32(4, little);
  const blockAlign = view.getUint16(12, little);
  const bits = 8 * Math.ceil(view.getUint16(14, little) / 8);
  let code = view.getUint16(0, little);
  if (code === 0xfffe) {
    if (body.length < 40) throw fault(`extensible fmt chunk has ${body.length} bytes, expected 40`);
    const validBits = view.getUint16(18, little);
    if (validBits > bits) throw fault(`fmt chunk says ${validBits} valid bits in ${bits}`);
    if (!SUBFORMAT_TAIL.every((byte, i) => body[26 + i] === byte)) throw fault('extensible sub-format is not PCM or float');
    code = view.getUint16(24, little);
  }
  const coding = Object.hasOwn(CODINGS, code) ? CODINGS[code] : undefined;
  if (!coding)
    throw new OtherCoding(
      'audio',
      `wav: format code ${code}; expected 1 (PCM), 3 (float), 6 (A-law) or 7 (µ-law)`,
      `${CONVERT}; in Node npm node-av reads it`,
    );
  const allowed = coding.bits;
  if (!allowed.includes(bits)) throw fault(`${bits} bits a sample; expected ${allowed.join(', ')}`);
  if (channels < 1 || channels > MAX_CHANNELS) throw fault(`${channels} channels; expected 1 to ${MAX_CHANNELS}`);
  if (sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE) {
    throw fault(`sample rate ${sampleRate} Hz; expected ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}`);
  }
  if (blockAlign !== (channels * bits) / 8) {
    throw fault(`block align ${blockAlign}; expected ${(channels * bits) / 8} for ${channels} channels of ${bits} bits`);
  }
  return { code, channels, sampleRate, bits };
}

/** The last 14 bytes of the PCM and float sub-format GUIDs, xxxx0000-0000-0010-8000-00aa00389b71. */
export const SUBFORMAT_TAIL = [0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113];

/** Interleaved samples at `start` → one Float32Array [frames] a channel. */
function decode(view: DataView, start: number, frames: number, { code, channels, bits }: Format, little: boolean): Float32Array[] {
  const bytes = bits / 8;
  const read = SAMPLE_READERS[`${CODINGS[code].name}${bits}`];
  return Array.from({ length: channels }, (_, c) => {
    const out = new Float32Array(frames);
    const stride = channels * bytes;
    for (let i = 0, at = start + c * bytes; i < frames; i++, at += stride) out[i] = read(view, at, little);
    return out;
  });
}

const SAMPLE_READERS: Record<string, (view: DataView, at: number, little: boolean) => number> = {
  pcm8: (view, at) => (view.getUint8(at) - 128) / 128,
  pcm16: (view, at, little) => view.getInt16(at, little) / 32768,
  pcm24: (view, at, little) => ((view.getInt8(little ? at + 2 : at) << 16) | view.getUint16(little ? at : at + 1, little)) / 8388608,
  pcm32: (view, at, little) => view.getInt32(at, little) / 2147483648,
  float32: (view, at, little) => view.getFloat32(at, little),
  float64: (view, at, little) => view.getFloat64(at, little),
  alaw8: (view, at) => aLaw(view.getUint8(at)) / 32768,
  mulaw8: (view, at) => muLaw(view.getUint8(at)) / 32768,
};

/** A byte of A-law (ITU-T G.711) → a sample of 16 bits: sign, three bits of exponent, four of mantissa, every second bit turned over. */
function aLaw(byte: number): number {
  const code = byte ^ 0x55;
  const exponent = (code >> 4) & 7;
  const mantissa = ((code & 15) << 4) + 8;
  const level = exponent === 0 ? mantissa : (mantissa + 256) << (exponent - 1);
  return code & 128 ? level : -level;
}

/** A byte of µ-law (ITU-T G.711) → a sample of 16 bits: the same, all bits turned over, levels from 132 on. */
function muLaw(byte: number): number {
  const code = ~byte & 255;
  const level = (((code & 15) << 3) + 132) << ((code >> 4) & 7);
  return code & 128 ? 132 - level : level - 132;
}

function fault(message: string, hint?: string): MelodyError {
  return new MelodyError('audio', `wav: ${message}`, hint);
}
