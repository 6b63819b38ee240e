import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { MelodyError } from '../../src/errors.ts';
import { memorySource } from '../../src/platform/bytes.ts';
import { printable } from '../../src/weights/printable.ts';
import { readHeader } from '../../src/weights/safetensors.ts';
import { checkValues, readTensor } from '../../src/weights/tensor_stream.ts';
import reference from './reference_verdicts.json' with { type: 'json' };
import { VERDICT_FILES } from './verdict_files.ts';

async function readAll(bytes: Uint8Array, allowNonFinite = false) {
  const source = memorySource('file', bytes);
  const header = await readHeader(source);
  for (const tensor of header.tensors.values()) await checkValues(source, tensor, { allowNonFinite });
  return header;
}

async function faultOf(bytes: Uint8Array): Promise<unknown> {
  try {
    await readAll(bytes);
  } catch (error) {
    return error;
  }
  return undefined;
}

const fileOf = (id: number) => VERDICT_FILES[id - 1].bytes;

describe('the 72 safetensors verdicts', () => {
  it('are numbered 1 to 72', () => {
    expect(VERDICT_FILES.map(({ id }) => id)).toEqual(Array.from({ length: 72 }, (_, i) => i + 1));
  });

  for (const { id, title, bytes, fault } of VERDICT_FILES) {
    it(`${id} ${title}: ${fault ? 'refused' : 'accepted'}`, async () => {
      const error = await faultOf(bytes);
      if (!fault) return expect(error).toBeUndefined();
      expect(error).toBeInstanceOf(MelodyError);
      expect((error as MelodyError).code).toBe(id === 68 ? 'non_finite' : 'weights');
      expect((error as MelodyError).message).toMatch(fault);
    });
  }

  it(`the reference (Python safetensors ${reference.version}) gave the verdicts stated, on these very files`, () => {
    for (const { id, title, bytes, reference: stated } of VERDICT_FILES) {
      const row = reference.files.find((file) => file.id === id);
      expect(row?.sha256, `${id} ${title}`).toBe(createHash('sha256').update(bytes).digest('hex'));
      expect(row?.verdict, `${id} ${title}`).toBe(stated);
    }
  });

  it('we refuse whatever the reference refuses', () => {
    const laxer = VERDICT_FILES.filter(({ reference: stated, fault }) => stated === 'reject' && !fault);
    expect(laxer).toEqual([]);
  });
});

describe('what acceptance means', () => {
  it('59-61 names stay names: no prototype is touched, look-ups are exact', async () => {
    for (const [id, name] of [
      [59, '../../etc/passwd'],
      [60, '__proto__'],
      [61, 'constructor'],
    ] as const) {
      const { tensors } = await readAll(fileOf(id));
      expect([...tensors.keys()]).toEqual([name]);
      expect(tensors.get('toString')).toBeUndefined();
    }
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });

  it('62 controls are escaped when printed', async () => {
    const [name] = (await readAll(fileOf(62))).tensors.keys();
    expect(printable(name)).toBe('\\u{1b}[31mred\\u{202e}');
  });

  it('65 an unaligned F32 is read', async () => {
    const source = memorySource('file', fileOf(65));
    const tensor = (await readHeader(source)).tensors.get('w');
    if (!tensor) throw new Error('no tensor w');
    for await (const { data } of readTensor(source, tensor)) expect(data).toEqual(Float32Array.of(1));
  });

  it('68 NaN and infinity are read when allowed', async () => {
    expect((await readAll(fileOf(68), true)).tensors.size).toBe(1);
  });
});
