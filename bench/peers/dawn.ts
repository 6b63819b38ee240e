// What browser engines expect to find in Node: WebGPU globals on Dawn.
import { mkdtempSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, globals } from 'webgpu';
import { setNap } from '../../src/platform/nap.ts';

/** Node below 22 has no iterator helpers; @jax-js/jax uses a few. */
function addIteratorHelpers(): void {
  const iterator = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
  const helpers: Record<string, (this: Iterable<unknown>, f: (v: unknown, i: number) => unknown) => unknown> = {
    *map(f) {
      let i = 0;
      for (const v of this) yield f(v, i++);
    },
    *filter(f) {
      let i = 0;
      for (const v of this) if (f(v, i++)) yield v;
    },
    toArray() {
      return [...this];
    },
  };
  for (const [name, value] of Object.entries(helpers)) if (!iterator[name]) Object.defineProperty(iterator, name, { value });
}

/** Make this process look enough like a WebGPU page. Call before importing an engine; returns the adapter's name. */
export async function becomeBrowser(): Promise<string> {
  process.env.XDG_RUNTIME_DIR ??= mkdtempSync(join(tmpdir(), 'bench-')); // Mesa warns on every start without one
  Object.assign(globalThis, globals);
  const gpu = create([]);
  Object.defineProperty(globalThis, 'navigator', {
    value: { gpu, userAgent: 'Node', hardwareConcurrency: cpus().length },
    configurable: true,
  });
  setNap(globals as unknown as Parameters<typeof setNap>[0], true); // the same wait as ours
  addIteratorHelpers();
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('no WebGPU adapter');
  return `${adapter.info.vendor} ${adapter.info.architecture} ${adapter.info.device} ${adapter.info.description}`.trim();
}
