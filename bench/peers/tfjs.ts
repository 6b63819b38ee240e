// @tensorflow/tfjs-backend-webgpu. Convolutions get its native channels-last layout, transposed on the host beforehand.
import type * as Tf from '@tensorflow/tfjs-core';
import type { Engine, Runner } from '../harness/protocol.ts';
import { inputsOf, type PeerCase } from '../peer_cases.ts';
import { transpose } from '../transpose.ts';
import { becomeBrowser } from './dawn.ts';

interface Built {
  compute(): Tf.Tensor;
  /** Output into the case's layout. */
  layout?(y: Float32Array): Float32Array;
}

function build(tf: typeof Tf, c: PeerCase): Built {
  const w = c.work;
  const i = inputsOf(c);
  switch (w.op) {
    case 'matmul': {
      const x = tf.tensor2d(i.x, [w.m, w.k]);
      const b = tf.tensor2d(i.w, [w.k, w.n]);
      return { compute: () => tf.matMul(x, b) };
    }
    case 'softmax': {
      const x = tf.tensor2d(i.x, [w.rows, w.cols]);
      return { compute: () => tf.softmax(x) };
    }
    case 'layer_norm': {
      const x = tf.tensor2d(i.x, [w.rows, w.cols]);
      const gain = tf.tensor1d(i.w);
      const bias = tf.tensor1d(i.b);
      return {
        compute() {
          const { mean, variance } = tf.moments(x, -1, true);
          return tf.add(tf.mul(tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, w.eps))), gain), bias);
        },
      };
    }
    case 'conv1d': {
      const x = tf.tensor3d(transpose(i.x, [w.inChannels, w.length], [1, 0]), [1, w.length, w.inChannels]);
      const filter = tf.tensor3d(transpose(i.w, [w.outChannels, w.inChannels, w.kernel], [2, 1, 0]), [
        w.kernel,
        w.inChannels,
        w.outChannels,
      ]);
      const bias = tf.tensor1d(i.b);
      return {
        compute: () => tf.add(tf.conv1d(x, filter, w.stride, 'same', 'NWC', w.dilation), bias),
        layout: (y) => transpose(y, [y.length / w.outChannels, w.outChannels], [1, 0]),
      };
    }
    case 'conv_transpose1d': {
      const out = w.length * w.stride;
      const x = tf.tensor4d(transpose(i.x, [w.inChannels, w.length], [1, 0]), [1, 1, w.length, w.inChannels]);
      const filter = tf.tensor4d(transpose(i.w, [w.inChannels, w.outChannels, w.kernel], [2, 1, 0]), [
        1,
        w.kernel,
        w.outChannels,
        w.inChannels,
      ]);
      const bias = tf.tensor1d(i.b);
      return {
        compute: () => tf.add(tf.conv2dTranspose(x, filter, [1, 1, out, w.outChannels], [1, w.stride], 'same'), bias),
        layout: (y) => transpose(y, [out, w.outChannels], [1, 0]),
      };
    }
    case 'attention': {
      const q = tf.tensor3d(i.q, [w.heads, w.queries, w.headDim]);
      const k = tf.tensor3d(i.k, [w.heads, w.keys, w.headDim]);
      const v = tf.tensor3d(i.v, [w.heads, w.keys, w.headDim]);
      const scale = 1 / Math.sqrt(w.headDim);
      return { compute: () => tf.matMul(tf.softmax(tf.matMul(tf.mul(q, scale), k, false, true)), v) };
    }
    case 'elementwise_chain': {
      const [x, a, b] = [i.x, i.a, i.b].map((data) => tf.tensor1d(data));
      return {
        compute() {
          let y: Tf.Tensor = x;
          for (let step = 0; step < w.steps; step++) y = step % 2 === 0 ? tf.mul(y, a) : tf.add(y, b);
          return y;
        },
      };
    }
  }
}

interface WebGpuBackend {
  device: GPUDevice;
  endComputePassEncoder(): void;
  submitQueue(): void;
}

export async function openTfjs(): Promise<Engine> {
  const adapter = await becomeBrowser();
  const tf = await import('@tensorflow/tfjs-core');
  await import('@tensorflow/tfjs-backend-webgpu');
  await tf.setBackend('webgpu');
  await tf.ready();
  const backend = tf.backend() as unknown as WebGpuBackend;
  const runner = (c: PeerCase): Runner => {
    tf.engine().startScope();
    const { compute, layout } = build(tf as typeof Tf, c);
    return {
      storage: 'f32',
      async run(times) {
        for (let i = 0; i < times; i++) tf.tidy(compute).dispose();
        backend.endComputePassEncoder(); // without it submitQueue() leaves the open pass behind
        backend.submitQueue();
        await backend.device.queue.onSubmittedWorkDone();
      },
      async read() {
        const y = tf.tidy(compute);
        const data = new Float32Array(await y.data());
        y.dispose();
        return layout ? layout(data) : data;
      },
      dispose: () => tf.engine().endScope(),
    };
  };
  return {
    info: { engine: `tfjs-backend-webgpu ${tf.version_core}`, adapter },
    attempts: (c) => [{ variant: 'eager', build: async () => runner(c) }],
  };
}
