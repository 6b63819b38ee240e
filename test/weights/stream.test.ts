import { describe, expect, it } from 'vitest';
import { type ByteSource, memorySource } from '../../src/platform/bytes.ts';
import { type Dtype, readHeader } from '../../src/weights/safetensors.ts';
import { checkValues, PIECE_BYTES, readTensor } from '../../src/weights/tensor_stream.ts';
import { bytesOfArray, writeSafetensors } from '../../tools/safetensors_write.ts';

async function fileOf(dtype: Dtype, shape: number[], values: ArrayBufferView, wrap = (source: ByteSource) => source) {
  const source = wrap(memorySource('file', writeSafetensors([{ name: 'w', dtype, shape, bytes: bytesOfArray(values) }])));
  const tensor = (await readHeader(source)).tensors.get('w');
  if (!tensor) throw new Error('no tensor w');
  return { source, tensor };
}

/** All elements, and the sizes of the pieces; pieces must follow each other without a gap. */
async function read(dtype: Dtype, values: ArrayBufferView & { length: number }, options?: { allowNonFinite?: boolean }) {
  const { source, tensor } = await fileOf(dtype, [values.length], values);
  const elements: number[] = [];
  const sizes: number[] = [];
  for await (const { offset, data } of readTensor(source, tensor, options)) {
    expect(offset).toBe(elements.length);
    for (const value of data) elements.push(value);
    sizes.push(data.byteLength);
  }
  return { elements, sizes };
}

describe('reading values', () => {
  it('F32 and F16 come as they are', async () => {
    expect((await read('F32', Float32Array.of(1.5, -0, 2 ** -149))).elements).toEqual([1.5, -0, 2 ** -149]);
    expect((await read('F16', Uint16Array.of(1, 0x3c00, 0x8000))).elements).toEqual([1, 0x3c00, 0x8000]);
  });

  it('BF16 widens exactly, subnormals too', async () => {
    const values = Float32Array.of(1, -3.140625, 2 ** -133, -0);
    const halves = Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16);
    expect((await read('BF16', halves)).elements).toEqual([...values]);
  });

  it('whole numbers of every width', async () => {
    expect((await read('I32', Int32Array.of(-(2 ** 31), 7))).elements).toEqual([-(2 ** 31), 7]);
    expect((await read('U32', Uint32Array.of(2 ** 32 - 1, 7))).elements).toEqual([2 ** 32 - 1, 7]);
    expect((await read('I16', Int16Array.of(-32_768, 32_767))).elements).toEqual([-32_768, 32_767]);
    expect((await read('U16', Uint16Array.of(65_535, 1))).elements).toEqual([65_535, 1]);
    expect((await read('I8', Int8Array.of(-128, 127))).elements).toEqual([-128, 127]);
    expect((await read('U8', Uint8Array.of(255, 2))).elements).toEqual([255, 2]);
    expect((await read('BOOL', Uint8Array.of(0, 1, 1))).elements).toEqual([0, 1, 1]);
  });

  it('I64 where it fits 32 bits, and says which element does not', async () => {
    const edge = BigInt64Array.of(-(2n ** 31n), 2n ** 31n - 1n, 0n, -1n);
    expect((await read('I64', edge)).elements).toEqual([...edge].map(Number));
    for (const value of [2n ** 31n, -(2n ** 31n) - 1n, 2n ** 32n, -(2n ** 63n)]) {
      await expect(read('I64', BigInt64Array.of(0n, value))).rejects.toMatchObject({
        code: 'weights',
        message: 'file: tensor "w" I64 [2] does not fit 32 bits at element 1',
      });
    }
  });

  it('refuses dtypes that are only listed', async () => {
    await expect(read('F64', Float64Array.of(1))).rejects.toMatchObject({
      code: 'weights',
      message: expect.stringMatching(/F64 \[1\] cannot be read/),
    });
  });

  it('finds NaN and infinity in every float type by their bits, and lets them pass when allowed', async () => {
    const cases: [Dtype, ArrayBufferView & { length: number }, number][] = [
      ['F32', Uint32Array.of(0x7f7fffff, 0, 0xff800000), 2],
      ['F32', Uint32Array.of(0x7f800001), 0],
      ['F16', Uint16Array.of(0x7bff, 0xfc00), 1],
      ['BF16', Uint16Array.of(0x7f7f, 0x7f81), 1],
    ];
    for (const [dtype, values, at] of cases) {
      await expect(read(dtype, values), dtype).rejects.toMatchObject({
        code: 'non_finite',
        message: expect.stringContaining(`is NaN or infinite at element ${at}`),
        hint: expect.stringContaining('--allow-nonfinite'),
      });
      expect((await read(dtype, values, { allowNonFinite: true })).elements).toHaveLength(values.length);
    }
    const listed: [Dtype, number[], ArrayBufferView, number][] = [
      ['F64', [3], Float64Array.of(1, -1e308, Number.NaN), 2],
      ['C64', [2], Float32Array.of(1, 2, 3, Infinity), 1],
    ];
    for (const [dtype, shape, values, at] of listed) {
      const { source, tensor } = await fileOf(dtype, shape, values);
      await expect(checkValues(source, tensor)).rejects.toThrow(`is NaN or infinite at element ${at}`);
    }
  });

  it('keeps pieces at 4 MiB or less, stored and converted, and memory flat', async () => {
    const reads: number[] = [];
    const watch = (source: ByteSource): ByteSource => ({
      name: source.name,
      size: source.size,
      read(offset, length) {
        reads.push(length);
        return source.read(offset, length);
      },
    });
    const count = PIECE_BYTES + 12_345;
    for (const [dtype, values] of [
      ['BF16', new Uint16Array(count)],
      ['F16', new Uint16Array(count)],
      ['U8', new Uint8Array(count)],
    ] as const) {
      values[count - 1] = 1;
      const { source, tensor } = await fileOf(dtype, [count], values, watch);
      let next = 0;
      let last = 0;
      for await (const { offset, data } of readTensor(source, tensor)) {
        expect(offset).toBe(next);
        expect(data.byteLength).toBeLessThanOrEqual(PIECE_BYTES);
        expect(offset % 2).toBe(0);
        next += data.length;
        last = data[data.length - 1];
      }
      expect(next, dtype).toBe(count);
      expect(last, dtype).toBe(dtype === 'BF16' ? 2 ** -133 : 1);
    }
    expect(Math.max(...reads)).toBeLessThanOrEqual(PIECE_BYTES);
  });

  it('an empty tensor gives no pieces', async () => {
    expect(await read('F32', new Float32Array(0))).toEqual({ elements: [], sizes: [] });
  });

  it('passes the abort signal to the source and stops', async () => {
    const { source, tensor } = await fileOf('F32', [2], Float32Array.of(1, 2));
    const signal = AbortSignal.abort();
    await expect(readTensor(source, tensor, { signal }).next()).rejects.toMatchObject({ code: 'aborted' });
  });

  it('a failing read surfaces as itself, not as an unhandled rejection of the piece read ahead', async () => {
    const count = PIECE_BYTES;
    const failing = (source: ByteSource): ByteSource => ({
      ...source,
      read: (offset, length) => (offset > PIECE_BYTES ? Promise.reject(new Error('disk gone')) : source.read(offset, length)),
    });
    const { source, tensor } = await fileOf('F32', [count], new Float32Array(count), failing);
    const pieces = readTensor(source, tensor);
    await pieces.next();
    await expect(pieces.next()).rejects.toThrow('disk gone');
  });
});
