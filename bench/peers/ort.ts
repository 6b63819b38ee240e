// onnxruntime-node: its own Dawn (provider 'webgpu') or its CPU kernels; onnxruntime-web: its WebAssembly with SIMD and threads. Models are made by
// onnx.ts.
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import type { Attempt, Engine, Runner } from '../harness/protocol.ts';
import { convLength, convTransposeLength, inputsOf, type PeerCase } from '../peer_cases.ts';
import { transpose } from '../transpose.ts';
import { type Model, type Node, onnxModel, type Weight } from './onnx.ts';

type Provider = 'webgpu' | 'cpu' | 'wasm';
type Dims = readonly number[];

const require = createRequire(import.meta.url);
let ort: ReturnType<typeof require>; // of either package: the other one need not be installed

/** A computation: activations arrive as inputs, weights are constants of the model, as in a real one. The output is named `y`. */
interface Graph {
  variant: string;
  nodes: Node[];
  inputs: Record<string, Dims>;
  weights?: Record<string, Weight>;
  output: Dims;
  opset?: number;
  /** Activations and output are [queries, heads·width] here, [heads, queries, width] in the case. */
  headsLast?: { heads: number; length: number; width: number };
}

const scalar = (value: number): Weight => ({ dims: [], data: new Float32Array([value]) });

function attentionGraphs(w: Extract<PeerWork, { op: 'attention' }>): Graph[] {
  const shape = [1, w.heads, w.queries, w.headDim];
  const kv = [1, w.heads, w.keys, w.headDim];
  const flat = [1, w.queries, w.heads * w.headDim];
  const flatKv = [1, w.keys, w.heads * w.headDim];
  const headsLast = { heads: w.heads, length: w.queries, width: w.headDim };
  return [
    {
      variant: 'matmul-softmax-matmul',
      nodes: [
        { op: 'Mul', inputs: ['q', 'scale'], outputs: ['qs'] },
        { op: 'Transpose', inputs: ['k'], outputs: ['kt'], attributes: { perm: [0, 1, 3, 2] } },
        { op: 'MatMul', inputs: ['qs', 'kt'], outputs: ['s'] },
        { op: 'Softmax', inputs: ['s'], outputs: ['p'], attributes: { axis: -1 } },
        { op: 'MatMul', inputs: ['p', 'v'], outputs: ['y'] },
      ],
      inputs: { q: shape, k: kv, v: kv },
      weights: { scale: scalar(1 / Math.sqrt(w.headDim)) },
      output: shape,
    },
    {
      variant: 'Attention (opset 23)',
      nodes: [{ op: 'Attention', inputs: ['q', 'k', 'v'], outputs: ['y'] }],
      inputs: { q: shape, k: kv, v: kv },
      output: shape,
      opset: 23,
    },
    {
      variant: 'MultiHeadAttention',
      nodes: [
        { op: 'MultiHeadAttention', domain: 'com.microsoft', inputs: ['q', 'k', 'v'], outputs: ['y'], attributes: { num_heads: w.heads } },
      ],
      inputs: { q: flat, k: flatKv, v: flatKv },
      output: flat,
      headsLast,
    },
  ];
}

function graphsOf(c: PeerCase): Graph[] {
  const w = c.work;
  const i = inputsOf(c);
  switch (w.op) {
    case 'matmul':
      return [
        {
          variant: 'MatMul',
          nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
          inputs: { x: [w.m, w.k] },
          weights: { w: { dims: [w.k, w.n], data: i.w } },
          output: [w.m, w.n],
        },
      ];
    case 'softmax':
      return [
        {
          variant: 'Softmax',
          nodes: [{ op: 'Softmax', inputs: ['x'], outputs: ['y'], attributes: { axis: -1 } }],
          inputs: { x: [w.rows, w.cols] },
          output: [w.rows, w.cols],
        },
      ];
    case 'layer_norm':
      return [
        {
          variant: 'LayerNormalization',
          nodes: [
            { op: 'LayerNormalization', inputs: ['x', 'w', 'b'], outputs: ['y'], attributes: { axis: -1, epsilon: { float: w.eps } } },
          ],
          inputs: { x: [w.rows, w.cols] },
          weights: { w: { dims: [w.cols], data: i.w }, b: { dims: [w.cols], data: i.b } },
          output: [w.rows, w.cols],
        },
      ];
    case 'conv1d':
    case 'conv_transpose1d': {
      const forward = w.op === 'conv1d';
      const dims = forward ? [w.outChannels, w.inChannels, w.kernel] : [w.inChannels, w.outChannels, w.kernel];
      const attributes = { strides: [w.stride], dilations: [w.dilation], pads: [w.padding, w.padding], kernel_shape: [w.kernel] };
      const op = forward ? 'Conv' : 'ConvTranspose';
      return [
        {
          variant: op,
          nodes: [{ op, inputs: ['x', 'w', 'b'], outputs: ['y'], attributes }],
          inputs: { x: [1, w.inChannels, w.length] },
          weights: { w: { dims, data: i.w }, b: { dims: [w.outChannels], data: i.b } },
          output: [1, w.outChannels, forward ? convLength(w) : convTransposeLength(w)],
        },
      ];
    }
    case 'attention':
      return attentionGraphs(w);
    case 'elementwise_chain': {
      const name = (step: number) => (step === 0 ? 'x' : step === w.steps ? 'y' : `x${step}`);
      return [
        {
          variant: `${w.steps} nodes`,
          nodes: Array.from({ length: w.steps }, (_, s) => ({
            op: s % 2 === 0 ? 'Mul' : 'Add',
            inputs: [name(s), s % 2 === 0 ? 'a' : 'b'],
            outputs: [name(s + 1)],
          })),
          inputs: { x: [w.size] },
          weights: { a: { dims: [w.size], data: i.a }, b: { dims: [w.size], data: i.b } },
          output: [w.size],
        },
      ];
    }
  }
}

const session = (model: Model, provider: Provider, options: object = {}) =>
  ort.InferenceSession.create(onnxModel(model), {
    executionProviders: [provider],
    logSeverityLevel: 4,
    // An op that the WebGPU provider lacks must fail, not run on the CPU unseen.
    extra: { session: { disable_cpu_ep_fallback: provider === 'webgpu' ? '1' : '0' } },
    ...options,
  });

/** A session y = −x: carries an array to the GPU (negated beforehand) or back, because getData() on a GPU tensor aborts the process. */
const negate = (dims: Dims, location: 'gpu-buffer' | 'cpu') =>
  session({ nodes: [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }], inputs: { x: dims }, outputs: { y: dims } }, 'webgpu', {
    preferredOutputLocation: location,
  });

function feedsOf(c: PeerCase, graph: Graph): Record<string, { dims: Dims; data: Float32Array }> {
  const inputs = inputsOf(c);
  const h = graph.headsLast;
  return Object.fromEntries(
    Object.entries(graph.inputs).map(([name, dims]) => {
      const data = h ? transpose(inputs[name], [h.heads, inputs[name].length / h.heads / h.width, h.width], [1, 0, 2]) : inputs[name];
      return [name, { dims, data }];
    }),
  );
}

const inCaseLayout = (y: Float32Array, { headsLast: h }: Graph) => (h ? transpose(y, [h.length, h.heads, h.width], [1, 0, 2]) : y.slice());

/** CPU and WebAssembly: plain arrays in, plain arrays out; there is nothing to transfer. */
async function cpuRunner(c: PeerCase, graph: Graph, provider: Provider): Promise<Runner> {
  const { nodes, inputs, weights, opset, output } = graph;
  const s = await session({ nodes, inputs, weights, opset, outputs: { y: output } }, provider);
  const feeds = Object.fromEntries(
    Object.entries(feedsOf(c, graph)).map(([name, { dims, data }]) => [name, new ort.Tensor('float32', data, dims)]),
  );
  return {
    storage: 'f32',
    async run(times) {
      for (let i = 0; i < times; i++) await s.run(feeds);
    },
    read: async () => inCaseLayout((await s.run(feeds)).y.data, graph),
    dispose: () => void s.release(),
  };
}

/** WebGPU provider: activations and output stay on the GPU; one element of the output comes to the CPU, which is what run() waits for. */
async function webgpuRunner(c: PeerCase, graph: Graph): Promise<Runner> {
  const { nodes, inputs, weights, opset, output } = graph;
  const first = output.map(() => 1);
  const index = (value: bigint): Weight => ({ dims: [output.length], data: new BigInt64Array(output.length).fill(value) });
  const probed: Model = {
    nodes: [...nodes, { op: 'Slice', inputs: ['y', 'from', 'to'], outputs: ['probe'] }],
    inputs,
    weights: { ...weights, from: index(0n), to: index(1n) },
    opset,
    outputs: { y: output, probe: first },
  };
  const s = await session(probed, 'webgpu', { preferredOutputLocation: { y: 'gpu-buffer', probe: 'cpu' } });
  const feeds: Record<string, { dispose(): void }> = {};
  for (const [name, { dims, data }] of Object.entries(feedsOf(c, graph))) {
    const upload = await negate(dims, 'gpu-buffer');
    feeds[name] = (
      await upload.run({
        x: new ort.Tensor(
          'float32',
          data.map((v) => -v),
          dims,
        ),
      })
    ).y;
  }
  const download = await negate(output, 'cpu');
  return {
    storage: 'f32',
    async run(times) {
      for (let i = 0; i < times; i++) (await s.run(feeds)).y.dispose();
    },
    async read() {
      const { y } = await s.run(feeds);
      const negated = (await download.run({ x: y })).y.data as Float32Array;
      y.dispose();
      return inCaseLayout(
        negated.map((v) => -v),
        graph,
      );
    },
    dispose() {
      for (const feed of Object.values(feeds)) feed.dispose();
      s.release();
    },
  };
}

export async function openOrt(provider: Provider): Promise<Engine> {
  const name = provider === 'wasm' ? 'onnxruntime-web' : 'onnxruntime-node';
  ort = require(name);
  const threads = availableParallelism();
  if (provider === 'wasm') ort.env.wasm.numThreads = threads;
  return {
    info: { engine: `${name} ${ort.env.versions.common}, ${provider} provider${provider === 'wasm' ? `, ${threads} threads` : ''}` },
    attempts: (c): Attempt[] =>
      graphsOf(c).map((graph) => ({
        variant: graph.variant,
        build: () => (provider === 'webgpu' ? webgpuRunner(c, graph) : cpuRunner(c, graph, provider)),
      })),
  };
}
