// What --format may say: WAV files of three depths, and for streams raw samples as ffmpeg names them.
import type { SampleFormat } from '../../audio/wav_write.ts';
import { MelodyError } from '../../errors.ts';

export interface Format {
  readonly name: string;
  readonly sample: SampleFormat;
  /** Samples alone, without a WAV header: for streams. */
  readonly raw: boolean;
}

const FORMATS: readonly Format[] = [
  { name: 'wav', sample: 'pcm16', raw: false },
  { name: 'wav24', sample: 'pcm24', raw: false },
  { name: 'wavf32', sample: 'float32', raw: false },
  { name: 's16le', sample: 'pcm16', raw: true },
  { name: 's24le', sample: 'pcm24', raw: true },
  { name: 'f32le', sample: 'float32', raw: true },
];

/** Throws `invalid_argument`. */
export function formatOf(name: string, stream: boolean): Format {
  const allowed = FORMATS.filter(({ raw }) => stream || !raw);
  const found = allowed.find((format) => format.name === name);
  if (found) return found;
  const hint = FORMATS.some((format) => format.name === name) ? 'raw samples go to standard output: add --stream' : undefined;
  throw new MelodyError('invalid_argument', `--format: got "${name}", expected one of ${allowed.map((f) => f.name).join(', ')}`, hint);
}
