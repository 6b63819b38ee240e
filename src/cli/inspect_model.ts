// Do a model folder's weights fit its config? Records every network as a generation would, without a GPU, and asks what was missing.
import { MelodyError } from '../errors.ts';
import { DEFAULT_CAPS } from '../gpu/caps.ts';
import { Graph } from '../graph/graph.ts';
import { audioTower } from '../models/audio_tower.ts';
import { dualPath, dualPathAngles, dualPathTokens } from '../models/dual_path.ts';
import { styleCodes } from '../models/rvq.ts';
import { semanticFeatures, semanticTokens, timbreTokens } from '../models/semantic_encoder.ts';
import { controlSum, instrumentBias, KEYS, kvCache, lastHidden, timbreLogits, toldColumns, wordLogits } from '../models/semantic_lm.ts';
import { styleHeads } from '../models/style_heads.ts';
import { textTower } from '../models/text_tower.ts';
import { timbreOf } from '../models/timbre.ts';
import { vaeDecoder } from '../models/vae_decoder.ts';
import { vaeEncoder } from '../models/vae_encoder.ts';
import { checkSetting } from '../pipeline/checks.ts';
import type { Model, ModelConfig } from '../pipeline/model.ts';
import type { Scope } from '../weights/weights.ts';

type Part = (g: Graph, w: Scope, config: ModelConfig) => void;

/** How each network is recorded: over one chunk of music, as small as its shapes allow. */
const PARTS: Readonly<Record<string, Part>> = {
  text_tower: (g, w, c) => textTower(g, w, g.input('ids', [4], 'u32'), c.text_tower),
  rvq: (g, w, c) => styleCodes(g, w, g.input('embedding', [1, c.text_tower.embedding_dim]), c.rvq),
  semantic_lm: (g, w, c) => {
    const rows = (name: string) => g.input(name, [1, 4], 'u32');
    const sums = { clock: rows('clock'), key: rows('key'), tempo: rows('tempo') };
    const controls = c.semantic_lm.controls && controlSum(g, w, sums, c.semantic_lm);
    const h = lastHidden(g, w, rows('ids'), c.semantic_lm, { cache: kvCache(c.semantic_lm, 1, 4), start: 0, controls });
    const told = toldColumns(c.semantic_lm).length;
    const bias = (timbre: boolean) => (told ? instrumentBias(g, w, g.input('told', [1, told]), c.semantic_lm, { timbre }) : undefined);
    wordLogits(g, w, h, c.semantic_lm, bias(false));
    if (!timbreOf(c.semantic_lm)) return;
    const sight = { words: g.input('timbre', [4], 'u32'), weights: g.input('sight', [1, 4]) };
    timbreLogits(g, w, h, c.semantic_lm, sight, bias(true));
  },
  style_heads: (g, w, c) => {
    const { controls } = c.semantic_lm;
    const embedding = g.input('embedding', [1, c.text_tower.embedding_dim]);
    if (controls) styleHeads(g, w, embedding, [controls.tempo_bins, KEYS, controls.metres.length]);
  },
  dual_path: (g, w, c) => {
    const tokens = (c.window_seconds * c.token_rate) / c.chunks;
    const frames = tokens * c.dual_path.frames_per_token;
    const rows = (name: string) => g.input(name, [1, tokens], 'u32');
    const memory = dualPathTokens(g, w, rows('ids'), c.dual_path, timbreOf(c.dual_path) && rows('timbre'));
    const angles = dualPathAngles(g, w, g.input('angle', [1, frames]), c.dual_path);
    dualPath(g, w, g.input('z', [1, frames, c.latent_dim]), angles, memory, c.dual_path);
    w.get('latent_limit', [c.latent_dim]); // which no network asks for, but denoising does
  },
  vae_decoder: (g, w, c) => vaeDecoder(g, w, g.input('z', [c.frame_rate, c.latent_dim]), c.vae_decoder),
  audio_tower: (g, w, { audio_tower: c, token_rate }) =>
    audioTower(g, w, g.input('heard', c.kind === 'ast' ? [128, 128] : [token_rate, c.features]), c),
  semantic_encoder: (g, w, c) => {
    const features = semanticFeatures(g, w, g.input('audio', [c.sample_rate]));
    const tokens = semanticTokens(g, w, features, c.semantic_encoder);
    if (timbreOf(c.semantic_encoder)) timbreTokens(g, w, features, tokens, c.semantic_encoder);
  },
  vae_encoder: (g, w, c) => vaeEncoder(g, w, g.input('audio', [c.channels ?? 1, c.sample_rate]), c.vae_encoder),
};

/** All that keeps the weights from playing under this config, and the tensors that no network asks for. */
export async function modelMisfits({ config, weights }: Model): Promise<{ faults: string[]; unused: string[] }> {
  await weights.prepare();
  const faults: string[] = [];
  for (const [name, record] of Object.entries(PARTS)) {
    try {
      record(new Graph(DEFAULT_CAPS), weights.at(name), config);
    } catch (error) {
      if (!(error instanceof MelodyError)) throw error;
      faults.push(`${name} cannot be built: ${error.message}`);
    }
  }
  const unused = weights.unused();
  return { faults: [...weights.misfits(), ...faults, ...samplingFaults(config), ...wrappedNames(unused)], unused };
}

/** Presets of settings that `generate` would refuse, or could make no music by. */
function samplingFaults({ sampling }: ModelConfig): string[] {
  const { steps, guidance, schedule, temperature, top_k, top_p, lm_guidance } = sampling;
  const presets = { steps, guidanceScale: guidance, schedule, temperature, topK: top_k, topP: top_p, lmGuidanceScale: lm_guidance ?? 1 };
  return Object.entries(presets).flatMap(([name, value]) => {
    try {
      checkSetting(name as keyof typeof presets, value);
      return [];
    } catch (error) {
      return [`config.json: sampling: ${(error as Error).message}`];
    }
  });
}

/** PyTorch's wrappers (DataParallel, torch.compile) put a word before every name. */
function wrappedNames(unused: readonly string[]): string[] {
  const [word] = /^(module|_orig_mod)\./.exec(unused[0] ?? '') ?? [];
  return word ? [`names begin with "${word}", as PyTorch's wrappers call them: save model.${word}state_dict() instead`] : [];
}
