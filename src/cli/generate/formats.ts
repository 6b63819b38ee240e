// What --format may say, and the ending of --out: WAV files of three depths, what a package encodes, and for streams raw samples as ffmpeg
// names them.
import { extname } from 'node:path';
import type { AudioFormat } from '../../audio/sound_file.ts';
import type { SampleFormat } from '../../audio/wav_write.ts';
import { MelodyError } from '../../errors.ts';

export interface Format {
  readonly name: string;
  readonly file: AudioFormat;
  readonly sample: SampleFormat;
  /** Endings of its files' names; the first is given to names without one. */
  readonly endings: readonly string[];
  /** Samples alone, without a head: for streams. */
  readonly raw: boolean;
}

const wav = { file: 'wav', endings: ['.wav'], raw: false } as const;
const raw = { file: 'wav', endings: [], raw: true } as const;
const FORMATS: readonly Format[] = [
  { name: 'wav', sample: 'pcm16', ...wav },
  { name: 'wav24', sample: 'pcm24', ...wav },
  { name: 'wavf32', sample: 'float32', ...wav },
  { name: 'flac', sample: 'pcm16', file: 'flac', endings: ['.flac'], raw: false },
  { name: 'flac24', sample: 'pcm24', file: 'flac', endings: ['.flac'], raw: false },
  { name: 'mp3', sample: 'pcm16', file: 'mp3', endings: ['.mp3'], raw: false },
  { name: 'opus', sample: 'pcm16', file: 'opus', endings: ['.opus', '.ogg'], raw: false },
  { name: 's16le', sample: 'pcm16', ...raw },
  { name: 's24le', sample: 'pcm24', ...raw },
  { name: 'f32le', sample: 'float32', ...raw },
];
export const ENDINGS: readonly string[] = [...new Set(FORMATS.flatMap(({ endings }) => endings))];

/** A format by its name. Throws `invalid_argument`. */
export function formatOf(name: string, stream: boolean): Format {
  const allowed = FORMATS.filter(({ raw }) => stream || !raw);
  const found = allowed.find((format) => format.name === name);
  if (found) return found;
  const hint = FORMATS.some((format) => format.name === name) ? 'raw samples go to standard output: add --stream' : undefined;
  throw new MelodyError('invalid_argument', `--format: got "${name}", expected one of ${allowed.map((f) => f.name).join(', ')}`, hint);
}

/**
 * The format of a file: what --format says, which the ending of --out must fit; else the format of the recipe that is made again, if the ending
 * fits it; else what the ending says. Throws `invalid_argument`.
 */
export function fileFormat(asked: string | undefined, out: string | undefined, before: unknown): Format {
  const ending = out === undefined ? '' : extname(out).toLowerCase();
  const byEnding = FORMATS.find(({ endings }) => endings.includes(ending));
  if (asked !== undefined) {
    const format = formatOf(asked, false);
    if (byEnding && !format.endings.includes(ending))
      throw new MelodyError(
        'invalid_argument',
        `--format ${asked} does not fit --out ${out}, a name that ends in ${ending}`,
        `name the file …${format.endings[0]}`,
      );
    return format;
  }
  const again = FORMATS.find(({ name, raw }) => name === before && !raw);
  if (again && (!byEnding || again.endings.includes(ending))) return again;
  return byEnding ?? formatOf('wav', false);
}
