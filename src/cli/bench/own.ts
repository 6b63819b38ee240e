// Our engine on the named cases: records the op, uploads, compiles; layouts are turned into the engine's beforehand.
import type { Gpu } from '../../gpu/device.ts';
import { Graph } from '../../graph/graph.ts';
import { f16ToF32, f32ToF16 } from '../../graph/half.ts';
import { Plan } from '../../graph/plan.ts';
import { Residents } from '../../graph/residents.ts';
import type { Tensor, WeightRef } from '../../graph/tensor.ts';
import { attention } from '../../ops/attention.ts';
import { conv1d, convTranspose1d } from '../../ops/conv.ts';
import { add, mul } from '../../ops/elementwise.ts';
import { fuseElementwise } from '../../ops/fuse.ts';
import { linear } from '../../ops/matmul.ts';
import { layerNorm, rmsNorm, softmax } from '../../ops/norm.ts';
import { transpose } from './arrays.ts';
import { type Case, type Inputs, inputsOf, referenceOf } from './cases.ts';
import type { Named, Prepared } from './measure.ts';

export type Storage = 'f32' | 'f16';

/** Storages worth measuring: f16 only where there is a weight matrix to store. */
export function storagesOf({ work }: Case): Storage[] {
  return ['matmul', 'conv1d', 'conv_transpose1d'].includes(work.op) ? ['f32', 'f16'] : ['f32'];
}

/** The inputs that a run with this storage really sees: the reference must see the same rounded weights. */
export function storedInputs(c: Case, storage: Storage): Inputs {
  const inputs = inputsOf(c);
  return storage === 'f16' && inputs.w ? { ...inputs, w: f16ToF32(f32ToF16(inputs.w)) } : inputs;
}

/** A weight held in memory. */
export function weight(name: string, values: Float32Array, shape: readonly number[], storage: Storage = 'f32'): WeightRef {
  const data = storage === 'f16' ? f32ToF16(values) : values;
  return {
    name,
    shape,
    dtype: storage,
    async *read() {
      yield { offset: 0, data };
    },
  };
}

export interface Recorded {
  y: Tensor;
  /** What plan.write gets, by input name. */
  feeds: Record<string, Float32Array | Uint32Array>;
  /** The engine's output into the reference's layout. */
  layout?(y: Float32Array): Float32Array;
}

function record(g: Graph, { work: w }: Case, i: Inputs, storage: Storage): Recorded {
  switch (w.op) {
    case 'matmul': {
      const matrix = weight('w', transpose(i.w, [w.k, w.n], [1, 0]), [w.n, w.k], storage);
      return { y: linear(g, g.input('x', [w.m, w.k]), matrix), feeds: { x: i.x } };
    }
    case 'softmax':
      return { y: softmax(g, g.input('x', [w.rows, w.cols])), feeds: { x: i.x } };
    case 'layer_norm': {
      const x = g.input('x', [w.rows, w.cols]);
      return { y: layerNorm(g, x, weight('w', i.w, [w.cols]), weight('b', i.b, [w.cols]), { eps: w.eps }), feeds: { x: i.x } };
    }
    case 'rms_norm':
      return { y: rmsNorm(g, g.input('x', [w.rows, w.cols]), weight('w', i.w, [w.cols]), { eps: w.eps }), feeds: { x: i.x } };
    case 'conv1d': {
      const filter = weight('w', i.w, [w.outChannels, w.inChannels, w.kernel], storage);
      const { stride, dilation, padding } = w;
      const y = conv1d(g, g.input('x', [w.length, w.inChannels]), filter, {
        bias: weight('b', i.b, [w.outChannels]),
        stride,
        dilation,
        padding,
      });
      return channelsLast(y, i, w.inChannels, w.length);
    }
    case 'conv_transpose1d': {
      const filter = weight('w', i.w, [w.inChannels, w.outChannels, w.kernel], storage);
      const y = convTranspose1d(g, g.input('x', [w.length, w.inChannels]), filter, {
        bias: weight('b', i.b, [w.outChannels]),
        stride: w.stride,
        padding: w.padding,
      });
      return channelsLast(y, i, w.inChannels, w.length);
    }
    case 'attention': {
      const row = w.heads * w.headDim;
      const q = g.input('q', [1, w.queries, row]);
      const k = g.input('k', [1, w.keys, row]);
      const v = g.input('v', [1, w.keys, row]);
      const headsLast = (x: Float32Array, length: number) => transpose(x, [w.heads, length, w.headDim], [1, 0, 2]);
      return {
        y: attention(g, q, k, v, { heads: w.heads }),
        feeds: { q: headsLast(i.q, w.queries), k: headsLast(i.k, w.keys), v: headsLast(i.v, w.keys) },
        layout: (y) => transpose(y, [w.queries, w.heads, w.headDim], [1, 0, 2]),
      };
    }
    case 'elementwise_chain': {
      const [x, a, b] = ['x', 'a', 'b'].map((name) => g.input(name, [w.size]));
      let y = x;
      for (let step = 0; step < w.steps; step++) y = step % 2 === 0 ? mul(g, y, a) : add(g, y, b);
      return { y, feeds: { x: i.x, a: i.a, b: i.b } };
    }
  }
}

/** Convolutions: [C, L] in the case, [L, C] in the engine. */
function channelsLast(y: Tensor, i: Inputs, channels: number, length: number): Recorded {
  return { y, feeds: { x: transpose(i.x, [channels, length], [1, 0]) }, layout: (out) => transpose(out, y.shape, [1, 0]) };
}

/** Upload and compile what `record` records; integers come back as numbers. The caller disposes. */
export async function preparePlan(gpu: Gpu, record: (g: Graph) => Recorded, reference: () => Float64Array): Promise<Prepared> {
  const residents = new Residents(gpu);
  try {
    const g = new Graph(gpu.caps);
    const { y, feeds, layout } = record(g);
    g.output('y', y);
    fuseElementwise(g); // as the pipeline does
    const plan = await Plan.compile(residents, g);
    for (const [name, data] of Object.entries(feeds)) plan.write(name, data);
    return {
      plan,
      dispatches: g.dispatches.length,
      async read() {
        plan.run();
        const bytes = await plan.readBytes('y');
        const out = y.dtype === 'u32' ? Float32Array.from(new Uint32Array(bytes)) : new Float32Array(bytes);
        return layout ? layout(out) : out;
      },
      reference,
      dispose() {
        plan.dispose();
        residents.dispose();
      },
    };
  } catch (error) {
    residents.dispose();
    throw error;
  }
}

/** One case in one storage. The caller disposes. */
export function prepareOwn(gpu: Gpu, c: Case, storage: Storage): Promise<Prepared> {
  const inputs = storedInputs(c, storage);
  return preparePlan(
    gpu,
    (g) => record(g, c, inputs, storage),
    () => referenceOf(c, inputs),
  );
}

/** Every case in every storage worth measuring. */
export function ownKernels(cases: readonly Case[]): Named[] {
  return cases.flatMap((c) =>
    storagesOf(c).map((storage) => ({
      name: c.name,
      storage,
      flops: c.flops,
      bytes: c.bytes,
      prepare: (gpu) => prepareOwn(gpu, c, storage),
    })),
  );
}
