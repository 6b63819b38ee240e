// A GPU that has no memory for some buffers: what it hands out then exists in name only, as with a real one.
import type { Gpu } from '../../src/gpu/device.ts';

/** From now on buffers for which `refused` says so are reported as out of memory. */
export function refuseBuffers({ device }: Gpu, refused: (buffer: GPUBufferDescriptor) => boolean): void {
  const create = device.createBuffer.bind(device);
  const pop = device.popErrorScope.bind(device);
  let told = false; // the scope of the buffer just made
  device.createBuffer = (descriptor) => {
    told = refused(descriptor);
    if (!told) return create(descriptor);
    device.pushErrorScope('validation');
    const invalid = create({ ...descriptor, usage: 0 });
    void pop().catch(() => {});
    return invalid;
  };
  device.popErrorScope = async () => {
    const mine = told;
    told = false;
    const error = await pop();
    return mine ? ({ message: 'not enough memory left' } as GPUError) : error;
  };
}
