// What browser engines expect to find in Node: WebGPU globals on Dawn, and waits that do not burn a core.
import { mkdtempSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { create, globals } from 'webgpu';

/**
 * dawn.node polls with setImmediate at 100 % CPU while a promise is pending, which starves a software GPU on a small machine.
 * While anything is pending longer than 0.3 ms, sleep 1 ms per event-loop turn. One chain of turns for all promises.
 */
function napWhileWaiting(): void {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let pending = 0;
  let ticking = false;
  let since = 0;
  const tick = () => {
    if (pending === 0) {
      ticking = false;
      return;
    }
    if (performance.now() - since > 0.3) Atomics.wait(cell, 0, 0, 1);
    setImmediate(tick);
  };
  const patch = (prototype: Record<string, (...args: unknown[]) => Promise<unknown>>, method: string) => {
    const original = prototype[method];
    prototype[method] = function (...args) {
      const promise = original.apply(this, args);
      if (pending++ === 0) since = performance.now();
      if (!ticking) {
        ticking = true;
        setImmediate(tick);
      }
      const done = () => {
        pending--;
      };
      promise.then(done, done);
      return promise;
    };
  };
  patch(GPUQueue.prototype as never, 'onSubmittedWorkDone');
  patch(GPUBuffer.prototype as never, 'mapAsync');
}

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
  napWhileWaiting();
  addIteratorHelpers();
  const adapter = await gpu.requestAdapter();
  if (!adapter) throw new Error('no WebGPU adapter');
  return `${adapter.info.vendor} ${adapter.info.architecture} ${adapter.info.device} ${adapter.info.description}`.trim();
}
