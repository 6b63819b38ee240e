import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { compareWithReference } from '../../src/cases/compare.ts';
import { quickest } from '../../src/cli/bench/ceilings.ts';
import { compareRows, compareTable, kernelTable, type Row, readJsonLines } from '../../src/cli/bench/report.ts';
import { geometricMean, summarise } from '../../src/cli/bench/stats.ts';
import { sample } from '../../src/cli/bench/timing.ts';
import { EXIT, main } from '../../src/cli/main.ts';
import { platform } from '../../src/platform/node.ts';

const example = (name: string) => join(import.meta.dirname, '../../bench/examples', name);

async function melody(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const code = await main(argv, {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    terminal: false,
    env: {},
    signal: new AbortController().signal,
  });
  return { code, ...said };
}

const quick = ['--samples', '2', '--seconds', '0'];

/** A kernel file, its shapes and its reference in a folder of their own. */
function kernelFolder(kernel: string, shapes: object, reference?: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'melody-bench-'));
  writeFileSync(join(folder, 'twice.wgsl'), kernel);
  writeFileSync(join(folder, 'shapes.json'), JSON.stringify(shapes));
  if (reference !== undefined) writeFileSync(join(folder, 'reference.mjs'), reference);
  return ['bench', join(folder, 'twice.wgsl'), '--shapes', join(folder, 'shapes.json'), ...quick];
}

const TWICE = `// twice: y[i] = 2 * x[i]
struct Params { n: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < p.n) { y[id.x] = 2.0 * x[id.x]; }
}`;
const twiceCase = { name: 'small', inputs: { x: { shape: [10] } }, outputs: { y: { shape: [10] } }, params: { n: 10 }, grid: [1] };

describe('statistics', () => {
  it('best, median and p90 of known samples', () => {
    expect(summarise([5, 1, 4, 2, 3])).toEqual({ n: 5, best: 1, median: 3, p90: 4.6 });
  });

  it('a geometric mean of ratios is blind to which side is on top', () => {
    expect(geometricMean([2, 8])).toBeCloseTo(4, 12);
    expect(geometricMean([4, 0.25])).toBeCloseTo(1, 12);
  });

  it('a ceiling is timed in batches that make the wait for the GPU small, and is the quickest of them', async () => {
    const batches: number[] = [];
    const [wait, one] = [0.2, 0.01];
    const ms = await quickest(async (times) => {
      batches.push(times);
      return wait + one * times + (batches.length % 2 ? 0.5 : 0);
    });
    expect(batches.slice(0, 3)).toEqual([1, 2, 4]);
    expect(batches.at(-1)).toBe(1024);
    expect(ms).toBeCloseTo(one + wait / 1024, 12);
  });

  it('short runs are timed in batches, and every run counts once', async () => {
    const batches: number[] = [];
    const { ms, cpuMs, totalCpuMs } = await sample(
      async (times) => {
        batches.push(times);
      },
      { minSamples: 3, minMs: 0 },
    );
    expect(batches[0]).toBe(1); // the probe
    expect(batches[1]).toBeGreaterThan(1);
    expect(ms).toHaveLength(batches.length - 1);
    expect(cpuMs).toBeLessThanOrEqual(totalCpuMs);
  });
});

describe('check', () => {
  const reference = Float64Array.of(1, -2, 2);
  it('passes what is near and tells how near', () => {
    const fit = compareWithReference([1, -2, 2.003], reference, 1e-5);
    expect(fit).toEqual({ nmse: expect.closeTo(1e-6, 8), maxAbs: expect.closeTo(0.003, 12), ok: true });
  });

  it('measures what should be zero everywhere by itself', () => {
    expect(compareWithReference([0, 0], Float64Array.of(0, 0), 1e-7)).toMatchObject({ nmse: 0, ok: true });
    expect(compareWithReference([0, 0.1], Float64Array.of(0, 0), 1e-7)).toMatchObject({ ok: false });
  });

  it.each([
    ['too far', [1, -2, 2.1]],
    ['too short', [1, -2]],
    ['not a number', [1, -2, Number.NaN]],
    ['infinite', [1, -2, Number.POSITIVE_INFINITY]],
  ])('fails what is %s', (_what, output) => {
    expect(compareWithReference(output, reference, 1e-5).ok).toBe(false);
  });
});

describe('report', () => {
  const row = (name: string, best: number, median: number, p90: number): Row => ({
    type: 'kernel',
    case: name,
    storage: 'f32',
    ok: true,
    nmse: 1e-14,
    dispatches: 1,
    coldMs: 10,
    wallMs: { n: 9, best, median, p90 },
    cpuMs: median,
    flops: 2e6,
    bytes: 4e6,
  });

  it('rates are those of the median, beside the ceilings', () => {
    const [, line] = kernelTable([row('a', 1, 2, 3)], { fmaGflops: 10, copyGBs: 4 }).split('\n');
    expect(line.split(/\s+/)).toEqual([
      'a.f32',
      'ok',
      '1e-14',
      '1.00',
      '2.00',
      '3.00',
      '-',
      '2.00',
      '1.00',
      '10%',
      '2.00',
      '50%',
      '1',
      '10.0',
    ]);
  });

  it('rates are of GPU time where there is one', () => {
    const ceilings = { fmaGflops: 10, copyGBs: 4 };
    const rates = (gpuMs: number) =>
      kernelTable([{ ...row('a', 1, 2, 3), gpuMs }], ceilings)
        .split('\n')[1]
        .split(/\s+/)
        .slice(6, 12);
    expect(rates(0.5)).toEqual(['0.50', '2.00', '4.00', '40%', '8.00', '200%']);
    expect(rates(0)).toEqual(['0.000', '2.00', '1.00', '10%', '2.00', '50%']); // under the clock's step
  });

  it('a wrong kernel has no time', () => {
    const wrong = { ...row('a', 1, 2, 3), ok: false, nmse: 0.5, wallMs: undefined };
    expect(kernelTable([wrong], { fmaGflops: 10, copyGBs: 4 }).split('\n')[1]).toMatch(/WRONG 5e-1\s+-\s+-\s+-/);
  });

  it('comparison calls a change only when the spreads are apart', () => {
    const old = [row('a', 10, 12, 15), row('b', 10, 12, 15), row('c', 10, 12, 15), row('gone', 1, 1, 1)];
    const now = [row('a', 5, 6, 7), row('b', 9, 11, 30), row('c', 16, 24, 25), row('new', 1, 1, 1)];
    const lines = compareTable(compareRows(old, now)).split('\n');
    expect(lines.slice(1).map((line) => line.replace(/\s+/g, ' '))).toEqual([
      'a.f32 12.0 6.00 2.00 2.00 faster',
      'b.f32 12.0 11.0 1.09 1.09 within the spread',
      'c.f32 12.0 24.0 0.50 0.50 SLOWER',
      expect.stringMatching(/^geometric mean 1.03 1.03/),
    ]);
  });

  it('tells a file that is no result', () => {
    expect(() => readJsonLines(example('README.md'))).toThrow(/line 1 is not JSON/);
    expect(() => readJsonLines('no such file')).toThrow(/cannot be read/);
  });
});

describe('melody bench', () => {
  it('measures own kernels after checking them, writes JSON lines and compares with them', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'melody-bench-')), 'result.jsonl');
    const first = await melody('bench', 'kernels', '--filter', 'lm_norm', '--out', file, ...quick);
    expect(first.code, first.err).toBe(EXIT.ok);
    expect(first.out).toMatch(/ceilings: [\d.]+ GFLOP\/s/);
    expect(first.out).toMatch(/lm_norm\.f32 +ok/);
    const { machine, rows } = readJsonLines(file);
    expect(machine.ceilings.copyGBs).toBeGreaterThan(0);
    expect(rows).toMatchObject([{ case: 'lm_norm', ok: true, dispatches: 1 }]);
    expect(rows[0].wallMs?.n).toBeGreaterThanOrEqual(2);
    const second = await melody('bench', 'kernels', '--filter', 'lm_norm', '--compare', file, ...quick);
    expect(second.out).toMatch(/lm_norm\.f32 .*(faster|SLOWER|within the spread)/);
    const third = await melody('bench', 'kernels', '--filter', 'lm_norm', '--json', '--compare', file, ...quick);
    const lines = third.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type }) => type)).toEqual(['machine', 'kernel', 'compare', 'compare_mean']);
    const { oldMs, newMs, wall, cpu } = lines[2];
    expect(lines[2]).toMatchObject({ case: 'lm_norm', storage: 'f32', oldMs: rows[0].wallMs?.median, wall: oldMs / newMs });
    expect(lines[3]).toEqual({
      type: 'compare_mean',
      date: machine.date,
      adapter: machine.adapter,
      cases: 1,
      wall: expect.closeTo(wall, 9),
      cpu: expect.closeTo(cpu, 9),
    });
  });

  it('measures the documented kernel from outside', async () => {
    const { code, out, err } = await melody(
      'bench',
      example('sigmoid_gate.wgsl'),
      '--shapes',
      example('sigmoid_gate.json'),
      '--json',
      ...quick,
    );
    expect(code, err).toBe(EXIT.ok);
    const rows = out
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line));
    expect(rows).toMatchObject([
      { case: 'gate_1k', ok: true },
      { case: 'gate_1M_wide', ok: true },
    ]);
  });

  it('shows a wrong kernel as wrong, does not time it and fails', async () => {
    const reference = 'export default ({ x }) => ({ y: x.map((v) => 3 * v) });';
    const { code, out } = await melody(...kernelFolder(TWICE, { reference: 'reference.mjs', cases: [twiceCase] }, reference));
    expect(out).toMatch(/small\.f32 +WRONG/);
    expect(out).toMatch(/WRONG \S+ +- +- +-/);
    expect(code).toBe(EXIT.failed);
  });

  it('says so when there is no reference', async () => {
    const { code, out } = await melody(...kernelFolder(TWICE, { cases: [twiceCase] }));
    expect(out).toMatch(/small\.f32 +none/);
    expect(code).toBe(EXIT.ok);
  });

  it('gives f16 inputs to the kernel as pairs and to the reference as rounded values', async () => {
    const kernel = TWICE.replace('x: array<f32>', 'x: array<u32>').replace('x[id.x]', 'unpack2x16float(x[id.x / 2u])[id.x % 2u]');
    const shapes = { reference: 'reference.mjs', cases: [{ ...twiceCase, inputs: { x: { shape: [10], dtype: 'f16' } } }] };
    const words = kernelFolder(kernel, shapes, 'export default ({ x }) => ({ y: x.map((v) => 2 * v) });');
    const { out } = await melody(...words, '--json');
    const row = JSON.parse(out.trim().split('\n')[1]);
    expect(row).toMatchObject({ case: 'small', storage: 'f16', ok: true, nmse: 0 });
    expect(row.bytes).toBe(2 * 10 + 4 * 10); // what the kernel reads and writes, not floats of both
  });

  it.each([
    ['no kernel convention', TWICE.replace('// twice', '// thrice'), [twiceCase], /line 1 must be/],
    ['WGSL that does not compile', TWICE.replace('2.0 *', '2.0u *'), [twiceCase], /does not compile/],
    ['a missing parameter', TWICE, [{ ...twiceCase, params: {} }], /params must be the kernel's; got \[\], expected \[n\]/],
    [
      'an unknown input',
      TWICE,
      [{ ...twiceCase, inputs: { z: { shape: [1] } } }],
      /inputs must be the kernel's; got \[z\], expected \[x\]/,
    ],
    ['a parameter that is text', TWICE, [{ ...twiceCase, params: { n: '10' } }], /param "n" must be a whole number from 0 to .*; got "10"/],
    [
      'an unknown override',
      TWICE,
      [{ ...twiceCase, overrides: { WG: 8 } }],
      /overrides must be the kernel's; got "WG", expected some of \[\]/,
    ],
    ['an unknown variant', TWICE, [{ ...twiceCase, variant: 'f16' }], /variant must be the kernel's; got "f16"/],
    ['a bad shape', TWICE, [{ ...twiceCase, outputs: { y: { shape: [0] } } }], /shape of "y".*got \[0\]/],
    ['a bad grid', TWICE, [{ ...twiceCase, grid: [] }], /grid must be/],
    ['an unknown dtype', TWICE, [{ ...twiceCase, inputs: { x: { shape: [10], dtype: 'i8' } } }], /must be f32, f16 or u32; got "i8"/],
    [
      'whole numbers without a bound that is one',
      TWICE,
      [{ ...twiceCase, inputs: { x: { shape: [10], dtype: 'u32', below: 0.5 } } }],
      /"below" of "x" must be a whole number/,
    ],
    [
      'an output of another dtype',
      TWICE,
      [{ ...twiceCase, outputs: { y: { shape: [10], dtype: 'f16' } } }],
      /output "y" must be f32 or u32/,
    ],
    ['no cases', TWICE, [], /"cases" must be a list/],
    ['an input that is nothing', TWICE, [{ ...twiceCase, inputs: { x: null } }], /input "x" must be an object; got null/],
    ['an output that is a list', TWICE, [{ ...twiceCase, outputs: { y: [10] } }], /output "y" must be an object; got \[10\]/],
    [
      'a misspelt key of a case',
      TWICE,
      [{ ...twiceCase, override: {} }],
      /case 0 "small": unknown key "override"; expected some of \[name, /,
    ],
    [
      'a misspelt key of an input',
      TWICE,
      [{ ...twiceCase, inputs: { x: { shape: [10], type: 'f16' } } }],
      /input "x": unknown key "type"; expected some of \[shape, dtype, scale, below\]/,
    ],
    ['overrides that are a number', TWICE, [{ ...twiceCase, overrides: 5 }], /"overrides" must be an object; got 5/],
    ['two cases of one name', TWICE, [twiceCase, twiceCase], /case 1 "small": another case has that name/],
    ['a parameter under its type', TWICE, [{ ...twiceCase, params: { n: -1 } }], /"n" must be a whole number from 0 to 2\^32 - 1; got -1/],
    ['flops that are text', TWICE, [{ ...twiceCase, flops: 'x' }], /"flops" must be a number from 0 on; got "x"/],
    ['a scale that is text', TWICE, [{ ...twiceCase, inputs: { x: { shape: [10], scale: '2' } } }], /"scale" of "x" must be a number/],
    [
      'whole numbers for a kernel of floats',
      TWICE,
      [{ ...twiceCase, inputs: { x: { shape: [10], below: 3 } } }],
      /"below" of "x" must be a whole number from 1 to 2\^24, for u32; got 3 for f32/,
    ],
  ])('explains %s', async (_what, kernel, cases, message) => {
    const { code, out, err } = await melody(...kernelFolder(kernel, { cases }));
    expect(out + err).toMatch(message);
    expect(code).not.toBe(EXIT.ok);
  });

  it.each([
    ['a reference that is a number', { reference: 5, cases: [twiceCase] }, /"reference" must be the name of a module; got 5/],
    ['a misspelt key', { cases: [twiceCase], refrence: 'reference.mjs' }, /the file: unknown key "refrence"; expected some of/],
    ['a list', [twiceCase], /the file must be an object/],
  ])('explains a shapes file with %s', async (_what, shapes, message) => {
    const { code, err } = await melody(...kernelFolder(TWICE, shapes));
    expect(err).toMatch(message);
    expect(code).toBe(EXIT.usage);
  });

  it.each([
    ['nothing', [], /got 0 words/],
    ['an unknown word', ['foo'], /got "foo", expected "kernels", "pipeline", "systems" or a .wgsl file/],
    [
      'an option of the pipeline for kernels',
      ['kernels', '--duration', '3'],
      /--duration belongs to `melody bench pipeline`, not to "kernels"/,
    ],
    ['an option of kernels for the pipeline', ['pipeline', '--compare', 'x.jsonl'], /--compare belongs to kernels, not to "pipeline"/],
    ['a length for the systems', ['systems', '--duration', '3'], /--duration belongs to `melody bench pipeline`, not to "systems"/],
    ['a kernel without shapes', ['x.wgsl'], /needs --shapes/],
    ['shapes without a kernel', ['kernels', '--shapes', 'x.json'], /belongs to a kernel of your own/],
    ['an unknown case', ['kernels', '--filter', 'zzz'], /no case has that name/],
    ['a wrong number', ['kernels', '--samples', '0'], /--samples/],
  ])('refuses %s', async (_what, words, message) => {
    const { code, err } = await melody('bench', ...words);
    expect(err).toMatch(message);
    expect(code).toBe(EXIT.usage);
  });

  it('lists its cases without a GPU', async () => {
    const open = vi.spyOn(platform, 'openGpu').mockRejectedValue(new Error('no GPU here'));
    const { code, out } = await melody('bench', 'kernels', '--list');
    open.mockRestore();
    expect(code).toBe(EXIT.ok);
    expect(out.split('\n')).toContain('matmul_512.f16');
  });

  it.each([
    ['a folder that is not there', join(tmpdir(), 'melody no such folder', 'x.jsonl'), /cannot be written: ENOENT/],
    ['a folder itself', tmpdir(), /cannot be written: it is a folder/],
  ])('refuses to write into %s before it measures', async (_what, file, message) => {
    const { code, err } = await melody('bench', 'kernels', '--filter', 'lm_norm', '--out', file);
    expect(err).toMatch(message);
    expect(err).not.toContain('measuring');
    expect(code).toBe(EXIT.failed);
  });

  it('measures a kernel that looks things up, with whole numbers in and out', async () => {
    const kernel = `// twice: y[i] = 2 * table[x[i]]
struct Params { n: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<u32>;
@group(0) @binding(2) var<storage, read>       table: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<u32>;
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < p.n) { y[id.x] = 2u * table[x[id.x]]; }
}`;
    const ids = { shape: [50], dtype: 'u32', below: 7 };
    const table = { shape: [7], dtype: 'u32', below: 1000 };
    const shapes = { ...twiceCase, inputs: { x: ids, table }, outputs: { y: { shape: [50], dtype: 'u32' } }, params: { n: 50 } };
    const reference = `export default ({ x, table }) => {
      if (new Set(x).size !== 7 || Math.max(...x) !== 6) throw new Error('the ids do not reach all of 0 … 6');
      return { y: Array.from(x, (i) => 2 * table[i]) };
    };`;
    const { out } = await melody(...kernelFolder(kernel, { reference: 'reference.mjs', cases: [shapes] }, reference));
    expect(out).toMatch(/small\.f32 +ok 0e\+0/);
  });

  it('tells a reference that gives too little', async () => {
    const { code, out } = await melody(
      ...kernelFolder(TWICE, { reference: 'reference.mjs', cases: [twiceCase] }, 'export default () => ({ z: [1] });'),
    );
    expect(out).toContain('the reference gave no numbers for "y", expected 10');
    expect(code).toBe(EXIT.failed);
  });
});

it('the example names what it is: the README shows the command that works', () => {
  expect(readFileSync(example('README.md'), 'utf8')).toContain(
    'bench bench/examples/sigmoid_gate.wgsl --shapes bench/examples/sigmoid_gate.json',
  );
});
