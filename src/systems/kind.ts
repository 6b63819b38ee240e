// What a model folder holds, recognised by the small files in it: ours, a published system, or one that is known and not played.
import { MelodyError } from '../errors.ts';
import type { ByteFolder } from '../platform/bytes.ts';
import { CONFIG_FILE, MODEL_TYPE, readJson } from '../weights/config.ts';
import type { JsonObject } from '../weights/json.ts';
import { printable } from '../weights/printable.ts';

/** Systems and parts that this library opens. */
export type SystemKind = 'melody' | 'musicgen' | 'encodec';

export interface SystemFolder {
  readonly kind: SystemKind;
  readonly config: JsonObject;
}

/** Known by their files, and not played. */
const KNOWN: Readonly<Record<string, string>> = {
  musicgen_melody: 'MusicGen Melody, whose decoder reads a tune before the text',
  t5: 'T5, a text encoder',
  stable_audio_tools: 'a model of stable-audio-tools',
  StableAudioPipeline: 'Stable Audio',
};

/** Files that publishers put beside weights, or in their place, and that are never read: pickles run code. */
const PICKLES = ['pytorch_model.bin', 'state_dict.bin', 'compression_state_dict.bin', 'model.ckpt'];

/** Throws `weights` with a sentence about what is there, for all that cannot be opened. */
export async function systemOf(folder: ByteFolder, signal?: AbortSignal): Promise<SystemFolder> {
  const config = await readJson(folder, CONFIG_FILE, signal);
  const type = config?.model_type;
  if (config && (type === MODEL_TYPE || type === 'musicgen' || type === 'encodec')) return { kind: type, config };
  const found = config ? (typeof type === 'string' ? type : undefined) : await otherKind(folder, signal);
  const hint = `this version opens ${MODEL_TYPE}, musicgen and encodec`;
  if (found !== undefined && Object.hasOwn(KNOWN, found))
    throw new MelodyError('weights', `${folder.name}: this is ${KNOWN[found]}, which melody does not play yet`, hint);
  if (found !== undefined) throw new MelodyError('weights', `${folder.name}: unknown model_type "${printable(found)}"`, hint);
  for (const file of PICKLES)
    if (await folder.open(file, signal))
      throw new MelodyError('weights', `${folder.name}: ${file} is a pickle, which could run any code; expected safetensors`, hint);
  throw new MelodyError(
    'weights',
    config ? `${folder.name}/${CONFIG_FILE}: it names no model_type` : `${folder.name}: no ${CONFIG_FILE}`,
    'name a model folder: config.json beside its weights',
  );
}

/** Layouts without config.json. */
async function otherKind(folder: ByteFolder, signal?: AbortSignal): Promise<string | undefined> {
  const pipeline = await readJson(folder, 'model_index.json', signal);
  if (pipeline) return typeof pipeline._class_name === 'string' ? pipeline._class_name : 'diffusers';
  return (await folder.open('model_config.json', signal)) ? 'stable_audio_tools' : undefined;
}
