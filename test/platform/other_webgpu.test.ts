// The kernels and a clip under another WebGPU than Dawn: wgpu with naga, as Firefox has it, in Deno. Only where MELODY_TEST_DENO names one.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { platform } from '#platform';
import { compareWithReference } from '../../src/cases/compare.ts';
import { MeLoDy } from '../../src/pipeline/melody.ts';

const deno = process.env.MELODY_TEST_DENO;
const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const model = join(root, 'weights/melody-tiny');

test.runIf(deno)(
  'Deno (wgpu, naga): every kernel right in both sets of forms, and a clip as under Dawn',
  { timeout: 600_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'melody-deno-'));
    try {
      const program = join(folder, 'other_webgpu.mjs');
      await build({
        absWorkingDir: root,
        entryPoints: ['tools/other_webgpu.ts'],
        outfile: program,
        bundle: true,
        external: ['webgpu'],
        platform: 'node',
        format: 'esm',
        target: 'es2022',
      });
      const file = join(folder, 'samples');
      const words = ['run', '--no-remote', '--no-npm', '--allow-all', '--unstable-webgpu', program, model, file];
      const { status, signal, stdout, stderr } = spawnSync(deno as string, words, { encoding: 'utf8', timeout: 500_000 });
      expect({ status, signal, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, signal: null, stderr: '' });
      const report = JSON.parse(stdout);
      console.log(`${report.adapter}: ${report.results.length} results, ${report.samples} samples`);
      expect(report.results.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([]);
      expect(report.quick).toEqual([]);

      const bytes = readFileSync(file);
      const theirs = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
      const melody = await MeLoDy.load(model, { gpu: await platform.openGpu() });
      const { channels } = await melody.generate({ prompt: 'calm piano', durationSeconds: 2, seed: 5, steps: 4 });
      melody.dispose();
      const { nmse } = compareWithReference(theirs, Float64Array.from(channels[0]), 1e-6);
      console.log(`a clip under both: normalised error ${nmse.toExponential(1)}`);
      expect(nmse).toBeLessThan(1e-6);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
