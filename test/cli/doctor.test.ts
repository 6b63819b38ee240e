import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Io } from '../../src/cli/command.ts';
import { doctor } from '../../src/cli/doctor.ts';
import { checkKernels, type KernelResult } from '../../src/cli/kernel_check.ts';
import { MelodyError } from '../../src/errors.ts';
import { platform } from '../../src/platform/node.ts';

// What the self-test finds is its own test's matter; here it is given.
vi.mock('../../src/cli/kernel_check.ts', () => ({ checkKernels: vi.fn() }));
const RIGHT: KernelResult = { name: 'softmax', storage: 'f32', ok: true, nmse: 2e-13 };

beforeEach(() => void vi.mocked(checkKernels).mockResolvedValue([RIGHT, { ...RIGHT, name: 'attention', nmse: 1e-15 }]));
afterEach(() => vi.restoreAllMocks());

async function run(values = {}) {
  const said: (string | Uint8Array)[] = [];
  const io: Io = { out: (data) => said.push(data), err: () => {}, terminal: false, env: {}, signal: new AbortController().signal };
  const code = await doctor.run([], values, io);
  return { code, out: said.join('') };
}

test('says what this machine is and that it can run melody', async () => {
  const { code, out } = await run();
  expect(code).toBe(0);
  expect(out).toMatch(/^ok {3}adapter +\S/m);
  expect(out).toMatch(/storage binding +\d+ MiB/);
  expect(out).toContain(process.version);
  expect(out).toMatch(/^ok {3}self-test +2 kernels compute right here \(worst error 2e-13\)$/m);
  expect(out).toContain('This machine can run melody.');
});

test('words are refused, not passed over', async () => {
  const io: Io = { out: () => {}, err: () => {}, terminal: false, env: {}, signal: new AbortController().signal };
  await expect(doctor.run(['extra'], {}, io)).rejects.toMatchObject({
    code: 'invalid_argument', // exit code 2
    message: 'doctor: got "extra", expected no words',
  });
});

test('--json is JSON', async () => {
  const findings = JSON.parse((await run({ json: true })).out);
  expect(findings).toContainEqual({ topic: 'adapter', text: expect.any(String), ok: true });
});

test('a kernel that computes wrongly is named, exit code 1', async () => {
  const wrong: KernelResult[] = [
    { name: 'attention', storage: 'f16', ok: false, nmse: 0.019 },
    { name: 'noise', storage: 'f32', ok: false, nmse: Number.NaN, error: 'device lost' },
  ];
  vi.mocked(checkKernels).mockResolvedValue([RIGHT, ...wrong]);
  const { code, out } = await run();
  expect(code).toBe(1);
  expect(out).toMatch(/^FAIL self-test +attention \(f16\): wrong, normalised error 1\.9e-2\n +this GPU or its driver computes wrongly/m);
  expect(out).toMatch(
    /^FAIL CPU self-test +attention \(f16\): wrong, normalised error 1\.9e-2\n +this JavaScript engine computes wrongly/m,
  );
  expect(out).toMatch(/^FAIL self-test +noise \(f32\): device lost$/m);
  expect(out).toContain('4 things to mend first');
});

test('without an adapter: the CPU plays, which is no fault', async () => {
  vi.spyOn(platform, 'openGpu').mockRejectedValue(new MelodyError('no_adapter', 'no WebGPU adapter', 'install a driver'));
  const { code, out } = await run();
  expect(code).toBe(0);
  expect(out).toMatch(/^ {4} adapter +none, so music is made on the CPU: no WebGPU adapter\n +to use a GPU, install a driver$/m);
  expect(out).toMatch(/^ok {3}CPU +WebAssembly SIMD on \d+ threads?$/m);
  expect(out).toMatch(/^ok {3}CPU self-test +2 kernels compute right here/m);
});

test('--device cpu looks at no GPU', async () => {
  const open = vi.spyOn(platform, 'openGpu');
  const { code, out } = await run({ device: 'cpu' });
  expect(code).toBe(0);
  expect(out).not.toContain('adapter');
  expect(open).not.toHaveBeenCalled();
});

test('--device gpu without an adapter: said with the way out, exit code 1, the rest is still told', async () => {
  vi.spyOn(platform, 'openGpu').mockRejectedValue(new MelodyError('no_adapter', 'no WebGPU adapter', 'install a driver'));
  const { code, out } = await run({ device: 'gpu' });
  expect(code).toBe(1);
  expect(out).toMatch(/^FAIL adapter +no WebGPU adapter\n +install a driver$/m);
  expect(out).toMatch(/^ok {3}disk/m);
  expect(out).toContain('1 thing to mend first');
});

test('an error of ours is not taken for a missing adapter', async () => {
  vi.spyOn(platform, 'openGpu').mockRejectedValue(new TypeError('bug'));
  await expect(run()).rejects.toThrow('bug');
});
