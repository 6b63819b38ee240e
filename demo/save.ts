// Files of what was played: WAV by the worker, others by a worker of their own (save_worker.ts), which is fetched for the first of them.
import { MelodyError, type MelodyWorker, type WavRequest } from '../src/web/index.ts';
import { byId, make } from './dom.ts';
import { type Entry, fileOf, type Sound } from './history.ts';
import { t } from './language.ts';

type Format = 'wav' | 'flac' | 'mp3' | 'opus';
const NAMES: Readonly<Record<Format, string>> = { wav: 'WAV', flac: 'FLAC', mp3: 'MP3', opus: 'Opus' };
const TYPES: Readonly<Record<Format, string>> = { wav: 'audio/wav', flac: 'audio/flac', mp3: 'audio/mpeg', opus: 'audio/ogg' };

/** The choice beside the button, which is named by it. */
export function offerFormats(): void {
  const choice = byId<HTMLSelectElement>('format');
  for (const format of Object.keys(NAMES) as Format[])
    if (format !== 'opus' || 'AudioEncoder' in globalThis) choice.append(make('option', NAMES[format], { value: format }));
  choice.onchange = () => {
    byId('save').ariaLabel = t('Save as {0}', chosenName());
  };
}

const chosen = () => byId<HTMLSelectElement>('format').value as Format;

/** As people say it. */
export const chosenName = (): string => NAMES[chosen()];

/** A file of the chosen format with the recipe inside, through the browser's own download. Throws MelodyError. */
export async function saveSound(worker: MelodyWorker, entry: Entry, sound: Sound, license: string): Promise<void> {
  const format = chosen();
  download(entry, await fileBytes(worker, entry, sound, license, format), TYPES[format], format);
}

/** What is planned of it (tempo, metre, key and beats) as a MIDI file. */
export async function saveMidi(entry: Entry, { recipe, beats = [], channels, sampleRate }: Sound): Promise<void> {
  const { writeMidi } = await import('../src/web/midi.ts');
  download(entry, writeMidi({ recipe: recipe ?? {}, beats, durationSeconds: channels[0].length / sampleRate }), 'audio/midi', 'mid');
}

function download(entry: Entry, bytes: Uint8Array, type: string, ending: string): void {
  const name =
    entry.prompt
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 60) || 'melody';
  const href = URL.createObjectURL(new Blob([bytes as Uint8Array<ArrayBuffer>], { type }));
  make('a', '', { href, download: `${name}-${entry.seed}.${ending}` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}

async function fileBytes(worker: MelodyWorker, entry: Entry, sound: Sound, license: string, format: Format): Promise<Uint8Array> {
  const request = { channels: [...sound.channels], sampleRate: sound.sampleRate, ...fileOf(sound, entry.prompt), license };
  return format === 'wav' ? worker.wav(request) : coded({ format, ...request });
}

/** What save_worker.ts is asked. */
export interface SaveRequest extends WavRequest {
  readonly format: Exclude<Format, 'wav'>;
}

export type SaveAnswer =
  | { readonly bytes: Uint8Array }
  | { readonly fault: { readonly message: string; readonly hint?: string | undefined } };

/** The worker is ended with its file: what it fetched is kept by the browser. */
async function coded(request: SaveRequest): Promise<Uint8Array> {
  const worker = new Worker(new URL('./save_worker.js', import.meta.url), { type: 'module' });
  try {
    const answer = await new Promise<SaveAnswer>((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<SaveAnswer>) => resolve(data);
      worker.onerror = () => reject(new MelodyError('io', 'its encoder cannot be fetched', 'save it as WAV, or try again with a network'));
      worker.postMessage(request);
    });
    if ('bytes' in answer) return answer.bytes;
    throw new MelodyError('audio', answer.fault.message, answer.fault.hint);
  } finally {
    worker.terminate();
  }
}
