// Semantic tokeniser: audio → features and tokens at 25 Hz (docs/system.md §3; features as in tools/train/melody_train/features.py).
//
//   |STFT 4096|² ─chroma─√─÷ peak ┐
//   |STFT 8192|² ─bass───√─÷ peak ┼─ features [T, 40] ─nearest centroid─ tokens [T]
//   |STFT 1024|², two a token ─ onset rises, log-mel ─basis ┘
//   what tokens leave of the features, its mean over a block of them ─nearest timbre centroid─ timbre words [blocks]
import type { Graph } from '../graph/graph.ts';
import { elementsOf, reshape, type Tensor, type WeightRef } from '../graph/tensor.ts';
import { add, mul } from '../ops/elementwise.ts';
import { concatCols, concatRows, embedding, meanRows, slice } from '../ops/gather.ts';
import { VECTOR } from '../ops/layouts.ts';
import { matmul } from '../ops/matmul.ts';
import { nearestCode } from '../ops/quantise.ts';
import { complexPower, filterBank, logFloor, onsetRise, peakNormalise, stft } from '../ops/spectrum.ts';
import type { Scope } from '../weights/weights.ts';
import { LISTENING_RATE } from './layers.ts';
import { type TimbreConfig, timbreOf } from './timbre.ts';

export interface SemanticEncoderConfig extends TimbreConfig {
  readonly kind: 'spectral_features';
}

const HOP = 960; // samples of 24 kHz audio a token
const FEATURES = 40;
const MEL_BANDS = 48;
const TIMBRE = 13; // energy and twelve principal components of the log-mel

/** audio [n] at 24 kHz, n a multiple of 960 → features [n / 960, 40]. */
export function semanticFeatures(g: Graph, w: Scope, audio: Tensor): Tensor {
  return g.scope('semantic_encoder', () => {
    const f = w.at('features');
    const frames = elementsOf(audio.shape) / HOP;
    const pitch = (size: number, highest: number, name: string) => {
      const bins = Math.floor((highest * size) / LISTENING_RATE) + 1; // the filters above are zero
      const power = complexPower(g, stft(g, audio, { size, hop: HOP, bins }), { bins, mode: 'power' });
      return peakNormalise(g, filterBank(g, power, f.get(name, [size / 2 + 1, 12])), 1e-8);
    };
    const fine = complexPower(g, stft(g, audio, { size: 1024, hop: HOP / 2 }), { bins: 513, mode: 'power' });
    const onset = onsetRise(g, logFloor(g, filterBank(g, fine, f.get('onset', [513, 3])), 1e-3), 2, 4);
    const mel = logFloor(g, filterBank(g, fine, f.get('mel', [513, MEL_BANDS])), 1e-4);
    const mean = meanRows(g, reshape(mel, [frames, 2, MEL_BANDS]));
    const centred = add(g, mean, whole(g, f.get('mel_mean', [MEL_BANDS])), { beta: -1 });
    const timbre = matmul(g, centred, whole(g, f.get('mel_basis', [MEL_BANDS, TIMBRE])));
    const features = concatCols(g, [pitch(4096, 2500, 'chroma'), pitch(8192, 260, 'bass'), onset, timbre]);
    return mul(g, features, whole(g, f.get('scale', [FEATURES])));
  });
}

/** Features [T, 40] → tokens u32 [T]: the nearest centroid. */
export function semanticTokens(g: Graph, w: Scope, features: Tensor, c: SemanticEncoderConfig): Tensor {
  return g.scope('semantic_encoder', () => nearestCode(g, features, w.get('centroids', [c.words, FEATURES])));
}

/** Features [T, 40] and their tokens u32 [T] → timbre words u32 [⌈T / timbre_frames⌉]; the last block may be short. */
export function timbreTokens(g: Graph, w: Scope, features: Tensor, tokens: Tensor, c: SemanticEncoderConfig): Tensor {
  const { words, frames } = timbreOf(c) as NonNullable<ReturnType<typeof timbreOf>>;
  return g.scope('semantic_encoder/timbre', () => {
    const left = add(g, features, embedding(g, w.get('centroids', [c.words, FEATURES]), tokens), { beta: -1 });
    const [count] = features.shape;
    const whole = Math.floor(count / frames);
    const part = (from: number, blocks: number, length: number) =>
      meanRows(g, reshape(slice(g, left, from, blocks * length), [blocks, length, FEATURES]));
    const means = [
      ...(whole > 0 ? [part(0, whole, frames)] : []),
      ...(count % frames > 0 ? [part(whole * frames, 1, count % frames)] : []),
    ];
    // The centroids are zero but for the timbre's features, so that the rest of a row is as far from all of them.
    return nearestCode(g, means.length > 1 ? concatRows(g, means) : means[0], w.get('timbre_centroids', [words, FEATURES]));
  });
}

/** A weight used as a plain f32 tensor. */
const whole = (g: Graph, ref: WeightRef): Tensor => g.weight(ref, VECTOR);
