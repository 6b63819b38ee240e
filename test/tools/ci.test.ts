// .ci/run with an npm and a python3 that only play their parts: what it says at the end, and when it fails.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
let bin: string;

beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), 'melody-test-'));
});
afterEach(() => rmSync(bin, { recursive: true }));

function shim(name: string, script: string) {
  writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(bin, name), 0o755);
}

interface Parts {
  tests: number;
  check: number;
  /** Exit code of the training's tests; undefined: no PyTorch. */
  training?: number;
  report?: { numPassedTests: number; numFailedTests: number };
}

function ci({ tests, check, training, report }: Parts) {
  const text = report ? JSON.stringify(report) : 'no JSON';
  shim(
    'npm',
    `if [ "$1" = test ]; then for w in "$@"; do case $w in --outputFile.json=*) echo '${text}' >"$(echo $w | cut -d= -f2)";; esac; done; exit ${tests}; fi; exit ${check}`,
  );
  shim('python3', training === undefined ? 'exit 1' : `[ "$1" = -c ] && exit 0; exit ${training}`);
  const env = { ...process.env, PATH: `${bin}:${process.env.PATH}`, TMPDIR: bin };
  const { status, stdout } = spawnSync('bash', [join(root, '.ci/run')], { encoding: 'utf8', env });
  return { status, last: stdout.trimEnd().split('\n').at(-1), stdout };
}

test('all is well', () => {
  const { status, last, stdout } = ci({ tests: 0, check: 0, report: { numPassedTests: 12, numFailedTests: 0 } });
  expect([status, last]).toEqual([0, '12 passed, 0 failed']);
  expect(stdout).toContain('Training: not tested on this machine');
});

test.each<[string, Parts, string]>([
  ['a test', { tests: 1, check: 0, report: { numPassedTests: 11, numFailedTests: 1 } }, '11 passed, 1 failed'],
  ['a test file that cannot be loaded', { tests: 1, check: 0, report: { numPassedTests: 11, numFailedTests: 0 } }, '11 passed, 1 failed'],
  ['the set-up', { tests: 1, check: 0 }, '0 passed, 1 failed'],
  ['the lint', { tests: 0, check: 1, report: { numPassedTests: 12, numFailedTests: 0 } }, '12 passed, 1 failed'],
  ['the training', { tests: 0, check: 0, training: 1, report: { numPassedTests: 12, numFailedTests: 0 } }, '12 passed, 1 failed'],
  ['everything', { tests: 1, check: 2, training: 1, report: { numPassedTests: 9, numFailedTests: 3 } }, '9 passed, 5 failed'],
])('%s fails: so does the run, and it is counted', (_name, parts, line) => {
  const { status, last } = ci(parts);
  expect([status, last]).toEqual([1, line]);
});

test('training that passes is no failure', () => {
  const { status, last } = ci({ tests: 0, check: 0, training: 0, report: { numPassedTests: 12, numFailedTests: 0 } });
  expect([status, last]).toEqual([0, '12 passed, 0 failed']);
});
