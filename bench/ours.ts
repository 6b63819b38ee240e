// The measuring process of our own engine: node ours.mjs melody|melody-f16.
import { platform } from '#platform';
import { runAndWait } from '../src/cli/bench/measure.ts';
import { prepareOwn, storagesOf } from '../src/cli/bench/own.ts';
import { Gpu } from '../src/gpu/device.ts';
import type { Engine } from './harness/protocol.ts';
import { serve } from './harness/worker.ts';

async function open(): Promise<Engine> {
  const half = process.argv[2] === 'melody-f16';
  const gpu = await Gpu.open(await platform.openGpu());
  return {
    info: { engine: half ? 'melody, weights stored as f16' : 'melody', adapter: gpu.caps.name },
    attempts: (c) => {
      const storage = half ? (storagesOf(c).at(-1) as 'f32' | 'f16') : 'f32';
      return [
        {
          variant: storage,
          async build() {
            const { plan, read, dispose } = await prepareOwn(gpu, c, storage);
            return { storage, read, dispose, run: (times) => runAndWait(plan, times) };
          },
        },
      ];
    },
  };
}

serve(open);
