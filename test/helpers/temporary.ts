// Temporary folders of the tests, and of the programs that they start, lie in one, which goes with the last test.
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

const NAMES = ['TMPDIR', 'TEMP', 'TMP'];

export default function setup(project: TestProject): (() => void) | undefined {
  if (process.env.MELODY_TEST_TMP) return undefined; // of another project of this run
  const folder = mkdtempSync(join(tmpdir(), 'melody-tests-'));
  chmodSync(folder, 0o755); // some tests are other users
  process.env.MELODY_TEST_TMP = folder;
  for (const name of NAMES) process.env[name] = folder;
  // While tests are watched, what they share is built anew for each round.
  project.onTestsRerun(async () => rmSync(join(folder, 'site'), { recursive: true, force: true }));
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
