// A GPU that says it has no memory for some buffers.
import type { Gpu } from '../../src/gpu/device.ts';

/** From now on buffers for which `refused` says so are reported as out of memory. */
export function refuseBuffers({ device }: Gpu, refused: (buffer: GPUBufferDescriptor) => boolean): void {
  const create = device.createBuffer.bind(device);
  const pop = device.popErrorScope.bind(device);
  let told = false; // the scope of the buffer just made
  device.createBuffer = (descriptor) => {
    told = refused(descriptor);
    return create(descriptor);
  };
  device.popErrorScope = async () => {
    const mine = told;
    told = false;
    const error = await pop();
    return mine ? ({ message: 'not enough memory left' } as GPUError) : error;
  };
}
