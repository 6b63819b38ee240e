import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/platform/bytes.ts';
import { readHeader } from '../../src/weights/safetensors.ts';
import { bytesOfArray, writeSafetensors } from '../../tools/safetensors_write.ts';
import { frame } from './verdict_files.ts';

const read = (bytes: Uint8Array) => readHeader(memorySource('file', bytes));

describe('reading a header', () => {
  it('gives the tensors in the order of their bytes, with places in the file', async () => {
    const entry = (begin: number, end: number) => `{"dtype":"U8","shape":[${end - begin}],"data_offsets":[${begin},${end}]}`;
    const file = frame(`{"late":${entry(3, 5)},"__metadata__":{"k":"v"},"early":${entry(0, 3)}}`, 5);
    const { tensors, metadata } = await read(file);
    const start = file.length - 5;
    expect([...tensors.values()]).toEqual([
      { name: 'early', dtype: 'U8', shape: [3], begin: start, end: start + 3 },
      { name: 'late', dtype: 'U8', shape: [2], begin: start + 3, end: start + 5 },
    ]);
    expect([...metadata]).toEqual([['k', 'v']]);
  });

  it('takes one read where the header fits 64 KiB and two where it does not, never more than header and that', async () => {
    for (const [count, expected] of [
      [10, 1],
      [2000, 2],
    ] as const) {
      const tensors = Array.from(
        { length: count },
        (_, i) => ({ name: `tensor ${i}`, dtype: 'F32', shape: [1], bytes: bytesOfArray(Float32Array.of(i)) }) as const,
      );
      const memory = memorySource('file', writeSafetensors(tensors));
      const reads: number[] = [];
      const header = await readHeader({
        name: 'file',
        size: memory.size,
        read(offset, length) {
          reads.push(length);
          return memory.read(offset, length);
        },
      });
      expect(header.tensors.size).toBe(count);
      expect(reads).toHaveLength(expected);
      expect(reads[0]).toBe(Math.min(memory.size, 65_536));
    }
  });

  it('refuses a product past 2^48 also beside a zero, which the reference accepts in some orders', async () => {
    const shape = (dims: string) => frame(`{"w":{"dtype":"U8","shape":[${dims}],"data_offsets":[0,0]}}`);
    await expect(read(shape('0,1099511627776,1099511627776'))).rejects.toThrow('more than 2^48 elements');
    await expect(read(shape('1099511627776,1099511627776,0'))).rejects.toThrow('more than 2^48 elements');
    expect((await read(shape('281474976710656,0'))).tensors.size).toBe(1);
  });

  it('refuses more than 4096 keys of metadata', async () => {
    const keys = (count: number) => frame(`{"__metadata__":{${Array.from({ length: count }, (_, i) => `"${i}":""`).join(',')}}}`);
    expect((await read(keys(4096))).metadata.size).toBe(4096);
    await expect(read(keys(4097))).rejects.toThrow('more than 4096 keys in __metadata__');
  });

  it('passes the abort signal on', async () => {
    await expect(readHeader(memorySource('file', frame('{}')), AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
  });

  it('escapes names in messages', async () => {
    await expect(read(frame('{"\\u001b[2J":{}}'))).rejects.toThrow('file: header: tensor "\\u{1b}[2J": no dtype, at character 15');
  });
});
