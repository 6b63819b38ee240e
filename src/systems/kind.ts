// What a model folder holds, recognised by the small files in it: ours, a published system, or one that is known and not played.
import { MelodyError } from '../errors.ts';
import type { ByteFolder } from '../platform/bytes.ts';
import { CONFIG_FILE, MODEL_TYPE, readJson } from '../weights/config.ts';
import type { JsonObject } from '../weights/json.ts';
import { printable } from '../weights/printable.ts';

/** Systems and parts that this library opens. */
export type SystemKind = 'melody' | 'musicgen' | 'encodec' | 'stable_audio';

export interface SystemFolder {
  readonly kind: SystemKind;
  /** config.json, model_index.json of a pipeline, or model_config.json of stable-audio-tools. */
  readonly config: JsonObject;
}

const NAME_A_FOLDER = 'name a model folder: config.json beside its weights';

/** Known by their files, and not played. */
const KNOWN: Readonly<Record<string, string>> = {
  t5: 'T5, a text encoder',
};

/** Files that publishers put beside weights, or in their place, and that are never read: pickles run code. */
const PICKLES = ['pytorch_model.bin', 'diffusion_pytorch_model.bin', 'state_dict.bin', 'compression_state_dict.bin', 'model.ckpt'];

/** The pickle of a folder, if there is one of a name that publishers give. */
export async function pickleIn(folder: ByteFolder, signal?: AbortSignal): Promise<string | undefined> {
  for (const file of PICKLES) if (await folder.open(file, signal)) return file;
  return undefined;
}

const OPENED = 'this version opens MeLoDy, MusicGen, EnCodec, and Stable Audio as diffusers or stable-audio-tools have it';

/** Throws `weights` with a sentence about what is there, for all that cannot be opened. */
export async function systemOf(folder: ByteFolder, signal?: AbortSignal): Promise<SystemFolder> {
  const refused = (message: string, hint = OPENED) => new MelodyError('weights', `${folder.name}: ${message}`, hint);
  const config = await readJson(folder, CONFIG_FILE, signal);
  const type = config?.model_type;
  if (config && type === 'musicgen_melody') return { kind: 'musicgen', config };
  if (config && (type === MODEL_TYPE || type === 'musicgen' || type === 'encodec')) return { kind: type, config };
  if (typeof type === 'string')
    throw refused(
      Object.hasOwn(KNOWN, type) ? `this is ${KNOWN[type]}, which melody does not play yet` : `unknown model_type "${printable(type)}"`,
    );
  const index = await readJson(folder, 'model_index.json', signal);
  const name = index?._class_name;
  if (index && name === 'StableAudioPipeline') return { kind: 'stable_audio', config: index };
  if (index) throw refused(`unknown pipeline ${typeof name === 'string' ? `"${printable(name)}"` : 'without _class_name'}`);
  if (typeof config?._class_name === 'string')
    throw refused(`this is one part of a pipeline, a ${printable(config._class_name)}`, 'name the folder that this one lies in');
  const tools = await readJson(folder, 'model_config.json', signal);
  if (tools?.model_type === 'diffusion_cond') return { kind: 'stable_audio', config: tools };
  if (tools)
    throw refused(
      `model_config.json of stable-audio-tools: its model_type must be diffusion_cond; got ${printable(JSON.stringify(tools.model_type ?? null))}`,
    );
  const pickle = await pickleIn(folder, signal);
  if (pickle)
    throw refused(
      `${pickle} is a pickle, which could run any code; expected safetensors`,
      'save it as safetensors: save_pretrained of transformers and diffusers does',
    );
  if (config) throw new MelodyError('weights', `${folder.name}/${CONFIG_FILE}: it names no model_type`, NAME_A_FOLDER);
  throw refused(`no ${CONFIG_FILE}`, `${NAME_A_FOLDER}, or model_index.json of a pipeline`);
}
