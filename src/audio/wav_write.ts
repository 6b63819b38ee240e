/**
 * WAV writer. No dither: samples that came from 16- or 24-bit PCM go back to the same bits.
 *
 * Tags stand before the audio of a stream, so that a stream that is cut still carries them, and after that of a file written at once: programs that
 * read past LIST, as wavefile does, find nothing behind it there and leave audio behind when they save the file. Over 4 GiB it becomes RF64.
 */
import { MelodyError } from '../errors.ts';
import { lengthOf, MAX_CHANNELS } from './channels.ts';
import { MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, SUBFORMAT_TAIL } from './wav.ts';
import { chunk, encodeTags, join, type WavTags } from './wav_tags.ts';

/** Encoding of samples in a WAV file. */
export type SampleFormat = 'pcm16' | 'pcm24' | 'float32';

const BYTES: Record<SampleFormat, number> = { pcm16: 2, pcm24: 3, float32: 4 };
const MAX_RIFF = 0xffffffff;
/** Speaker masks of 1 to 8 channels, in WAVE order. */
const SPEAKERS = [0x4, 0x3, 0x7, 0x33, 0x37, 0x3f, 0x70f, 0x63f];

export interface WavHeader {
  /** Hz. */
  sampleRate: number;
  channels: number;
  format: SampleFormat;
  /** Frames that will follow; leave out for a stream of unknown length. */
  frames?: number;
  tags?: WavTags;
}

/** Everything up to the first sample. After the samples comes one pad byte if their bytes are odd in number, and then `after` more bytes. */
export function wavHeader({ sampleRate, channels, format, frames, tags }: WavHeader, after = 0): Uint8Array {
  checkHeader(sampleRate, channels, frames);
  const meta = join([formatChunk(sampleRate, channels, format, frames), tags ? encodeTags(tags) : new Uint8Array(0)]);
  const dataBytes = frames === undefined ? undefined : frames * channels * BYTES[format];
  const riffBytes = dataBytes === undefined ? undefined : 4 + meta.length + 8 + dataBytes + (dataBytes % 2) + after;
  if (riffBytes !== undefined && riffBytes > MAX_RIFF)
    return rf64Header(meta, { riffBytes: riffBytes + 36, dataBytes: dataBytes as number, frames: frames as number });
  return join([riff('RIFF', riffBytes ?? MAX_RIFF), meta, dataStart(dataBytes ?? MAX_RIFF)]);
}

/** Frames of planar channels as interleaved bytes. Throws `non_finite` rather than write NaN or infinity. */
export function encodeSamples(channels: Float32Array[], format: SampleFormat): Uint8Array {
  const frames = lengthOf(channels);
  const bytes = BYTES[format];
  const out = new Uint8Array(frames * channels.length * bytes);
  const view = new DataView(out.buffer);
  channels.forEach((samples, c) => {
    if (samples.length !== frames) throw bad(`channel ${c} has ${samples.length} frames, channel 0 has ${frames}`);
    for (let i = 0; i < frames; i++) {
      const x = samples[i];
      if (!Number.isFinite(x)) throw new MelodyError('non_finite', `wav: sample ${i} of channel ${c} is ${x}`);
      const at = (i * channels.length + c) * bytes;
      if (format === 'float32') view.setFloat32(at, x, true);
      else if (format === 'pcm16') view.setInt16(at, toInteger(x, 32768), true);
      else {
        const value = toInteger(x, 8388608);
        view.setUint16(at, value & 0xffff, true);
        view.setInt8(at + 2, value >> 16);
      }
    }
  });
  return out;
}

/**
 * Encodes audio as a whole WAV file (RF64 over 4 GB).
 * @param audio `channels`: one array a channel, 1 to 8, all of one length, full scale −1 to 1 (PCM clamps what exceeds it); `sampleRate` in Hz
 * @param format encoding of the samples. Default 'pcm16'
 * @throws MelodyError `invalid_argument` for unequal lengths or an unusual rate, `non_finite` for NaN and infinity
 */
export function writeWav(
  { sampleRate, channels, tags }: { sampleRate: number; channels: Float32Array[]; tags?: WavTags },
  format: SampleFormat = 'pcm16',
): Uint8Array {
  if (channels.length === 0) throw bad('no channels');
  const last = tags ? encodeTags(tags) : new Uint8Array(0);
  const header = wavHeader({ sampleRate, channels: channels.length, format, frames: lengthOf(channels) }, last.length);
  const samples = encodeSamples(channels, format);
  return join([header, samples, new Uint8Array(samples.length & 1), last]);
}

function toInteger(x: number, scale: number): number {
  return Math.max(-scale, Math.min(scale - 1, Math.round(x * scale)));
}

function formatChunk(sampleRate: number, channels: number, format: SampleFormat, frames: number | undefined): Uint8Array {
  const extensible = channels > 2;
  const isFloat = format === 'float32';
  const body = new Uint8Array(extensible ? 40 : isFloat ? 18 : 16);
  const view = new DataView(body.buffer);
  const code = isFloat ? 3 : 1;
  const blockAlign = channels * BYTES[format];
  view.setUint16(0, extensible ? 0xfffe : code, true);
  view.setUint16(2, channels, true);
  view.setUint32(4, sampleRate, true);
  view.setUint32(8, sampleRate * blockAlign, true);
  view.setUint16(12, blockAlign, true);
  view.setUint16(14, BYTES[format] * 8, true);
  if (extensible) {
    view.setUint16(16, 22, true);
    view.setUint16(18, BYTES[format] * 8, true);
    view.setUint32(20, SPEAKERS[channels - 1], true);
    view.setUint16(24, code, true);
    body.set(SUBFORMAT_TAIL, 26);
  }
  if (!isFloat) return chunk('fmt ', body);
  const fact = new Uint8Array(4); // the format asks for the frame count wherever the audio is not PCM
  new DataView(fact.buffer).setUint32(0, Math.min(frames ?? MAX_RIFF, MAX_RIFF), true);
  return join([chunk('fmt ', body), chunk('fact', fact)]);
}

/** EBU Tech 3306: the 32-bit sizes read 0xFFFFFFFF, the true ones stand in a first chunk `ds64`. */
function rf64Header(meta: Uint8Array, sizes: { riffBytes: number; dataBytes: number; frames: number }): Uint8Array {
  const ds64 = new Uint8Array(28);
  const view = new DataView(ds64.buffer);
  view.setBigUint64(0, BigInt(sizes.riffBytes), true);
  view.setBigUint64(8, BigInt(sizes.dataBytes), true);
  view.setBigUint64(16, BigInt(sizes.frames), true);
  return join([riff('RF64', MAX_RIFF), chunk('ds64', ds64), meta, dataStart(MAX_RIFF)]);
}

function riff(id: 'RIFF' | 'RF64', size: number): Uint8Array {
  const out = new Uint8Array(12);
  out.set(new TextEncoder().encode(id));
  new DataView(out.buffer).setUint32(4, size, true);
  out.set(new TextEncoder().encode('WAVE'), 8);
  return out;
}

function dataStart(size: number): Uint8Array {
  const out = chunk('data', new Uint8Array(0));
  new DataView(out.buffer).setUint32(4, size, true);
  return out;
}

function checkHeader(sampleRate: number, channels: number, frames: number | undefined): void {
  if (!Number.isInteger(sampleRate) || sampleRate < MIN_SAMPLE_RATE || sampleRate > MAX_SAMPLE_RATE) {
    throw bad(`sample rate ${sampleRate}; expected a whole number from ${MIN_SAMPLE_RATE} to ${MAX_SAMPLE_RATE}`);
  }
  if (!Number.isInteger(channels) || channels < 1 || channels > MAX_CHANNELS) {
    throw bad(`${channels} channels; expected 1 to ${MAX_CHANNELS}`);
  }
  if (frames !== undefined && (!Number.isSafeInteger(frames) || frames < 0)) throw bad(`${frames} frames; expected a whole number`);
}

function bad(message: string): MelodyError {
  return new MelodyError('invalid_argument', `wav: ${message}`);
}
