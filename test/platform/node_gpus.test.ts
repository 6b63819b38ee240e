// `auto` asks no driver where no GPU can be: Dawn's and Mesa's own lines would stand on the terminal before ours.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { lacksGpu } from '../../src/platform/node_gpus.ts';

const BARE = ['full', 'null', 'ptmx', 'pts', 'random', 'shm', 'stderr', 'tty', 'urandom', 'zero'];

test('a GPU can be where a driver has a device, where /dev cannot be read, and on every other system', () => {
  expect(lacksGpu('linux', () => BARE)).toBe(true);
  for (const device of ['dri', 'nvidia0', 'nvidiactl', 'dxg', 'kfd', 'kgsl-3d0', 'mali0', 'nvhost-gpu'])
    expect(
      lacksGpu('linux', () => [...BARE, device]),
      device,
    ).toBe(false);
  for (const system of ['darwin', 'win32', 'android', 'freebsd'])
    expect(
      lacksGpu(system, () => BARE),
      system,
    ).toBe(false);
  const denied = () => {
    throw new Error('EACCES');
  };
  expect(lacksGpu('linux', denied)).toBe(false);
});

test.runIf(lacksGpu())('music by auto leaves the terminal to us', { timeout: 300_000 }, () => {
  const code = `
    import { MeLoDy } from ${JSON.stringify(new URL('../../src/pipeline/melody.ts', import.meta.url).pathname)};
    const melody = await MeLoDy.load('weights/melody-tiny', { threads: 1, untested: true });
    melody.dispose();`;
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'melody-quiet-'));
  const script = join(folder, 'quiet.mts');
  writeFileSync(script, code);
  const { status, stderr } = spawnSync(process.execPath, ['tools/run.mjs', script], { cwd: root, encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});
