// Long short-term memory, as PyTorch has it: the products with the input are one for all steps, those with the state run step by step.
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, grid1d } from '../graph/graph.ts';
import { f16ToF32 } from '../graph/half.ts';
import { elementsOf, type Tensor, type WeightLayout, type WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { constant, sharedConstant } from './constant.ts';

/** PyTorch's weight_hh [4·H, H] as [H, H, 4]: from unit, to unit, gate. */
const RECURRENT: WeightLayout = {
  key: 'lstm',
  dtype: 'f32',
  pack(data, [, hidden]) {
    const values = data instanceof Uint16Array ? f16ToF32(data) : data;
    const out = new Float32Array(values.length);
    for (let gate = 0; gate < 4; gate++)
      for (let to = 0; to < hidden; to++)
        for (let from = 0; from < hidden; from++) out[(from * hidden + to) * 4 + gate] = values[(gate * hidden + to) * hidden + from];
    return out;
  },
};

/**
 * The recurrence of one layer from h and c in `before`, default 0: (i, f, g, o) = x[t] + W h; c ← σ(f) c + σ(i) tanh(g); y[t] = h = σ(o) tanh(c).
 * x [R, T, 4·H] holds the products with the input and both biases, gates in PyTorch's order; w [4·H, H] (weight_hh); y [R, T, H].
 * `before` and `after` [R, 2, H]: handed on, they make parts of a sequence what the whole would be. Throws `shape`, and `limit` where the state does not fit workgroup memory.
 */
export function lstmScan(g: Graph, x: Tensor, w: WeightRef, before?: Tensor): { y: Tensor; after: Tensor } {
  const hidden = w.shape[1];
  expectShape('lstm_scan', w.name, w, [4 * hidden, hidden]);
  expectShape('lstm_scan', 'x', x, [null, null, 4 * hidden]);
  const [rows, steps] = x.shape;
  const state = [rows, 2, hidden];
  if (before) expectShape('lstm_scan', 'before', before, state);
  const room = Math.floor(g.caps.workgroupMemory / 12);
  if (hidden > room)
    throw new MelodyError(
      'limit',
      `lstm_scan: got ${hidden} units, expected at most ${room} on ${g.caps.name}: they must fit in workgroup memory`,
    );
  const y = g.temp([rows, steps, hidden], 'f32', 'lstm_scan');
  const after = g.temp(state, 'f32', 'lstm_scan');
  g.dispatch(K.lstm_scan, {
    in: { x, w: g.weight(w, RECURRENT), before: before ?? nothing(g, state) },
    out: { y, after },
    params: { rows, steps, hidden },
    tuning: { WG: g.caps.executor === 'gpu' ? 256 : 8, HIDDEN: hidden },
    grid: grid1d(g.caps, rows, 1),
    label: w.name,
    flops: 8 * rows * steps * hidden * hidden,
  });
  return { y, after };
}

const nothing = (g: Graph, shape: readonly number[]): Tensor =>
  constant(
    g,
    sharedConstant(`lstm ${shape}`, shape, () => new Float32Array(elementsOf(shape))),
  );
