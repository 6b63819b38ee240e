// @jax-js/jax on WebGPU, eager and jitted. Arrays are moved on use: `.ref` keeps an input alive.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type * as Jax from '@jax-js/jax';
import type { Attempt, Engine, Runner } from '../harness/protocol.ts';
import { inputsOf, type PeerCase } from '../peer_cases.ts';
import { becomeBrowser } from './dawn.ts';

type Arr = Jax.Array;
type Compute = (...inputs: Arr[]) => Arr;

interface Built {
  variant: string;
  compute: Compute;
  inputs: Arr[];
}

function build(jax: typeof Jax, c: PeerCase): Built[] {
  const { numpy: np, nn, lax } = jax;
  const w = c.work;
  const i = inputsOf(c);
  const array = (data: Float32Array, shape: number[]) => np.array(data as Float32Array<ArrayBuffer>).reshape(shape);
  switch (w.op) {
    case 'matmul':
      return [{ variant: 'matmul', inputs: [array(i.x, [w.m, w.k]), array(i.w, [w.k, w.n])], compute: (x, b) => np.matmul(x, b) }];
    case 'softmax':
      return [{ variant: 'nn.softmax', inputs: [array(i.x, [w.rows, w.cols])], compute: (x) => nn.softmax(x, -1) }];
    case 'layer_norm':
      return [
        {
          variant: 'nn.standardize',
          inputs: [array(i.x, [w.rows, w.cols]), array(i.w, [w.cols]), array(i.b, [w.cols])],
          compute: (x, gain, bias) => nn.standardize(x, -1, { epsilon: w.eps }).mul(gain).add(bias),
        },
      ];
    case 'conv1d':
      return [
        {
          variant: 'lax.conv',
          inputs: [
            array(i.x, [1, w.inChannels, w.length]),
            array(i.w, [w.outChannels, w.inChannels, w.kernel]),
            array(i.b, [1, w.outChannels, 1]),
          ],
          compute: (x, filter, bias) =>
            lax.convGeneralDilated(x, filter, [w.stride], [[w.padding, w.padding]], { rhsDilation: [w.dilation] }).add(bias),
        },
      ];
    case 'conv_transpose1d':
      return [
        {
          variant: 'lax.convTranspose',
          inputs: [
            array(i.x, [1, w.inChannels, w.length]),
            array(i.w, [w.inChannels, w.outChannels, w.kernel]),
            array(i.b, [1, w.outChannels, 1]),
          ],
          // its `padding` cuts that many samples from both ends, as PyTorch's does
          compute: (x, filter, bias) =>
            lax.convTranspose(x, filter, [w.stride], [[w.padding, w.padding]], { transposeKernel: true }).add(bias),
        },
      ];
    case 'attention': {
      const shapes = [w.queries, w.keys, w.keys].map((length) => [w.heads, length, w.headDim]);
      const inputs = [i.q, i.k, i.v].map((data, at) => array(data, shapes[at]));
      const scale = 1 / Math.sqrt(w.headDim);
      return [
        {
          variant: 'matmul-softmax-matmul',
          inputs,
          compute: (q, k, v) => np.matmul(nn.softmax(np.matmul(q.mul(scale), np.matrixTranspose(k)), -1), v),
        },
        {
          variant: 'nn.dotProductAttention',
          inputs: inputs.map((x) => x.ref),
          compute: (q, k, v) => {
            const headsLast = (x: Arr) => np.transpose(x, [1, 0, 2]);
            return headsLast(nn.dotProductAttention(headsLast(q), headsLast(k), headsLast(v)));
          },
        },
      ];
    }
    case 'elementwise_chain':
      return [
        {
          variant: 'chain',
          inputs: [i.x, i.a, i.b].map((data) => array(data, [w.size])),
          compute: (x, a, b) => {
            let y = x;
            for (let step = 0; step < w.steps; step++) y = step % 2 === 0 ? y.mul(a.ref) : y.add(b.ref);
            a.dispose();
            b.dispose();
            return y;
          },
        },
      ];
  }
}

function runner(jax: typeof Jax, compute: Compute, inputs: Arr[]): Runner {
  const call = () => compute(...inputs.map((x) => x.ref));
  return {
    storage: 'f32',
    async run(times) {
      const ys = Array.from({ length: times }, call);
      await jax.blockUntilReady(ys); // a disposed lazy array never runs
      for (const y of ys) y.dispose();
    },
    read: async () => new Float32Array((await call().data()) as Float32Array),
    dispose() {
      for (const x of inputs) x.dispose();
    },
  };
}

export async function openJax(): Promise<Engine> {
  const adapter = await becomeBrowser();
  const jax = (await import('@jax-js/jax')) as typeof Jax;
  if (!(await jax.init()).includes('webgpu')) throw new Error('jax-js finds no webgpu device');
  jax.defaultDevice('webgpu');
  const entry = createRequire(import.meta.url).resolve('@jax-js/jax');
  const { version } = JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8'));
  return {
    info: { engine: `@jax-js/jax ${version}`, adapter },
    attempts: (c): Attempt[] =>
      build(jax, c).flatMap((built) => [
        { variant: `${built.variant}, eager`, build: async () => runner(jax, built.compute, built.inputs) },
        {
          variant: `${built.variant}, jit`,
          build: async () =>
            runner(
              jax,
              jax.jit(built.compute as never) as unknown as Compute,
              built.inputs.map((x) => x.ref),
            ),
        },
      ]),
  };
}
