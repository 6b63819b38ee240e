import { createHash } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Io } from '../../src/cli/command.ts';
import { inspect } from '../../src/cli/inspect.ts';
import { modelMisfits } from '../../src/cli/inspect_model.ts';
import { openModel } from '../../src/pipeline/model.ts';
import { diskFolder } from '../../src/platform/node_files.ts';
import { randomWeights } from '../../src/weights/random_weights.ts';
import { scopeAt, type WeightSource } from '../../src/weights/weights.ts';
import { bytesOfArray, type TensorData, writeSafetensors } from '../../tools/safetensors_write.ts';

const folder = mkdtempSync(join(tmpdir(), 'melody-inspect-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function run(words: string[], values: Record<string, boolean> = {}) {
  const said: (string | Uint8Array)[] = [];
  const io: Io = { out: (data) => said.push(data), err: () => {}, terminal: false, env: {}, signal: new AbortController().signal };
  const code = await inspect.run(words, values, io);
  return { code, out: said.join('') };
}

const f32 = (name: string, ...values: number[]): TensorData => ({
  name,
  dtype: 'F32',
  shape: [values.length],
  bytes: bytesOfArray(Float32Array.from(values)),
});

function file(name: string, ...tensors: TensorData[]): string {
  const path = join(folder, name);
  writeFileSync(path, writeSafetensors(tensors, { licence: 'CC0-1.0' }));
  return path;
}

describe('melody inspect <file>', () => {
  it('lists tensors, sizes, metadata and the SHA-256', async () => {
    const path = file('good.safetensors', f32('bias', 1, 2), { name: 'ids', dtype: 'I64', shape: [1, 2], bytes: new Uint8Array(16) });
    const { code, out } = await run([path]);
    expect(code).toBe(0);
    expect(out).toContain(`SHA-256 ${createHash('sha256').update(readFileSync(path)).digest('hex')}`);
    expect(out).toContain('  licence: CC0-1.0\n');
    expect(out).toContain(
      '  dtype  shape   size  name\n  I64    [1, 2]  16 B  ids\n  F32    [2]     8 B   bias\n  2 tensors: I64 16 B, F32 8 B\n',
    );
  });

  it('--json has all of it, names as they are', async () => {
    const path = file('json.safetensors', f32('\u001b[31m', 1));
    const { code, out } = await run([path], { json: true });
    expect(code).toBe(0);
    const report = JSON.parse(out);
    const bytes = readFileSync(path);
    expect(report).toMatchObject({
      kind: 'safetensors',
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
      metadata: { licence: 'CC0-1.0' },
      tensors: [{ name: '\u001b[31m', dtype: 'F32', shape: [1], elements: 1, bytes: 4, offset: bytes.length - 4 }],
      faults: [],
    });
  });

  it('escapes names and warns of twins that look the same', async () => {
    const { code, out } = await run([file('names.safetensors', f32('\u00e9', 1), f32('e\u0301', 1), f32('\u001b[2J\u202e', 1))]);
    expect(code).toBe(0);
    expect(out).not.toMatch(/[\u001b\u202e]/);
    expect(out).toContain('  \\u{1b}[2J\\u{202e}\n');
    expect(out).toContain('warning: tensor names "e\\u{301}" and "\\u{e9}" look the same: "é"');
  });

  it('warns of what is sound and melody cannot load all the same: dtypes that are only listed, I64 past 32 bits', async () => {
    const path = file(
      'foreign.safetensors',
      { name: 'double', dtype: 'F64', shape: [1], bytes: bytesOfArray(Float64Array.of(1)) },
      { name: 'tiny', dtype: 'F8_E4M3', shape: [2], bytes: new Uint8Array(2) },
      { name: 'huge', dtype: 'I64', shape: [2], bytes: bytesOfArray(BigInt64Array.of(1n, 2n ** 40n)) },
      { name: 'small', dtype: 'I64', shape: [2], bytes: bytesOfArray(BigInt64Array.of(-1n, 2n ** 31n - 1n)) },
      f32('fine', 1),
    );
    const { code, out } = await run([path]);
    expect(code).toBe(0);
    expect(out.split('\n').filter((line) => line.includes('warning'))).toEqual([
      expect.stringMatching(/^ {2}warning: melody cannot load tensor huge: .*"huge" I64 \[2\] does not fit 32 bits at element 1$/),
      expect.stringMatching(/^ {2}warning: melody cannot load tensor double: it is F64; read are F32, BF16, F16, /),
      expect.stringMatching(/^ {2}warning: melody cannot load tensor tiny: it is F8_E4M3; read are F32, /),
    ]);
  });

  it('NaN is a fault, exit code 1, unless allowed; other tensors are still checked', async () => {
    const path = file('nan.safetensors', f32('a', 1, Number.NaN), f32('b', Infinity));
    const { code, out } = await run([path]);
    expect(code).toBe(1);
    expect(out).toContain('FAULT: ');
    expect(out.match(/is NaN or infinite at element [01]/g)).toEqual([
      'is NaN or infinite at element 1',
      'is NaN or infinite at element 0',
    ]);
    expect((await run([path], { 'allow-nonfinite': true })).code).toBe(0);
  });

  it('of a file that is named as a sound is told what is wrong with a sound', async () => {
    const sound = join(folder, 'empty.wav');
    writeFileSync(sound, '');
    await expect(run([sound])).rejects.toMatchObject({ code: 'audio', message: expect.stringContaining('not a WAVE file') });
    rmSync(sound);
  });

  it('a broken file, a missing one and wrong use are typed errors', async () => {
    const path = join(folder, 'broken.safetensors');
    writeFileSync(path, new Uint8Array(30).fill(200));
    await expect(run([path])).rejects.toMatchObject({ code: 'weights', message: expect.stringContaining('header length') });
    await expect(run([join(folder, 'nothing')])).rejects.toMatchObject({ code: 'io' });
    await expect(run([])).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(run(['a', 'b'])).rejects.toMatchObject({ code: 'invalid_argument' });
  });
});

describe('melody inspect <folder>', () => {
  const model = join(folder, 'model');
  let tensors: TensorData[];

  /** A model folder of the tiny config whose weights are whatever its networks ask for. */
  beforeAll(async () => {
    cpSync(new URL('../../weights/melody-tiny/', import.meta.url), model, { recursive: true });
    rmSync(join(model, 'manifest.json'));
    writeFileSync(join(model, 'README.md'), '---\nlicense: cc0-1.0\ntags: [music]\n---\n# Model\nlicense: not this one\n');
    tensors = await tensorsAskedFor(model);
  });

  async function tensorsAskedFor(path: string): Promise<TensorData[]> {
    const found = new Map<string, TensorData>();
    const random = randomWeights(1);
    const source: WeightSource = {
      ...random,
      at: (prefix) => scopeAt(source, prefix),
      get(name, shape) {
        found.set(name, { name, dtype: 'F16', shape, bytes: new Uint8Array(2 * shape.reduce((n, d) => n * d, 1)) });
        return random.get(name, shape);
      },
    };
    const { faults } = await modelMisfits({ ...(await openModel(diskFolder(path))), weights: source });
    expect(faults).toEqual([]);
    expect(found.size).toBeGreaterThan(100);
    return [...found.values()];
  }

  const write = (list: readonly TensorData[]) => writeFileSync(join(model, 'model.safetensors'), writeSafetensors(list));

  it('every tensor of the toy that comes with melody is used; without the limits of its latents it does not play', async () => {
    const { code, out } = await run([new URL('../../weights/melody-tiny/', import.meta.url).pathname]);
    expect(out).not.toContain('is not used');
    expect(code).toBe(0);
    write(tensors.filter(({ name }) => name !== 'dual_path.latent_limit'));
    const without = await run([model]);
    expect(without.out).toMatch(/dual_path\.latent_limit: missing/);
    expect(without.code).toBe(1);
  });

  it('a sound one: parts, licence, exit code 0', async () => {
    write(tensors);
    const { code, out } = await run([model]);
    expect(out).not.toContain('FAULT');
    expect(code).toBe(0);
    expect(out).toContain('model melody-tiny, licence cc0-1.0\n');
    const values = tensors.filter(({ name }) => name.startsWith('rvq.')).reduce((sum, { bytes }) => sum + bytes.length / 2, 0);
    expect(out).toMatch(new RegExp(`^ {2}rvq +1 +${values.toLocaleString('en')}$`, 'm'));
  });

  it('lists every misfit between config and weights at once, and what nobody uses', async () => {
    const [first, second, ...rest] = tensors;
    write([...rest, { ...second, shape: [...second.shape, 1] }, f32('left.over', 1)]);
    const { code, out } = await run([model]);
    expect(code).toBe(1);
    expect(out).toContain(`FAULT: ${first.name}: missing; expected [${first.shape.join(', ')}]`);
    expect(out).toContain(`FAULT: ${second.name}: got [${[...second.shape, 1].join(', ')}]; expected [${second.shape.join(', ')}]`);
    expect(out.match(/FAULT/g)).toHaveLength(2);
    expect(out).toContain('warning: tensor left.over is not used by any model');
    write(tensors.map((tensor) => ({ ...tensor, name: `module.${tensor.name}` })));
    expect((await run([model])).out).toContain(
      `FAULT: names begin with "module.", as PyTorch's wrappers call them: save model.module.state_dict()`,
    );
  });

  it('presets that no setting can have are faults', async () => {
    const path = join(model, 'config.json');
    const before = readFileSync(path, 'utf8');
    const config = JSON.parse(before);
    writeFileSync(path, JSON.stringify({ ...config, sampling: { ...config.sampling, steps: 0, guidance: -3, top_p: 7 } }));
    const { code, out } = await run([model]);
    writeFileSync(path, before);
    expect(code).toBe(1);
    for (const text of ['steps must be a whole number from 1', 'guidanceScale must be', 'topP must be'])
      expect(out).toContain(`FAULT: config.json: sampling: ${text}`);
  });

  it('holds files against the manifest', async () => {
    write(tensors);
    const sha256 = createHash('sha256')
      .update(readFileSync(join(model, 'model.safetensors')))
      .digest('hex');
    const files = { 'model.safetensors': { sha256 }, 'config.json': { sha256: '0'.repeat(64) }, 'gone.json': { sha256 }, 'README.md': {} };
    writeFileSync(join(model, 'manifest.json'), JSON.stringify({ files }));
    const { code, out } = await run([model], { json: true });
    expect(code).toBe(1);
    expect(JSON.parse(out).faults).toEqual([
      'config.json: SHA-256 is not the one in manifest.json',
      'gone.json: missing; manifest.json lists it',
      expect.stringContaining('no sha256 of README.md'),
    ]);
    rmSync(join(model, 'manifest.json'));
  });

  it('reads shards through their index', async () => {
    const half = tensors.length >> 1;
    const shards = { 'one.safetensors': tensors.slice(0, half), 'two.safetensors': tensors.slice(half) };
    const weight_map: Record<string, string> = {};
    for (const [name, list] of Object.entries(shards)) {
      writeFileSync(join(model, name), writeSafetensors(list));
      for (const tensor of list) weight_map[tensor.name] = name;
    }
    writeFileSync(join(model, 'model.safetensors.index.json'), JSON.stringify({ metadata: {}, weight_map }));
    rmSync(join(model, 'model.safetensors'));
    const { code, out } = await run([model]);
    expect(code).toBe(0);
    expect(out).toMatch(/one\.safetensors\n[\s\S]*two\.safetensors\n/);
  });

  it('a folder without a model is a typed error', async () => {
    await expect(run([folder])).rejects.toMatchObject({ code: 'weights', message: expect.stringContaining('no config.json') });
  });
});
