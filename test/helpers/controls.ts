// melody-tiny as a model with controls: its own networks, and random rows for clock, key and tempo and random style heads.
import type { ControlsConfig } from '../../src/models/semantic_lm.ts';
import { type Model, openModel } from '../../src/pipeline/model.ts';
import { platform } from '../../src/platform/node.ts';
import { randomWeights } from '../../src/weights/random_weights.ts';
import { scopeAt, type WeightSource } from '../../src/weights/weights.ts';

export const CONTROLS: ControlsConfig = { metres: [4, 3, 2, 5], ticks: 24, tempo_low: 50, tempo_per_octave: 12, tempo_bins: 24 };
const CONTROLS_PART = /^(semantic_lm\.controls|style_heads)\./;

const tiny = () => openModel(platform.openFolder(new URL('../../weights/melody-tiny/', import.meta.url)));

export async function controlledModel(): Promise<Model> {
  const { config, weights, ...rest } = await tiny();
  return {
    ...rest,
    config: { ...config, semantic_lm: { ...config.semantic_lm, controls: CONTROLS } },
    weights: withRandom(weights, CONTROLS_PART),
  };
}

/** melody-tiny without controls, whether its files have them or not. */
export async function plainModel(): Promise<Model> {
  const { config, ...rest } = await tiny();
  const { controls: _, ...semantic_lm } = config.semantic_lm;
  return { ...rest, config: { ...config, semantic_lm } };
}

/** Weights of the files, but random ones for names that `part` matches. */
export function withRandom(files: WeightSource, part: RegExp): WeightSource {
  const random = randomWeights(3, 'f16');
  const root: WeightSource = {
    path: '',
    at: (prefix) => scopeAt(root, prefix),
    get: (name, shape) => (part.test(name) ? random : files).get(name, shape),
    has: (name) => part.test(name) || files.has(name),
    prepare: (parts, signal) => files.prepare(parts, signal),
    misfits: () => files.misfits(),
    check: () => files.check(),
    unused: (prefix) => files.unused(prefix),
  };
  return root;
}
