import { mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// The GPU driver reads its environment when it is loaded, so it is set here, before any worker starts: Mesa wants a runtime folder.
if (process.platform === 'linux' && !process.env.XDG_RUNTIME_DIR) {
  process.env.XDG_RUNTIME_DIR = join(tmpdir(), `melody-runtime-${userInfo().uid}`);
  mkdirSync(process.env.XDG_RUNTIME_DIR, { recursive: true, mode: 0o700 });
}

/** Files that open a browser take longest, whatever their size: they come first, so that none is left over at the end. */
class BrowsersFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const opensBrowser = ({ moduleId }: TestSpecification) => /browser_\w+\.test\.ts$/.test(moduleId);
    return [...sorted.filter(opensBrowser).reverse(), ...sorted.filter((file) => !opensBrowser(file))];
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: BrowsersFirst },
    globalSetup: ['test/helpers/temporary.ts'],
    setupFiles: ['test/helpers/setup.ts'],
    // A clip that is not as expected is told in a few lines, not in minutes.
    diff: { truncateThreshold: 20 },
    // What lasts may be late on a busy machine; the default is a second.
    expect: { poll: { timeout: 60_000 } },
    projects: [
      { extends: true, test: { name: 'adapter', include: ['test/**/*.test.ts'] } },
      // On the CPU executor, which must compute what the kernels' files say.
      {
        extends: true,
        test: { name: 'cpu', include: ['test/ops/*.test.ts', 'test/models/goldens.test.ts'], env: { MELODY_TEST_GPU: 'cpu' } },
      },
      // Again at WebGPU's default limits, without optional features: what a graph may assume of any adapter.
      {
        extends: true,
        test: { name: 'default limits', include: ['test/{graph,ops,models}/*.test.ts'], env: { MELODY_TEST_GPU: 'default' } },
      },
    ],
    // A process a file: a driver that crashes takes one file with it, and every file starts with a fresh device.
    pool: 'forks',
    // The software driver itself uses every core; more workers only make each other slow.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A worker on a busy machine may take its time to end.
    teardownTimeout: 30_000,
  },
});
