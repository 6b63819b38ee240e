import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { setNap } from '../../src/platform/nap.ts';
import { platform } from '../../src/platform/node.ts';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

test('opens a GPU that computes', async () => {
  const gpu = await platform.openGpu();
  const device = await (await gpu.requestAdapter())?.requestDevice();
  if (!device) throw new Error('no adapter');
  const [MAP_READ, COPY_SRC, COPY_DST] = [1, 4, 8];
  const from = device.createBuffer({ size: 16, usage: COPY_SRC | COPY_DST });
  const to = device.createBuffer({ size: 16, usage: MAP_READ | COPY_DST });
  device.queue.writeBuffer(from, 0, new Uint32Array([1, 2, 3, 4]));
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(from, 0, to, 0, 16);
  device.queue.submit([encoder.finish()]);
  await device.queue.onSubmittedWorkDone();
  await to.mapAsync(1);
  expect([...new Uint32Array(to.getMappedRange())]).toEqual([1, 2, 3, 4]);
  device.destroy();
});

test('one Dawn a process: it is opened again without threads and files of its own', async () => {
  expect(await platform.openGpu()).toBe(await platform.openGpu());
  expect(await platform.openGpu({ dawn: ['enable-dawn-features=use_user_defined_labels_in_backend'] })).not.toBe(await platform.openGpu());
});

test.runIf(process.platform === 'linux')('eight devices after each other leave no threads and no open files', () => {
  const { status, stdout, stderr } = runNode(`
    const held = () => [Number(/^Threads:\\s+(\\d+)/m.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]), fs.readdirSync('/proc/self/fd').length];
    const counts = [];
    for (let i = 0; i < 8; i++) {
      const device = await (await (await platform.openGpu()).requestAdapter()).requestDevice();
      await device.queue.onSubmittedWorkDone();
      device.destroy();
      await device.lost;
      await new Promise((resolve) => setTimeout(resolve, 20));
      counts.push(held());
    }
    console.log(JSON.stringify([counts[1], counts[7]]));`);
  expect(status, stderr).toBe(0);
  const [[threads, files], [threadsLater, filesLater]] = JSON.parse(stdout);
  // Six devices more: with a Dawn for each it was seven threads and one file a time.
  expect(threadsLater - threads, stdout).toBeLessThan(6);
  expect(filesLater - files, stdout).toBeLessThan(3);
});

/** Runs a module in a Node of its own. */
function runNode(code: string, ...flags: string[]) {
  const start = `import { createRequire } from 'node:module'; const require = createRequire(${JSON.stringify(join(root, 'package.json'))});
    const { build } = require('esbuild');
    const { outputFiles } = await build({ entryPoints: [${JSON.stringify(join(root, 'src/platform/node.ts'))}], bundle: true, write: false,
      format: 'esm', platform: 'node', external: ['webgpu'] });
    const fs = await import('node:fs');
    const file = ${JSON.stringify(join(root, 'node_modules/.cache'))} + '/melody-platform-' + process.pid + '.mjs';
    fs.writeFileSync(file, outputFiles[0].text);
    const { platform } = await import(file); fs.rmSync(file);`;
  return spawnSync(process.execPath, [...flags, '--input-type=module', '-e', `${start}\n${code}`], {
    encoding: 'utf8',
    timeout: 30_000,
    cwd: root,
  });
}

test('Node exits by itself after work, with everything still referenced', () => {
  const { status, signal, stdout } = runNode(`
    globalThis.gpu = await platform.openGpu();
    globalThis.device = await (await gpu.requestAdapter()).requestDevice();
    await device.queue.onSubmittedWorkDone();
    globalThis.lost = device.lost;
    console.log('done');`);
  expect({ status, signal, stdout }).toEqual({ status: 0, signal: null, stdout: 'done\n' });
});

test('a device outlives a garbage collection of all that led to it', () => {
  // Without the platform's own reference Dawn aborts the process here.
  const { status, signal, stdout } = runNode(
    `const device = await (async () => (await (await platform.openGpu()).requestAdapter()).requestDevice())();
     for (let i = 0; i < 5; i++) { gc(); await new Promise((resolve) => setTimeout(resolve, 10)); }
     const buffer = device.createBuffer({ size: 16, usage: 9 });
     await buffer.mapAsync(1);
     console.log(buffer.getMappedRange().byteLength);`,
    '--expose-gc',
  );
  expect({ status, signal, stdout }).toEqual({ status: 0, signal: null, stdout: '16\n' });
});

/** Stand-ins for the two calls of dawn.node that wait: they turn the event loop until `ms` have passed. */
function spinning(ms: number) {
  const spinner = { turns: 0 };
  const spin = () =>
    new Promise<void>((resolve) => {
      const start = performance.now();
      const turn = () => {
        spinner.turns++;
        if (performance.now() - start < ms) setImmediate(turn);
        else resolve();
      };
      turn();
    });
  const globals = { GPUQueue: { prototype: { onSubmittedWorkDone: spin } }, GPUBuffer: { prototype: { mapAsync: spin } } };
  return { spinner, globals };
}

test('napping: a long wait turns the event loop once a millisecond; off again, it never naps', async () => {
  const { spinner, globals } = spinning(200);
  setNap(globals, true);
  await Promise.all([globals.GPUQueue.prototype.onSubmittedWorkDone(), globals.GPUBuffer.prototype.mapAsync()]);
  // Two waits, each 200 turns of 1 ms, and the short time before naps begin.
  expect(spinner.turns).toBeLessThan(800);
  setNap(globals, false);
  const sleep = vi.spyOn(Atomics, 'wait');
  await globals.GPUQueue.prototype.onSubmittedWorkDone();
  const naps = sleep.mock.calls.length;
  sleep.mockRestore();
  expect(naps).toBe(0);
});

test('napping: naps grow with the wait, up to 1 ms, so that short waits end in time', async () => {
  const { globals } = spinning(30);
  const sleep = vi.spyOn(Atomics, 'wait');
  setNap(globals, true);
  await globals.GPUQueue.prototype.onSubmittedWorkDone();
  setNap(globals, false);
  const naps = sleep.mock.calls.map(([, , , timeout]) => timeout as number);
  sleep.mockRestore();
  expect(naps.at(-1)).toBe(1);
  expect(naps).toEqual(naps.toSorted((a, b) => a - b));
});

test('napping: a rejected wait still ends the naps, and rejects', async () => {
  const { globals } = spinning(5);
  const sleep = vi.spyOn(Atomics, 'wait');
  // Rejects once a nap was taken, however slow the machine is.
  globals.GPUBuffer.prototype.mapAsync = () =>
    new Promise((_resolve, reject) => {
      const turn = () => (sleep.mock.calls.length > 0 ? reject(new Error('lost')) : setImmediate(turn));
      turn();
    });
  setNap(globals, true);
  await expect(globals.GPUBuffer.prototype.mapAsync()).rejects.toThrow('lost');
  await new Promise((resolve) => setTimeout(resolve, 20));
  sleep.mockClear();
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(sleep).not.toHaveBeenCalled();
  sleep.mockRestore();
});
