// What native code writes to file descriptor 2 stays off terminals and pipes, and nothing else does. npm `webgpu` is played by a module that writes there
// as Dawn does: the first time it is asked for an adapter, past `process.stderr`.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildCommand } from '../helpers/command.ts';

const DAWN = `import { writeSync } from 'node:fs';
export const globals = {};
let asked = false;
export const create = () => ({
  async requestAdapter() {
    if (asked) return null;
    asked = true;
    writeSync(2, 'Warning: maxDynamicUniformBuffersPerPipelineLayout artificially reduced from 1000000 to 16 to fit dynamic offset allocation limit.\\n');
    writeSync(2, 'Warning: vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER\\n    at CheckVkSuccessImpl (/home/x/VulkanError.cpp:106)\\n\\n');
    writeSync(2, 'MESA: error: the driver is too old, folder ' + process.env.XDG_RUNTIME_DIR + '\\n');
    return null;
  },
});
process.on('exit', () => writeSync(2, 'at the end, folder ' + process.env.XDG_RUNTIME_DIR + '\\n'));`;

let scratch: string;
beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'melody-quiet-'));
  await buildCommand(scratch);
  mkdirSync(join(scratch, 'node_modules/webgpu'), { recursive: true });
  writeFileSync(join(scratch, 'node_modules/webgpu/package.json'), '{"name":"webgpu","version":"0.0.0","type":"module","main":"index.js"}');
  writeFileSync(join(scratch, 'node_modules/webgpu/index.js'), DAWN);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What a shell's line writes, where $MELODY is the command; the exit code of the command is in the file `code`. */
function shell(line: string, env: Record<string, string> = {}): { text: string; code: string } {
  rmSync(join(scratch, 'code'), { force: true });
  const { PATH = '' } = process.env;
  const MELODY = `${process.execPath} ${join(scratch, 'cli.mjs')}`;
  const { stdout, error } = spawnSync('bash', ['-c', line], {
    cwd: scratch,
    encoding: 'utf8',
    timeout: 60_000,
    env: { PATH, MELODY, HOME: scratch, ...env },
  });
  if (error) throw error;
  return { text: stdout, code: readFileSync(join(scratch, 'code'), 'utf8').trim() };
}

const GENERATE = `generate piano --device gpu --duration 1 --model ${join(import.meta.dirname, '../../weights/melody-tiny')}`;
const BENCH = 'bench kernels --device gpu --filter softmax';
const linux = process.platform === 'linux';
const script = linux && existsSync('/usr/bin/script');

for (const words of [GENERATE, BENCH, `${GENERATE} --stream`])
  test.skipIf(!linux)(`a pipe gets our words and the driver's, not Dawn's: ${words.split(' ')[0]}`, () => {
    const { text, code } = shell(`{ $MELODY ${words}; echo $? >code; } 2>&1 >/dev/null | cat`);
    expect(text.match(/^.+$/gm)).toEqual([
      'MESA: error: the driver is too old, folder /nonexistent',
      expect.stringContaining('melody: no WebGPU adapter; got null'),
      expect.stringContaining('install a GPU driver'),
      'at the end, folder undefined', // the process has the environment that it was given
    ]);
    expect(code).toBe('1');
  });

test.skipIf(!script)('a terminal too', () => {
  const { text, code } = shell(`script -qec "$MELODY doctor --device gpu; echo \\$? >code" /dev/null </dev/null`);
  expect(text).toContain('MESA: error: the driver is too old');
  expect(text).toContain('FAIL adapter');
  expect(text).toContain('at the end');
  expect(text).not.toMatch(/maxDynamic|vkCreateInstance|VulkanError/);
  expect(code).toBe('1');
});

test.skipIf(!linux)('MELODY_DEBUG=1 shows all of it, and a log file has it', () => {
  const debug = shell(`{ $MELODY ${BENCH}; echo $? >code; } 2>&1 >/dev/null | cat`, { MELODY_DEBUG: '1' });
  expect(debug.text).toContain('maxDynamicUniformBuffersPerPipelineLayout');
  expect(debug.text).toContain('no WebGPU adapter');
  const logged = shell(`{ echo before >&2; $MELODY ${BENCH}; echo $? >code; echo after >&2; } 2>log; cat log`);
  const lines = logged.text.trim().split('\n');
  expect([lines[0], lines.at(-1)]).toEqual(['before', 'after']); // nothing is written over
  expect(logged.text).toContain('maxDynamicUniformBuffersPerPipelineLayout');
  expect(logged.text).toContain('no WebGPU adapter');
});

test.skipIf(!linux)('a reader that has left, a closed standard error and a disk that may not be written to change nothing', () => {
  for (const line of [
    `{ sleep 0.3; $MELODY ${BENCH}; echo $? >code; } 2>&1 >/dev/null | true; while [ ! -s code ]; do sleep 0.1; done`,
    `$MELODY ${BENCH} 2>&- >/dev/null; echo $? >code`,
    `$MELODY ${BENCH} 2>/dev/full >/dev/null; echo $? >code`,
    `{ TMPDIR=/proc/none $MELODY ${BENCH}; echo $? >code; } 2>&1 >/dev/null | cat >/dev/null`,
  ])
    expect(shell(line).code).toBe('1');
});
