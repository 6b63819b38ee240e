// The sizes in config.json, bounded before anything loops or allocates by them, and held against the tensors that the weights name.
import type { Scope } from '../weights/weights.ts';

type Fields = Readonly<Record<string, unknown>>;

/** More layers, levels or units of anything than any model has. */
const MAX_COUNT = 1024;
/** More of any width, rate, length or vocabulary than any model has. */
const MAX_SIZE = 2 ** 24;

/** Numbers of layers by part and kind: whole numbers that must be there. `low` is the least that makes sense. */
const COUNTS: readonly { readonly part: string; readonly kind?: string; readonly fields: readonly string[]; readonly low?: number }[] = [
  { part: 'text_tower', fields: ['layers', 'heads'] },
  { part: 'audio_tower', fields: ['layers', 'heads'] },
  { part: 'audio_tower', kind: 'features', fields: ['conv_layers'] },
  { part: 'rvq', fields: ['levels'] },
  { part: 'semantic_lm', fields: ['layers', 'heads', 'style_levels'] },
  { part: 'dual_path', fields: ['blocks', 'heads', 'coarse_layers', 'sru_layers', 'frames_per_token'] },
  { part: 'dual_path', fields: ['token_layers'], low: 0 },
  { part: 'vae_decoder', kind: 'istft_running', fields: ['low_layers', 'high_layers', 'upsample'] },
  { part: 'vae_decoder', kind: 'istft_convnext', fields: ['low_layers', 'high_layers', 'upsample'] },
  { part: 'vae_encoder', kind: 'stft_convnext', fields: ['layers'] },
  { part: 'vae_encoder', kind: 'strided_cnn', fields: ['units'] },
];

/** A tensor that every layer of a kind has, by the field that counts them. */
const LAYERS: readonly { readonly part: string; readonly field: string; readonly tensor: (index: number) => string }[] = [
  { part: 'text_tower', field: 'layers', tensor: (i) => `text_tower.encoder.layers.${i}.norm1.weight` },
  { part: 'audio_tower', field: 'layers', tensor: (i) => `audio_tower.encoder.layers.${i}.norm1.weight` },
  { part: 'audio_tower', field: 'conv_layers', tensor: (i) => `audio_tower.blocks.${i}.gamma` },
  { part: 'semantic_lm', field: 'layers', tensor: (i) => `semantic_lm.layers.${i}.norm1.weight` },
  { part: 'dual_path', field: 'blocks', tensor: (i) => `dual_path.blocks.${i}.coarse.0.cross_attn.q_proj.weight` },
  { part: 'dual_path', field: 'token_layers', tensor: (i) => `dual_path.token_blocks.${i}.gamma` },
  { part: 'vae_decoder', field: 'low_layers', tensor: (i) => `vae_decoder.low.${i}.gamma` },
  { part: 'vae_decoder', field: 'high_layers', tensor: (i) => `vae_decoder.high.${i}.gamma` },
  { part: 'vae_encoder', field: 'layers', tensor: (i) => `vae_encoder.blocks.${i}.gamma` },
];

const partOf = (config: unknown, part: string): Fields | undefined => {
  const value = (config as Fields)[part];
  return typeof value === 'object' && value !== null ? (value as Fields) : undefined;
};

/** What is wrong with the sizes of a config as read, a line each. Nothing is looped over but what the text itself holds. */
export function sizeFaults(config: unknown): string[] {
  const faults: string[] = [];
  for (const { part, kind, fields, low = 1 } of COUNTS) {
    const values = partOf(config, part);
    if (!values || (kind !== undefined && values.kind !== kind)) continue;
    for (const field of fields) {
      const value = values[field];
      if (!Number.isInteger(value) || (value as number) < low || (value as number) > MAX_COUNT)
        faults.push(`${part}.${field} must be a whole number from ${low} to ${MAX_COUNT}; got ${JSON.stringify(value)}`);
    }
  }
  walk(config, '', faults);
  return faults;
}

/** Every number anywhere is finite and no larger than any size can be; lists are no longer than any list of ours. */
function walk(value: unknown, path: string, faults: string[]): void {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || Math.abs(value) > MAX_SIZE) faults.push(`${path} must be a number up to ${MAX_SIZE}; got ${value}`);
  } else if (Array.isArray(value) && value.length > MAX_COUNT) {
    faults.push(`${path} must be a list of at most ${MAX_COUNT}; got ${value.length}`);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, inner] of Object.entries(value)) walk(inner, path === '' ? name : `${path}.${name}`, faults);
  }
}

/** Where a config asks for more or fewer layers than the weights have, a line each. */
export function layerFaults(config: unknown, weights: Pick<Scope, 'has'>): string[] {
  const faults: string[] = [];
  for (const { part, field, tensor } of LAYERS) {
    const asked = partOf(config, part)?.[field];
    if (typeof asked !== 'number' || !weights.has(tensor(0))) continue; // a part that is not in these weights is missed when it is needed
    let there = 0;
    while (there <= MAX_COUNT && weights.has(tensor(there))) there++;
    if (there !== asked) faults.push(`${part}.${field} is ${asked}, the weights have ${there}`);
  }
  return faults;
}
