// The measuring process of our own engine: node ours.mjs melody|melody-f16|melody-cpu.
import { platform } from '#platform';
import { runAndWait } from '../src/cli/bench/measure.ts';
import { compileWith, deviceOf } from '../src/cli/bench/prepare_case.ts';
import { openCpu } from '../src/engine/open_cpu.ts';
import { Gpu } from '../src/gpu/device.ts';
import { Graph } from '../src/graph/graph.ts';
import { f32ToF16 } from '../src/graph/half.ts';
import type { Tensor, WeightRef } from '../src/graph/tensor.ts';
import { attention } from '../src/ops/attention.ts';
import { softmax } from '../src/ops/biased_attention.ts';
import { conv1d, convTranspose1d } from '../src/ops/conv.ts';
import { add, mul } from '../src/ops/elementwise.ts';
import { fuseElementwise } from '../src/ops/fuse.ts';
import { linear } from '../src/ops/matmul.ts';
import { layerNorm } from '../src/ops/norm.ts';
import type { Engine } from './harness/protocol.ts';
import { serve } from './harness/worker.ts';
import { type Inputs, type PeerCase, storagesOf, storedInputs } from './peer_cases.ts';
import { transpose } from './transpose.ts';

type Storage = 'f32' | 'f16';

interface Recorded {
  y: Tensor;
  /** What plan.write gets, by input name. */
  feeds: Record<string, Float32Array>;
  /** The engine's output into the case's layout. */
  layout?(y: Float32Array): Float32Array;
}

/** A weight held in memory. */
function weight(name: string, values: Float32Array, shape: readonly number[], dtype: Storage = 'f32'): WeightRef {
  const data = dtype === 'f16' ? f32ToF16(values) : values;
  return {
    name,
    shape,
    dtype,
    async *read() {
      yield { offset: 0, data };
    },
  };
}

function record(g: Graph, { work: w }: PeerCase, i: Inputs, storage: Storage): Recorded {
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
    case 'conv1d':
    case 'conv_transpose1d': {
      const { inChannels, outChannels, length, kernel, stride, dilation, padding } = w;
      const channels = w.op === 'conv1d' ? [outChannels, inChannels] : [inChannels, outChannels];
      const filter = weight('w', i.w, [...channels, kernel], storage);
      const options = { bias: weight('b', i.b, [outChannels]), stride, padding };
      const x = g.input('x', [length, inChannels]);
      const y = w.op === 'conv1d' ? conv1d(g, x, filter, { ...options, dilation }) : convTranspose1d(g, x, filter, options);
      return { y, feeds: { x: transpose(i.x, [inChannels, length], [1, 0]) }, layout: (out) => transpose(out, y.shape, [1, 0]) };
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

async function open(): Promise<Engine> {
  const half = process.argv[2] === 'melody-f16';
  const where = process.argv[2] === 'melody-cpu' ? (await openCpu()).where : await Gpu.open(await platform.openGpu());
  const { caps } = deviceOf(where);
  return {
    info: { engine: half ? 'melody, weights stored as f16' : 'melody', adapter: caps.name },
    attempts: (c) => {
      const storage = half ? (storagesOf(c).at(-1) as Storage) : 'f32';
      return [
        {
          variant: storage,
          async build() {
            const g = new Graph(caps);
            const { y, feeds, layout } = record(g, c, storedInputs(c, storage), storage);
            g.output('y', y);
            fuseElementwise(g); // as the pipeline does
            const { plan, settle, dispose } = await compileWith(where, g, feeds);
            const read = async () => {
              plan.run();
              const out = await plan.read('y');
              return layout ? layout(out) : out;
            };
            return { storage, read, dispose, run: (times) => runAndWait({ plan, settle }, times) };
          },
        },
      ];
    },
  };
}

serve(open);
