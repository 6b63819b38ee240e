// How weights lie on the GPU: rearranged once at load, so that kernels read them in order.
import type { WeightLayout } from '../graph/tensor.ts';
import { f16ToF32 } from '../graph/half.ts';

/** As in the file, as f32: for norms, biases and other small vectors, where halving bytes saves nothing. */
export const VECTOR: WeightLayout = {
  key: 'vector', dtype: 'f32',
  pack: (data) => (data instanceof Uint16Array ? f16ToF32(data) : data),
};
