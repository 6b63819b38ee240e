// Folders of published systems with changed files, for the fuzzer and the tests: what opening one and fitting its weights come to.
import { readFileSync } from 'node:fs';
import { type ByteFolder, memorySource } from '../src/platform/bytes.ts';
import { systemMisfits } from '../src/systems/inspect.ts';
import { systemOf } from '../src/systems/kind.ts';
import { readEncodec, readMusicgen } from '../src/systems/musicgen/config.ts';
import { openMusicgen } from '../src/systems/musicgen/model.ts';
import type { SystemPlace } from '../src/systems/place.ts';
import { readPipeline } from '../src/systems/stable_audio/config.ts';
import { openStableAudio } from '../src/systems/stable_audio/model.ts';
import { readToolsConfig } from '../src/systems/stable_audio/tools_layout.ts';
import { type JsonObject, parseJsonObject } from '../src/weights/json.ts';
import { memoryFolder } from './memory_folder.ts';

export type Json = Record<string, unknown>;

/** Golden folders of every layout, and the JSON files in each that decide how it is read. */
export const SYSTEMS: Readonly<Record<string, readonly string[]>> = {
  musicgen_mono: ['config.json', 'generation_config.json'],
  musicgen_stereo: ['config.json'],
  encodec_48: ['config.json'],
  stable_audio: [
    'model_index.json',
    'text_encoder/config.json',
    'transformer/config.json',
    'vae/config.json',
    'projection_model/config.json',
    'scheduler/scheduler_config.json',
    'tokenizer/tokenizer_config.json',
  ],
  stable_audio_ode: ['scheduler/scheduler_config.json'],
  stable_audio_small: ['model_config.json', 't5-base/config.json'],
};

const goldens = 'test/goldens/systems/';
const kept = new Map<string, Uint8Array | undefined>();

/** A file of a golden folder; every one of them has the same tokenizer, of few pieces here. */
export function fileOf(model: string, path: string): Uint8Array | undefined {
  const key = `${model}/${path}`;
  if (!kept.has(key)) kept.set(key, path.endsWith('tokenizer.json') ? new TextEncoder().encode(JSON.stringify(TOKENIZER)) : read(key));
  return kept.get(key);
}

function read(key: string): Uint8Array | undefined {
  try {
    return new Uint8Array(readFileSync(goldens + key));
  } catch {
    return undefined;
  }
}

export const jsonOf = (model: string, path: string): Json => JSON.parse(new TextDecoder().decode(fileOf(model, path)));

/** The golden tokenizer with its first pieces alone, and a map of one character ("ﬁ" to "fi"). */
export const TOKENIZER: Json = (() => {
  const whole = JSON.parse(readFileSync(`${goldens}musicgen_mono/tokenizer.json`, 'utf8'));
  const vocab = whole.model.vocab.slice(0, 60);
  const normalizer = {
    type: 'Precompiled',
    precompiled_charsmap: Buffer.from([8, 0, 0, 0, 0, 4, 0, 0, 0x66, 1, 0, 0, 0x66, 0x69, 0]).toString('base64'),
  };
  return { ...whole, model: { ...whole.model, vocab }, added_tokens: (whole.added_tokens ?? []).slice(0, 3), normalizer };
})();

function folderOf(model: string, changes: ReadonlyMap<string, Uint8Array>, base = ''): ByteFolder {
  return {
    name: base === '' ? model : `${model}/${base.slice(0, -1)}`,
    async open(file) {
      const bytes = changes.get(base + file) ?? fileOf(model, base + file);
      return bytes && memorySource(`${model}/${base}${file}`, bytes);
    },
  };
}

/** What keeps a folder from playing, and the tensors that playing would leave out; a codec alone is not played. Throws what opening throws. */
export async function fitOf(model: string, changes: ReadonlyMap<string, Uint8Array>): Promise<{ faults: string[]; unused: string[] }> {
  const place = { ...folderOf(model, changes), part: (name: string) => folderOf(model, changes, `${name}/`) };
  const { kind, config } = await systemOf(place);
  if (kind === 'melody') return { faults: [], unused: [] };
  if (kind === 'musicgen') await openMusicgen(place, config);
  if (kind === 'stable_audio') await openStableAudio(place, config);
  const { faults, unused } = await systemMisfits(place, kind, config);
  return { faults, unused: kind === 'encodec' ? [] : unused };
}

/** Reads the configs of a folder, no weights. */
export async function readConfigs(model: string, change: ReadonlyMap<string, Uint8Array>): Promise<unknown> {
  const folder = (part: string) => {
    const name = (file: string) => `${part}${file}`;
    const files = [...new Set(SYSTEMS[model === 'stable_audio_ode' ? 'stable_audio' : model])].filter((file) => file.startsWith(part));
    const bytes = files.map((file) => [file.slice(part.length), change.get(name(file.slice(part.length))) ?? fileOf(model, file)] as const);
    return memoryFolder(model, new Map(bytes.filter((one): one is [string, Uint8Array] => one[1] !== undefined)));
  };
  const place: SystemPlace = { ...folder(''), part: (part) => folder(`${part}/`) };
  const first = { musicgen: 'config.json', encodec: 'config.json', stable_audio_small: 'model_config.json' };
  const main = Object.entries(first).find(([start]) => model.startsWith(start))?.[1] ?? 'model_index.json';
  const json: JsonObject = parseJsonObject(change.get(main) ?? (fileOf(model, main) as Uint8Array), main, 8);
  if (model.startsWith('musicgen')) return readMusicgen(json, model);
  if (model.startsWith('encodec')) return readEncodec(json, model);
  return main === 'model_config.json' ? readToolsConfig(place, json) : readPipeline(place, json);
}
