// The worker that computes, started by the first thing that is asked of it: its engine takes a processor a tenth of a second to read, and the
// pieces that lie beside the page sound without it.

/** As much of a Worker as src/web/client.ts uses. */
class LateWorker implements Pick<Worker, 'onmessage' | 'onerror' | 'postMessage' | 'terminate'> {
  onmessage: Worker['onmessage'] = null;
  onerror: Worker['onerror'] = null;
  #worker: Worker | undefined;

  postMessage(message: unknown): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(message);
  }

  terminate(): void {
    this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL('./melody-worker.js', import.meta.url), { type: 'module', name: 'melody' });
    worker.onmessage = (event) => this.onmessage?.call(worker, event);
    worker.onerror = (event) => this.onerror?.call(worker, event);
    return worker;
  }
}

export const lateWorker = () => new LateWorker() as unknown as Worker;
