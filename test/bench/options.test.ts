import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const bench = (...words: string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, '../../bench/run.mjs'), ...words], { encoding: 'utf8' });

it.each([
  [['--rounds', 'x'], '--rounds: got "x", expected a whole number from 1'],
  [['--engines', 'melody,jax'], '--engines: got "jax", expected some of melody, melody-f16, ort-webgpu'],
  [['--filter', 'zzz'], '--filter: no case has "zzz" in its name; there are matmul_512'],
  [['--fliter', 'softmax'], "Unknown option '--fliter'"],
])('npm run bench -- %s: refused before anything starts', (words, message) => {
  const { status, stderr, stdout } = bench(...words);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('    at '); // no stack
  expect(stdout).toBe('');
  expect(status).toBe(2);
});

it('npm run bench -- --help tells the options', () => {
  const { status, stdout } = bench('--help');
  expect(stdout).toContain('--engines <a,b>');
  expect(status).toBe(0);
});
