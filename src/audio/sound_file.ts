/**
 * Audio files of any kind: WAV by our own reader and writer, FLAC, MP3, Opus and others by what the platform has for them (in Node the npm
 * package `node-av`, if it is installed).
 */
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import { CODED } from '../platform/codecs.ts';
import { CONVERT_AUDIO, fileKind } from '../platform/file_kind.ts';
import { resample } from './resample.ts';
import { readWav, type WavReadOptions } from './wav.ts';
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

/** Names of tags in files other than WAV, by their INFO id. */
const TAG_NAMES: Readonly<Record<string, readonly [written: string, ...read: string[]]>> = {
  INAM: ['title'],
  ICMT: ['comment', 'description'],
  ICOP: ['license', 'copyright'],
  ISFT: ['encoded_by', 'encoder'],
  IART: ['artist'],
  IPRD: ['album'],
  ICRD: ['date'],
  IGNR: ['genre'],
};
/** The tag that holds what a WAV holds in its chunk `mldy`. */
const RECIPE_TAG = 'MELODY';

/**
 * Reads a whole file: WAV, and with npm `node-av` in Node what FFmpeg decodes (FLAC, MP3, Opus, Vorbis, AAC, AIFF, …), without the silence
 * that encoders add. Throws `audio` on what cannot be read, and where the package that could is not installed.
 */
export async function readAudio(bytes: Uint8Array, options: WavReadOptions = {}): Promise<AudioFile> {
  const start = bytes.subarray(0, 64);
  if (!isSound(start)) return readWav(bytes, options);
  const codecs = await openCodecs(`${fileKind(start)?.what} was given; files other than WAV`, CONVERT_AUDIO);
  const { tags, codec, ...file } = await codecs.decode(bytes);
  return { ...file, format: codec.replace(/float$/, ''), tags: readTags(tags) };
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
  const rate = codedForm(channels.length, sampleRate, format, sample);
  if (!channels.length || !channels[0].length || channels.some(({ length }) => length !== channels[0].length))
    throw bad('channels must be Float32Arrays of one length, at least one sample');
  for (const [c, channel] of channels.entries()) {
    const i = channel.findIndex((x) => !Number.isFinite(x));
    if (i >= 0) throw new MelodyError('non_finite', `${format}: sample ${i} of channel ${c} is ${channel[i]}`);
  }
  const sound = { sampleRate: rate, channels: channels.map((channel) => resample(channel, sampleRate, rate)) };
  const codecs = await openCodecs(`${format} files`);
  return codecs.encode(sound, format, tags ? writtenTags(tags) : {}, sample === 'pcm24' ? 24 : 16);
}

/** The rate that a format has for sounds of this one: the same or the next higher. Throws `invalid_argument` for what the format cannot hold. */
export function codedForm(channels: number, sampleRate: number, format: Exclude<AudioFormat, 'wav'>, sample: SampleFormat): number {
  if (!Object.hasOwn(CODED, format))
    throw bad(`format ${JSON.stringify(format)}; expected wav, ${Object.keys(CODED).join(', ')}`, 'choose one of them');
  const { rates, channels: most } = CODED[format];
  if (channels > most) throw bad(`${format} holds at most ${most} channels; got ${channels}`, 'choose wav or flac');
  if (sample === 'float32') throw bad(`${format} holds no float samples`, "choose 'pcm24', or wav");
  return rates ? (rates.find((one) => one >= sampleRate) ?? rates[rates.length - 1]) : sampleRate;
}

/** Is a file that begins so sound, but no WAV? */
export const isSound = (start: Uint8Array): boolean => fileKind(start)?.hint === CONVERT_AUDIO;

/** What reads and writes files other than WAV. Throws `audio` where there is nothing. */
export function openCodecs(what = 'files other than WAV', hint = 'write a WAV file'): ReturnType<NonNullable<typeof platform.openCodecs>> {
  if (platform.openCodecs) return platform.openCodecs();
  throw new MelodyError('audio', `${what} are read and written in Node alone`, hint);
}

function readTags(tags: Readonly<Record<string, string>>): WavTags {
  const found = new Map(Object.entries(tags).map(([name, text]) => [name.toLowerCase(), text] as const));
  const info = Object.entries(TAG_NAMES).flatMap(([id, names]) => {
    const name = names.find((one) => found.has(one));
    return name === undefined ? [] : [[id, found.get(name)] as const];
  });
  const melody = found.get(RECIPE_TAG.toLowerCase());
  return { info: Object.fromEntries(info) as Record<string, string>, ...(melody !== undefined && { melody }) };
}

export function writtenTags({ info, melody }: WavTags): Record<string, string> {
  const named = Object.entries(info).flatMap(([id, text]) => (Object.hasOwn(TAG_NAMES, id) ? [[TAG_NAMES[id][0], text] as const] : []));
  return { ...Object.fromEntries(named), ...(melody !== undefined && { [RECIPE_TAG]: melody }) };
}

const bad = (what: string, hint?: string) => new MelodyError('invalid_argument', `audio: ${what}`, hint);
