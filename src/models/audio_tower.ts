// Audio tower: ten seconds of music → unit embedding (docs/system.md §2).
//
//   kind 'features' (shipped)  semantic features [T, F], merge rows side by side ─Linear─LayerNorm─ConvNeXt × n─Encoder─ e [1, E]
//   kind 'ast' (paper)         log-mel [frames, bands] ─16×16 patches, stride 10─Encoder─ e [1, E]
import type { Graph } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import { patches } from '../ops/conv.ts';
import { linear } from '../ops/matmul.ts';
import { layerNorm } from '../ops/norm.ts';
import type { Scope } from '../weights/weights.ts';
import { convNext, type EncoderConfig, EPS, encoder } from './layers.ts';

export interface FeatureTowerConfig extends EncoderConfig {
  readonly kind: 'features';
  readonly features: number;
  readonly merge?: number; // feature rows put side by side
  readonly conv_layers: number;
  readonly kernel: number;
}

/** Audio spectrogram transformer (Gong et al. 2021). */
export interface PatchTowerConfig extends EncoderConfig {
  readonly kind: 'ast';
}

export type AudioTowerConfig = FeatureTowerConfig | PatchTowerConfig;

/** x: features [T, F] as the semantic encoder standardises them, or a log-mel [frames, bands] → unit embedding [1, embedding_dim]. */
export function audioTower(g: Graph, w: Scope, x: Tensor, c: AudioTowerConfig): Tensor {
  return g.scope('audio_tower', () => encoder(g, w.at('encoder'), c.kind === 'ast' ? patchRows(g, w, x, c) : featureRows(g, w, x, c), c));
}

function featureRows(g: Graph, w: Scope, features: Tensor, c: FeatureTowerConfig): Tensor {
  const { merge = 1 } = c;
  const rows = Math.floor(features.shape[0] / merge);
  const merged = { ...features, shape: [rows, merge * c.features] }; // rows past the last whole group fall away
  const embedded = linear(g, merged, w.get('embed.weight', [c.dim, merge * c.features]), { bias: w.get('embed.bias', [c.dim]) });
  let x = layerNorm(g, embedded, w.get('norm_in.weight', [c.dim]), w.get('norm_in.bias', [c.dim]), { eps: EPS });
  for (let i = 0; i < c.conv_layers; i++) x = g.scope(`block ${i}`, () => convNext(g, w.at(`blocks.${i}`), x, 3 * c.dim, c.kernel));
  return x;
}

const patchRows = (g: Graph, w: Scope, mel: Tensor, { dim }: PatchTowerConfig): Tensor =>
  patches(g, mel, w.get('patch.weight', [dim, 1, 16, 16]), { stride: 10, bias: w.get('patch.bias', [dim]) });
