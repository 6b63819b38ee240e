import { MelodyError } from '../errors.ts';
import type { ByteFolder, ByteSource } from '../platform/bytes.ts';
import { type JsonObject, parseJsonObject } from './json.ts';
import { printable } from './printable.ts';

export const CONFIG_FILE = 'config.json';
/** The one kind of model that this library plays; `model_type` in config.json. */
export const MODEL_TYPE = 'melody';

/** `readConfig` refuses a folder in which other systems may find what they need. */
const otherModel = (message: string, hint: string) => new MelodyError('weights', message, hint, { cause: MODEL_TYPE });
export const isOtherModel = (error: unknown): boolean => (error as MelodyError).cause === MODEL_TYPE;

const MAX_CONFIG_BYTES = 1024 * 1024;
const MAX_DEPTH = 8;

/** A file of a model folder that holds a JSON object, strictly read; undefined where there is none. */
export async function readJson(folder: ByteFolder, file: string, signal?: AbortSignal): Promise<JsonObject | undefined> {
  const source = await folder.open(file, signal);
  return source && parseJsonObject(await readSmall(source, MAX_CONFIG_BYTES, signal), source.name, MAX_DEPTH);
}

/** Reads config.json of a model folder, which must be of our model_type. Its sizes are checked where models use them. */
export async function readConfig(folder: ByteFolder, signal?: AbortSignal): Promise<JsonObject> {
  const config = await readJson(folder, CONFIG_FILE, signal);
  if (!config) throw otherModel(`${folder.name}: no ${CONFIG_FILE}`, 'Name a model folder.');
  const type = config.model_type;
  if (type !== MODEL_TYPE) {
    const got = typeof type === 'string' ? `"${printable(type)}"` : type === undefined ? 'none' : JSON.stringify(type).slice(0, 40);
    throw otherModel(
      `${folder.name}/${CONFIG_FILE}: unknown model_type; got ${got}, expected "${MODEL_TYPE}"`,
      'Import melody/systems to open other models.',
    );
  }
  return config;
}

/** A whole small file; refused unread where it is longer than `most` bytes. */
export async function readSmall(source: ByteSource, most: number, signal?: AbortSignal): Promise<Uint8Array> {
  if (source.size > most) throw new MelodyError('weights', `${source.name}: got ${source.size} bytes, expected at most ${most}`);
  return source.read(0, source.size, signal);
}
