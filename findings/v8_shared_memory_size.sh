#!/usr/bin/env bash
# Node 22.23.3 (npm `node`), V8: `memory.size` of a shared WebAssembly memory that another thread has grown.
# A thread inside its first call of a function, which V8 has compiled only once, waits in a loop for another thread's word that memory has grown,
# sees the word, and asks memory.size: it gets the old size. A plain load and store beyond it go through; memory.fill there is refused ("memory
# access out of bounds"). memory.grow by 0 gives the new size, and memory.size and memory.fill are right from then on.
# One would expect the size to be seen by whoever sees what was written after it. Way round: memory.grow(0) before bulk operations.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"type":"module"}' >package.json
npm install --silent --no-audit --no-fund node@22.23.3 wabt@1.0.39
cat >see.mjs <<'JAVASCRIPT'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import wabt from 'wabt';

// From 64 on: the size as memory.size says it, what a store beyond the old end left there, the size by memory.grow(0), and by memory.size again.
const TEXT = (fill) => `(module (import "env" "memory" (memory 1 8 shared))
  (func (export "wait")
    (loop $on (br_if $on (i32.eqz (i32.atomic.load (i32.const 0)))))
    (i32.store (i32.const 64) (memory.size))
    (i32.store (i32.const 65536) (i32.const 7))
    (i32.store (i32.const 68) (i32.load (i32.const 65536)))
    ${fill ? '(memory.fill (i32.const 65536) (i32.const 1) (i32.const 4))' : ''}
    (i32.store (i32.const 72) (memory.grow (i32.const 0)))
    (i32.store (i32.const 76) (memory.size))
    (memory.fill (i32.const 65536) (i32.const 1) (i32.const 4))))`;

if (!isMainThread) {
  const { module, memory } = workerData;
  const { wait } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  parentPort.postMessage('ready');
  try {
    wait();
    parentPort.postMessage('it went through');
  } catch (error) {
    parentPort.postMessage(error.message);
  }
} else {
  const { parseWat } = await wabt();
  const seen = [];
  for (const fill of [false, true]) {
    const module = new WebAssembly.Module(parseWat('a.wat', TEXT(fill), { threads: true, bulk_memory: true }).toBinary({}).buffer);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 8, shared: true });
    const worker = new Worker(new URL(import.meta.url), { workerData: { module, memory } });
    const told = () => new Promise((go) => worker.once('message', go));
    await told();
    await new Promise((go) => setTimeout(go, 100)); // it is in its loop
    memory.grow(1);
    const answer = told();
    Atomics.store(new Int32Array(memory.buffer), 0, 1);
    const end = await answer;
    const [size, stored, grown, again] = new Int32Array(memory.buffer, 64, 4);
    console.log(process.version, fill ? 'memory.fill first:' : 'memory.grow(0) first:', { size, stored, grown, again, end });
    seen.push(size, stored, ...(fill ? [] : [grown, again]), end);
    await worker.terminate();
  }
  process.exit(seen.join() === '1,7,2,2,it went through,1,7,memory access out of bounds' ? 0 : 1);
}
JAVASCRIPT
node_modules/node/bin/node see.mjs
