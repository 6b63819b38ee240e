// Audio files other than WAV, whichever package reads and writes them: what each format holds, and what its tags are called.
import { MelodyError } from '../errors.ts';
import { type AudioCodecs, CODED, type CodedFormat, type DecodedFile } from '../platform/codecs.ts';
import { resample } from './resample.ts';
import { RECIPE_INFO, takeRecipe, type WavTags } from './wav_tags.ts';
import type { SampleFormat } from './wav_write.ts';

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

/** A whole file of a format other than WAV; see `writeAudio`. Throws `invalid_argument`, `non_finite`, and what `open` throws. */
export async function encodeWith(
  open: () => Promise<Pick<AudioCodecs, 'encode'>>,
  { sampleRate, channels, tags }: { sampleRate: number; channels: Float32Array[]; tags?: WavTags },
  format: CodedFormat,
  sample: SampleFormat,
): Promise<Uint8Array> {
  const rate = codedForm(channels.length, sampleRate, format, sample);
  if (!channels.length || !channels[0].length || channels.some(({ length }) => length !== channels[0].length))
    throw bad('channels must be Float32Arrays of one length, at least one sample');
  for (const [c, channel] of channels.entries()) {
    const i = channel.findIndex((x) => !Number.isFinite(x));
    if (i >= 0) throw new MelodyError('non_finite', `${format}: sample ${i} of channel ${c} is ${channel[i]}`);
  }
  const sound = { sampleRate: rate, channels: channels.map((channel) => resample(channel, sampleRate, rate)) };
  return (await open()).encode(sound, format, tags ? writtenTags(tags) : {}, sample === 'pcm24' ? 24 : 16);
}

/** What a package decoded, with its tags as a WAV has them. */
export function decodedFile({
  tags,
  codec,
  ...file
}: DecodedFile): Omit<DecodedFile, 'tags' | 'codec'> & { format: string; tags: WavTags } {
  return { ...file, format: codec.replace(/float$/, ''), tags: readTags(tags) };
}

/** The rate that a format has for sounds of this one: the same or the next higher. Throws `invalid_argument` for what the format cannot hold. */
export function codedForm(channels: number, sampleRate: number, format: CodedFormat, sample: SampleFormat): number {
  if (!Object.hasOwn(CODED, format))
    throw bad(`format ${JSON.stringify(format)}; expected wav, ${Object.keys(CODED).join(', ')}`, 'choose one of them');
  const { rates, channels: most } = CODED[format];
  if (channels > most) throw bad(`${format} holds at most ${most} channels; got ${channels}`, 'choose wav or flac');
  if (sample === 'float32') throw bad(`${format} holds no float samples`, "choose 'pcm24', or wav");
  return rates ? (rates.find((one) => one >= sampleRate) ?? rates[rates.length - 1]) : sampleRate;
}

function readTags(tags: Readonly<Record<string, string>>): WavTags {
  const found = new Map(Object.entries(tags).map(([name, text]) => [name.toLowerCase(), text] as const));
  const info = Object.entries(TAG_NAMES).flatMap(([id, names]) => {
    const name = names.find((one) => found.has(one));
    return name === undefined ? [] : [[id, found.get(name)] as const];
  });
  const melody = found.get(RECIPE_TAG.toLowerCase());
  const copy = found.get(RECIPE_INFO.toLowerCase()); // made of our WAV by ffmpeg
  if (copy !== undefined) info.push([RECIPE_INFO, copy]);
  const read: WavTags = { info: Object.fromEntries(info) as Record<string, string>, ...(melody !== undefined && { melody }) };
  takeRecipe(read);
  return read;
}

export function writtenTags({ info, melody }: WavTags): Record<string, string> {
  const named = Object.entries(info).flatMap(([id, text]) => (Object.hasOwn(TAG_NAMES, id) ? [[TAG_NAMES[id][0], text] as const] : []));
  return { ...Object.fromEntries(named), ...(melody !== undefined && { [RECIPE_TAG]: melody }) };
}

const bad = (what: string, hint?: string) => new MelodyError('invalid_argument', `audio: ${what}`, hint);
