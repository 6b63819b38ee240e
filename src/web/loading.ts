// Loading a model for a session: one at a time, and the last one asked for counts.
import type { MelodyWorker } from './client.ts';
import type { ModelInfo } from './protocol.ts';
import { type SnapshotStore, shownError } from './snapshot.ts';

export class Loading {
  readonly #worker: MelodyWorker;
  readonly #store: SnapshotStore;
  #running: AbortController | undefined;
  #answered: Promise<unknown> | undefined; // when the worker is done with the last load

  constructor(worker: MelodyWorker, store: SnapshotStore) {
    this.#worker = worker;
    this.#store = store;
  }

  /** Loads once `free` is settled; resolves to whether the model is there. `keep`: asks the browser to keep it for good. */
  async load(src: string, keep: boolean, free: Promise<unknown>): Promise<boolean> {
    const store = this.#store;
    const ready = Promise.all([free, this.#answered]);
    const abort = new AbortController();
    this.#running = abort;
    store.set({ state: 'loading', model: undefined, loading: undefined, waiting: false, error: undefined, warnings: [] });
    if (keep) void navigator.storage?.persist?.().catch(() => {}); // then it may be thrown away, as without asking
    const opening = ready.then(() => this.#open(src, keep, abort.signal));
    this.#answered = opening.catch(() => {});
    try {
      const model = await opening;
      if (abort.signal.aborted) return false;
      this.#running = undefined;
      store.set({ state: 'ready', model, loading: undefined, waiting: false });
      return true;
    } catch (error) {
      if (!abort.signal.aborted) store.set({ state: 'empty', loading: undefined, waiting: false, error: shownError(error) });
      return false;
    }
  }

  cancel(): void {
    this.#running?.abort();
    this.#running = undefined;
    if (this.#store.now.state === 'loading') this.#store.set({ state: 'empty', loading: undefined, waiting: false });
  }

  async #open(src: string, keep: boolean, signal: AbortSignal): Promise<ModelInfo> {
    signal.throwIfAborted();
    const model = await this.#worker.load(src, {
      keep,
      signal,
      onFetching: (loading) => this.#store.set({ loading, waiting: false }),
      onWaiting: () => this.#store.set({ waiting: true }),
      onNotKept: (message) => this.#store.warn(`The model is not kept for next time: ${message}.`),
    });
    if (signal.aborted) await this.#worker.unload(); // called off when it was past calling off
    return model;
  }
}
