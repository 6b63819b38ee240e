import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { platform } from '#platform';
import { Gpu } from '../../src/gpu/device.ts';
import * as K from '../../src/kernels.gen.ts';
import { useGpu } from '../helpers/gpu.ts';

const gpu = useGpu();

it('kernels of one name and other text have pipelines of their own', async () => {
  const other = { ...K.mul, source: K.mul.source.replace('a[i]*b[j]', 'a[i]*b[j]+1.0') };
  expect(other.source).not.toBe(K.mul.source);
  expect(await gpu().pipeline(other, {})).not.toBe(await gpu().pipeline(K.mul, {}));
  expect(await gpu().pipeline({ ...K.mul }, {})).toBe(await gpu().pipeline(K.mul, {}));
});

describe('bind-group layouts', () => {
  it('one for kernels of the same bindings and the same size of Params; the size is part of it, for wgpu', () => {
    const { count_non_finite: four, mul: other } = K;
    const longer = { ...four, params: { ...four.params, b: 'u32', c: 'u32', d: 'u32', e: 'u32' } } as const;
    expect(gpu().bindGroupLayout(four)).toBe(gpu().bindGroupLayout({ ...other, bindings: four.bindings }));
    expect(gpu().bindGroupLayout(longer)).not.toBe(gpu().bindGroupLayout(four));
  });
});

/** An entry point whose first `refusals` adapters give no device. */
async function grudging(refusals: number) {
  const real = await platform.openGpu();
  const asked: (GPUDeviceDescriptor | undefined)[] = [];
  const requestAdapter: GPU['requestAdapter'] = async (options) => {
    const adapter = (await real.requestAdapter(options)) as GPUAdapter;
    const requestDevice: GPUAdapter['requestDevice'] = async (descriptor) => {
      asked.push(descriptor);
      if (asked.length <= refusals) throw new DOMException('the driver says no', 'OperationError');
      return adapter.requestDevice(descriptor);
    };
    return { features: adapter.features, limits: adapter.limits, info: adapter.info, requestDevice } as GPUAdapter;
  };
  return { entry: { requestAdapter } as GPU, asked };
}

describe('Gpu.open', () => {
  it('an adapter that refuses its own limits and features is opened within the defaults, and says so', async () => {
    const { entry, asked } = await grudging(1);
    const own = await Gpu.open(entry);
    const { name, f16, timestamps, storageBinding } = own.caps;
    own.dispose();
    expect(name).toMatch(/ \(within default limits: it refused its own\)$/);
    expect({ f16, timestamps, storageBinding }).toEqual({ f16: false, timestamps: false, storageBinding: 2 ** 27 });
    expect(Object.keys(asked[0]?.requiredLimits ?? {})).not.toEqual([]);
    expect(asked[1]).toEqual({ label: 'melody' });
  });

  it('an adapter that gives no device at all is a MelodyError with the reason and a hint', async () => {
    const { entry, asked } = await grudging(2);
    await expect(Gpu.open(entry)).rejects.toMatchObject({
      name: 'MelodyError',
      code: 'no_adapter',
      message: "the adapter gave no device, with its own limits or with WebGPU's minimum: the driver says no",
      hint: expect.stringContaining('update the GPU driver'),
    });
    expect(asked).toHaveLength(2);
  });
});

it('a disposed GPU can be collected: a server that loads and disposes of models does not gather their threads', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const openAndDispose = async () => {
    const gpu = await Gpu.open(await platform.openGpu());
    gpu.dispose();
    await gpu.lost;
    return new WeakRef(gpu);
  };
  const gone = await openAndDispose();
  for (let i = 0; i < 50 && gone.deref(); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    collect();
  }
  expect(gone.deref()).toBe(undefined);
});
