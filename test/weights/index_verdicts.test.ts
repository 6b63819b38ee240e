// The 22 index and config files of docs/requirements.md §2.2, each a named test.
import { linkSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MelodyError } from '../../src/errors.ts';
import { diskFolder } from '../../src/platform/node_files.ts';
import { readConfig } from '../../src/weights/config.ts';
import { Weights } from '../../src/weights/weights.ts';
import { memoryFolder } from '../../tools/memory_folder.ts';
import { bytesOfArray, type TensorData, writeSafetensors } from '../../tools/safetensors_write.ts';

const tensor = (name: string, ...values: number[]): TensorData => ({
  name,
  dtype: 'F32',
  shape: [values.length],
  bytes: bytesOfArray(Float32Array.from(values)),
});
const shardOf = (...tensors: TensorData[]) => writeSafetensors(tensors);
const A = 'model-00001-of-00002.safetensors';
const B = 'model-00002-of-00002.safetensors';
const SHARDS = { [A]: shardOf(tensor('a', 1)), [B]: shardOf(tensor('b', 2, 3)) };
const indexOf = (weight_map: unknown, total_size = 12) => JSON.stringify({ metadata: { total_size }, weight_map });

function folder(files: Record<string, string | Uint8Array>) {
  const entries = Object.entries(files).map(
    ([name, data]) => [name, typeof data === 'string' ? new TextEncoder().encode(data) : data] as const,
  );
  return memoryFolder('model', new Map(entries));
}

async function openAll(index: string, shards: Record<string, Uint8Array> = SHARDS): Promise<Weights> {
  const weights = await Weights.open(folder({ 'model.safetensors.index.json': index, ...shards }));
  await weights.prepare();
  return weights;
}

function refused(title: string, index: string, fault: RegExp, shards?: Record<string, Uint8Array>) {
  it(`${title}: refused`, async () => {
    const error = await openAll(index, shards).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(MelodyError);
    expect((error as MelodyError).code).toBe('weights');
    expect((error as MelodyError).message).toMatch(fault);
  });
}

const temporary = mkdtempSync(join(tmpdir(), 'melody-index-'));
afterAll(() => rmSync(temporary, { recursive: true }));

describe('model.safetensors.index.json', () => {
  it('a good index opens, and its tensors are found in their shards', async () => {
    const weights = await openAll(indexOf({ a: A, b: B }));
    const pieces = [];
    for await (const { data } of weights.get('b', [2]).read()) pieces.push([...data]);
    expect(pieces).toEqual([[2, 3]]);
    weights.check();
    expect(weights.unused()).toEqual(['a']);
  });

  refused('1 not JSON', 'weight_map: a', /expected the index as "\{"/);
  refused('2 no weight_map', '{"metadata":{"total_size":12}}', /no weight_map/);
  const badNames: [number, string, string][] = [
    [3, 'shard with ../', '../secret.safetensors'],
    [4, 'absolute shard', '/etc/secret.safetensors'],
    [5, 'shard on C:\\', 'C:\\secret.safetensors'],
    [6, 'shard on a UNC share', '\\\\host\\share\\secret.safetensors'],
    [7, 'shard with %2e%2e', '%2e%2e%2fsecret.safetensors'],
    [8, 'shard as file:', 'file:///secret.safetensors'],
    [9, 'shard with NUL', 'a\0.safetensors'],
  ];
  for (const [id, title, shard] of badNames) refused(`${id} ${title}`, indexOf({ a: shard }), /is not a plain file name/);
  refused('10 missing shard', indexOf({ a: A, b: B }), new RegExp(`shard ${B} is missing`), { [A]: SHARDS[A] });
  refused(
    '11 one shard in two cases',
    indexOf({ a: A, b: A.toUpperCase().replace('SAFETENSORS', 'safetensors') }),
    /one file where case does not count/,
  );
  refused('12 tensor listed but absent', indexOf({ a: A, b: B, c: B }), /"c" is in the index but not in the file/);
  refused('13 tensor present but unlisted', indexOf({ a: A, b: B }), /"extra" is in the file but not in the index/, {
    ...SHARDS,
    [B]: shardOf(tensor('b', 2, 3), tensor('extra', 4)),
  });
  refused('14 tensor in two shards', indexOf({ a: A, b: B }), new RegExp(`"a" is in the file, but the index places it in ${A}`), {
    ...SHARDS,
    [B]: shardOf(tensor('b', 2, 3), tensor('a', 9)),
  });
  refused('14 tensor in two shards by a key given twice', `{"weight_map":{"a":"${A}","a":"${B}"}}`, /duplicate key "a" in weight_map/);
  refused('15 total_size too large', indexOf({ a: A, b: B }, 16), /total_size is wrong; got 16, the shards hold 12 bytes/);
  refused('15 total_size too small', indexOf({ a: A, b: B }, 8), /total_size is wrong; got 8, the shards hold 12 bytes/);
  refused(
    '16 100,000 shards',
    indexOf(Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`t${i}`, `model-${i}-of-100000.safetensors`]))),
    /more than 1024 shards/,
  );
  refused('17 weight_map value not a string', indexOf({ a: 1 }), /expected a shard name as a string/);
  refused('20 empty map', indexOf({}), /weight_map is empty/);
  refused('an unknown field', `{"weight_map":{"a":"${A}"},"base":"https://example.org"}`, /unknown field "base"/);
  refused('a damaged shard', indexOf({ a: A, b: B }), /model-00002-of-00002.safetensors: the file is cut short/, {
    ...SHARDS,
    [B]: SHARDS[B].subarray(0, SHARDS[B].length - 1),
  });

  for (const [id, title, link] of [
    [18, 'symlinked', symlinkSync],
    [19, 'hardlinked', linkSync],
  ] as const) {
    // The Hugging Face cache stores every file as a link. What a link leads to passes the same checks as any file, is only read, and
    // cannot stand for two shards, since each tensor has one home.
    it(`${id} ${title} shard: accepted; as two shards: refused`, async () => {
      const path = mkdtempSync(join(temporary, 'm-'));
      writeFileSync(join(path, 'blob'), shardOf(tensor('a', 1)));
      writeFileSync(join(path, 'model.safetensors.index.json'), indexOf({ a: A }, 4));
      link(join(path, 'blob'), join(path, A));
      const weights = await Weights.open(diskFolder(path));
      await weights.prepare();
      for await (const { data } of weights.get('a', [1]).read()) expect([...data]).toEqual([1]);

      link(join(path, 'blob'), join(path, B));
      writeFileSync(join(path, 'model.safetensors.index.json'), indexOf({ a: A, b: B }, 8));
      const twice = await Weights.open(diskFolder(path));
      await expect(twice.prepare()).rejects.toMatchObject({
        code: 'weights',
        message: expect.stringContaining(`the index places it in ${A}`),
      });
    });
  }

  it('an index over the size limit is refused unread', async () => {
    const huge = { name: 'model/index', size: 33 * 1024 * 1024, read: () => Promise.reject(new Error('was read')) };
    const place = { name: 'model', open: async () => huge };
    await expect(Weights.open(place)).rejects.toMatchObject({ code: 'weights', message: expect.stringContaining('expected at most') });
  });

  it('a folder without weights says which files it looked for', async () => {
    await expect(Weights.open(folder({}))).rejects.toThrow('model: neither model.safetensors.index.json nor model.safetensors is there');
  });
});

describe('config.json', () => {
  const read = (text: string) => readConfig(folder({ 'config.json': text }));

  it('a good one is read', async () => {
    expect(await read('{"model_type":"melody","rate":16000.0,"parts":{"lm":{"layers":[1,2]}}}')).toMatchObject({
      rate: 16_000,
      parts: { lm: { layers: [1, 2] } },
    });
  });

  const bad: [string, string, RegExp][] = [
    ['21 unknown model_type', '{"model_type":"llama"}', /unknown model_type; got "llama", expected "melody"/],
    ['21 no model_type', '{}', /unknown model_type; got none/],
    ['21 model_type not a string', '{"model_type":1}', /unknown model_type; got 1/],
    ['not JSON', 'model_type = melody', /expected the document as a JSON value/],
    ['a list', '[]', /expected a JSON object; got a list/],
    ['key twice', '{"model_type":"melody","model_type":"melody"}', /duplicate key "model_type"/],
    ['1 MiB of spaces', `{"model_type":"melody"}${' '.repeat(1024 * 1024)}`, /expected at most 1048576/],
  ];
  for (const [title, text, fault] of bad) {
    it(`${title}: refused`, async () => {
      await expect(read(text)).rejects.toMatchObject({ code: 'weights', message: expect.stringMatching(fault) });
    });
  }

  it('none: refused', async () => {
    await expect(readConfig(folder({}))).rejects.toMatchObject({ code: 'weights', message: 'model: no config.json' });
  });

  it('22 sizes that disagree with the weights: all misfits at once', async () => {
    const weights = await openAll(indexOf({ a: A, b: B }));
    weights.get('a', [2]);
    weights.at('b').get('bias', [1]);
    weights.get('b', [2, 1]);
    const error = await Promise.resolve()
      .then(() => weights.check())
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'weights' });
    expect((error as MelodyError).message).toBe(
      'model: 3 tensors do not fit the model:\n  a: got [1]; expected [2]\n  b.bias: missing; expected [1]\n  b: got [2]; expected [2, 1]',
    );
  });
});
