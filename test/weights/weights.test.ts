import { describe, expect, it } from 'vitest';
import { type ByteFolder, memorySource } from '../../src/platform/bytes.ts';
import { Checkpoint } from '../../src/weights/checkpoint.ts';
import { Weights } from '../../src/weights/weights.ts';
import { memoryFolder } from '../../tools/memory_folder.ts';
import { bytesOfArray, type TensorData, writeSafetensors } from '../../tools/safetensors_write.ts';

const tensor = (name: string, shape: number[], dtype: TensorData['dtype'] = 'F32'): TensorData => {
  const elements = shape.reduce((n, d) => n * d, 1);
  const bytes =
    dtype === 'F32'
      ? bytesOfArray(Float32Array.from({ length: elements }, (_, i) => i))
      : new Uint8Array(elements * (dtype === 'F64' ? 8 : 2));
  return { name, dtype, shape, bytes };
};
const openFile = (...tensors: TensorData[]) => Weights.open(memorySource('file', writeSafetensors(tensors)));

describe('scopes', () => {
  it('join names with dots and know their path', async () => {
    const weights = await openFile(tensor('lm.layers.0.norm.weight', [4]));
    const layer = weights.at('lm').at('layers.0');
    expect(layer.path).toBe('lm.layers.0');
    expect(layer.has('norm.weight')).toBe(true);
    expect(layer.has('norm.bias')).toBe(false);
    expect(layer.get('norm.weight', [4]).name).toBe('lm.layers.0.norm.weight');
    weights.check();
  });

  it('give one object per tensor, so that an upload can be shared', async () => {
    const weights = await openFile(tensor('embed.weight', [3, 2]));
    expect(weights.at('embed').get('weight', [3, 2])).toBe(weights.get('embed.weight', [3, 2]));
  });

  it('say of halves alone that the CPU keeps them so, where that is asked for', async () => {
    const file = memorySource('file', writeSafetensors([tensor('h', [2, 2], 'F16'), tensor('f', [2, 2])]));
    const kept = async (compact?: boolean) => {
      const weights = await Weights.open(file, { compact });
      return ['h', 'f'].map((name) => weights.get(name, [2, 2]).compact);
    };
    expect(await kept(true)).toEqual(['f16', undefined]);
    expect(await kept()).toEqual([undefined, undefined]);
  });

  it('read nothing before read(), then the values', async () => {
    const file = writeSafetensors([tensor('w', [2, 3])]);
    const reads: number[] = [];
    const memory = memorySource('file', file);
    const weights = await Weights.open({
      name: 'file',
      size: file.length,
      read(offset, length) {
        reads.push(offset);
        return memory.read(offset, length);
      },
    });
    const ref = weights.get('w', [2, 3]);
    expect(reads).toEqual([0]);
    expect(ref).toMatchObject({ shape: [2, 3], dtype: 'f32' });
    const values: number[] = [];
    for await (const { data } of ref.read()) values.push(...data);
    expect(values).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('say how each dtype is read', async () => {
    const weights = await openFile(tensor('h', [2], 'F16'), tensor('b', [2], 'BF16'), tensor('i', [2], 'I16'));
    expect(['h', 'b', 'i'].map((name) => weights.get(name, [2]).dtype)).toEqual(['f16', 'f32', 'i32']);
  });

  it('list an unusable dtype as a misfit; the stand-in cannot be read', async () => {
    const weights = await openFile(tensor('w', [2], 'F64'));
    const ref = weights.get('w', [2]);
    expect(() => ref.read()).toThrow('w: got dtype F64');
    expect(() => weights.check()).toThrow(
      /1 tensors do not fit the model:\n {2}w: got dtype F64, one of F32, .* is needed; expected \[2\]/,
    );
  });

  it('report what nobody asked for, in all or under a prefix', async () => {
    const weights = await openFile(tensor('a.x', [1]), tensor('a.y', [1]), tensor('ab.z', [1]));
    weights.at('a').get('x', [1]);
    expect(weights.unused()).toEqual(['a.y', 'ab.z']);
    expect(weights.unused('a')).toEqual(['a.y']);
  });

  it('a scalar is not a vector of one', async () => {
    const weights = await openFile(tensor('s', []), tensor('v', [1]));
    weights.get('s', []);
    weights.check();
    weights.get('v', []);
    expect(() => weights.check()).toThrow('v: got [1]; expected []');
  });
});

describe('shards', () => {
  function sharded(): { folder: ByteFolder; opened: string[] } {
    const files = new Map([
      ['lm.safetensors', writeSafetensors([tensor('lm.w', [2])])],
      ['vae.safetensors', writeSafetensors([tensor('vae.w', [3])])],
      [
        'model.safetensors.index.json',
        new TextEncoder().encode('{"metadata":{"total_size":20},"weight_map":{"lm.w":"lm.safetensors","vae.w":"vae.safetensors"}}'),
      ],
    ]);
    const memory = memoryFolder('model', files);
    const opened: string[] = [];
    const folder: ByteFolder = {
      name: 'model',
      open(file) {
        opened.push(file);
        return memory.open(file);
      },
    };
    return { opened, folder };
  }

  it('are opened only for the parts prepared, once', async () => {
    const { folder, opened } = sharded();
    const weights = await Weights.open(folder);
    await weights.prepare(['lm']);
    await Promise.all([weights.prepare(['lm']), weights.prepare(['lm'])]);
    expect(opened).toEqual(['model.safetensors.index.json', 'lm.safetensors']);
    weights.get('lm.w', [2]);
    expect(weights.unused()).toEqual([]);
    expect(weights.has('vae.w')).toBe(true);
    expect(() => weights.get('vae.w', [3])).toThrow('model: tensor "vae.w" is in shard vae.safetensors, which is not open');
    await weights.prepare();
    expect(opened).toHaveLength(3);
    weights.get('vae.w', [3]);
    weights.check();
  });

  it('are listed in the order of the index, however fast each comes', async () => {
    const { folder } = sharded();
    const late: ByteFolder = {
      name: 'model',
      open: async (file) => {
        if (file === 'lm.safetensors') await new Promise((later) => setTimeout(later, 20));
        return folder.open(file);
      },
    };
    const checkpoint = await Checkpoint.ofFolder(late);
    await checkpoint.open(() => true);
    expect(checkpoint.shards.map(({ source }) => source.name)).toEqual(['model/lm.safetensors', 'model/vae.safetensors']);
    expect([...checkpoint.openTensors()].map(({ name }) => name)).toEqual(['lm.w', 'vae.w']);
  });

  it('that failed to open can be tried again', async () => {
    const { folder } = sharded();
    let failures = 1;
    const flaky: ByteFolder = {
      name: 'model',
      open: (file) => (file === 'lm.safetensors' && failures-- > 0 ? Promise.reject(new Error('network')) : folder.open(file)),
    };
    const weights = await Weights.open(flaky);
    await expect(weights.prepare()).rejects.toThrow('network');
    await weights.prepare();
    weights.get('lm.w', [2]);
    weights.check();
  });
});
