// Weights that never miss: seeded normal values of whatever shape is asked for, made while they are read. For measuring a model's
// speed and memory at any size without a checkpoint (`--config paper --random`).
import { cosTurns, log } from '../elementary.ts';
import { f32ToF16 } from '../graph/half.ts';
import type { WeightPiece, WeightRef } from '../graph/tensor.ts';
import { ELEMENT_ARRAY, ELEMENT_BYTES } from './convert.ts';
import { PIECE_BYTES } from './tensor_stream.ts';
import { scopeAt, type WeightSource } from './weights.ts';

/**
 * Matrices and kernels are N(0, 1 / fan-in), so that activations keep their size through depth; vectors are small, around 1 if their
 * name ends in "weight" (norm gains) and around 0 if not (biases). Equal seed, name and shape give equal values.
 */
export function randomWeights(seed: number, dtype: 'f32' | 'f16' = 'f16'): WeightSource {
  const refs = new Map<string, WeightRef>();
  const root: WeightSource = {
    path: '',
    at: (prefix) => scopeAt(root, prefix),
    get(name, shape) {
      const key = `${name} [${shape}]`;
      const ref = refs.get(key) ?? { name, shape, dtype, read: () => normalPieces(seed, name, shape, dtype) };
      refs.set(key, ref);
      return ref;
    },
    has: () => true,
    async prepare() {},
    misfits: () => [],
    check() {},
    unused: () => [],
  };
  return root;
}

const LEVELS = 4096;
const LEVEL_SHIFT = Math.clz32(LEVELS) + 1;

async function* normalPieces(seed: number, name: string, shape: readonly number[], dtype: 'f32' | 'f16'): AsyncGenerator<WeightPiece> {
  const [scale, mean] = scaleAndMean(name, shape);
  const total = shape.reduce((n, d) => n * d, 1);
  const values = normalLevels().map((x) => mean + scale * x);
  const levels = dtype === 'f16' ? f32ToF16(values) : values;
  const most = PIECE_BYTES / ELEMENT_BYTES[dtype];
  const data = new ELEMENT_ARRAY[dtype](Math.min(most, total));
  const stream = mix(seed ^ hashOf(name));
  for (let offset = 0; offset < total; offset += most) {
    const piece = data.subarray(0, Math.min(most, total - offset));
    for (let i = 0; i < piece.length; i++) piece[i] = levels[mix(stream + offset + i) >>> LEVEL_SHIFT] as number;
    yield { offset, data: piece };
  }
}

function scaleAndMean(name: string, shape: readonly number[]): [scale: number, mean: number] {
  if (shape.length < 2) return [0.02, name.endsWith('weight') ? 1 : 0];
  return [1 / Math.sqrt(shape.slice(1).reduce((n, d) => n * d, 1)), 0];
}

/** Standard normal values, equally likely: Box-Muller over evenly spread radii and golden-ratio angles. */
function normalLevels(): Float32Array {
  return Float32Array.from({ length: LEVELS }, (_, i) => {
    const radius = Math.sqrt(-2 * log((i + 0.5) / LEVELS));
    return radius * cosTurns(i * ((Math.sqrt(5) - 1) / 2));
  });
}

function hashOf(name: string): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = mix(hash ^ name.charCodeAt(i));
  return hash;
}

/** 32 bits well mixed (lowbias32 by C. Wellons). */
function mix(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
