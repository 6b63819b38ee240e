// dawn.node waits for the GPU by turning the event loop at full speed. On a software adapter that busy loop takes a core away from the
// driver's own threads: on two cores, half of the machine. While such a wait is on, this makes every turn of the loop sleep for an
// eighth of the time waited so far, up to 1 ms: a wait becomes an eighth longer at most. Those under 0.1 ms are left alone.

const NAP_AFTER_MS = 0.1;
const NAP_SHARE = 1 / 8;
const NAP_MS = 1;

/** The two calls of WebGPU that people wait for, as dawn.node's `globals` holds them. */
interface Waiting {
  GPUQueue: { prototype: { onSubmittedWorkDone(...args: never[]): Promise<unknown> } };
  GPUBuffer: { prototype: { mapAsync(...args: never[]): Promise<unknown> } };
}

const patched = new WeakSet<Waiting>();
let enabled = false;

/** Turns the sleeping wait on or off for this process. */
export function setNap(globals: Waiting, on: boolean): void {
  enabled = on;
  if (!on || patched.has(globals)) return;
  patched.add(globals);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  let pending = 0;
  let ticking = false;
  let since = 0;
  // One chain of ticks for all waits: a second chain would double the latency of every turn.
  const tick = () => {
    ticking = pending > 0;
    if (!ticking) return;
    const waited = performance.now() - since;
    if (waited > NAP_AFTER_MS) Atomics.wait(cell, 0, 0, Math.min(NAP_MS, waited * NAP_SHARE));
    setImmediate(tick);
  };
  const track = (promise: Promise<unknown>) => {
    if (!enabled) return promise;
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
  const { onSubmittedWorkDone } = globals.GPUQueue.prototype;
  globals.GPUQueue.prototype.onSubmittedWorkDone = function (...args) {
    return track(onSubmittedWorkDone.apply(this, args));
  };
  const { mapAsync } = globals.GPUBuffer.prototype;
  globals.GPUBuffer.prototype.mapAsync = function (...args) {
    return track(mapAsync.apply(this, args));
  };
}
