import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/platform/bytes.ts';
import { readHeader } from '../../src/weights/safetensors.ts';
import { bytesOfArray, type TensorData, writeSafetensors } from '../../tools/safetensors_write.ts';

const f32 = (name: string, ...values: number[]): TensorData => ({
  name,
  dtype: 'F32',
  shape: [values.length],
  bytes: bytesOfArray(Float32Array.from(values)),
});

describe('safetensors writer', () => {
  it('writes byte for byte what the reference writes (tools/reference_file.py)', async () => {
    const reference = new Uint8Array(readFileSync(new URL('./data/reference.safetensors', import.meta.url)));
    const { tensors, metadata } = await readHeader(memorySource('reference', reference));
    expect(tensors.size).toBe(25);
    const shuffled = [...tensors.values()].sort((a, b) => (a.name < b.name ? 1 : -1));
    const again = shuffled.map(({ name, dtype, shape, begin, end }) => ({ name, dtype, shape, bytes: reference.subarray(begin, end) }));
    expect(Buffer.from(writeSafetensors(again, Object.fromEntries(metadata))).equals(reference)).toBe(true);
  });

  it('aligns the data to 8 bytes and is deterministic', async () => {
    for (const name of ['a', 'ab', 'abc', 'abcd', 'abcde', 'abcdef', 'abcdefg', 'abcdefgh']) {
      const file = writeSafetensors([f32(name, 1, 2)], { z: '1', a: '2' });
      const tensor = (await readHeader(memorySource('file', file))).tensors.get(name);
      expect((tensor?.begin ?? 1) % 8).toBe(0);
      expect(writeSafetensors([f32(name, 1, 2)], { a: '2', z: '1' })).toEqual(file);
    }
  });

  it('an empty list gives an empty file that reads', async () => {
    expect((await readHeader(memorySource('file', writeSafetensors([])))).tensors.size).toBe(0);
  });

  it('metadata comes back', async () => {
    const { metadata } = await readHeader(memorySource('file', writeSafetensors([], { licence: 'CC0 "zero"\n' })));
    expect([...metadata]).toEqual([['licence', 'CC0 "zero"\n']]);
  });

  it('refuses what the reader would refuse', () => {
    const refusals: [TensorData[], string][] = [
      [[f32('', 1)], 'empty, reserved or taken'],
      [[f32('__metadata__', 1)], 'empty, reserved or taken'],
      [[f32('a', 1), f32('a', 2)], 'empty, reserved or taken'],
      [[f32('a\0', 1)], 'empty, reserved or taken'],
      [[f32('\ud800', 1)], 'lone surrogate'],
      [[{ ...f32('a', 1), shape: [2] }], 'got 4 bytes, expected 8'],
      [[{ ...f32('a', 1), shape: [-1, -1] }], 'bad shape'],
      [[{ ...f32('a', 1), shape: [0.5, 2] }], 'bad shape'],
    ];
    for (const [tensors, fault] of refusals) expect(() => writeSafetensors(tensors), fault).toThrow(fault);
  });
});
