// Players of one page with the same model share one worker: one engine, one set of weights.
import { MelodyWorker } from './client.ts';

const workers = new Map<string, { readonly worker: MelodyWorker; users: number }>();

/** The worker of that model folder; to be given back. Throws `io`. */
export function takeWorker(src: string): MelodyWorker {
  const address = URL.canParse(src, document.baseURI) ? new URL(src, document.baseURI).href : src;
  const known = workers.get(address);
  if (known && !known.worker.fault) {
    known.users += 1;
    return known.worker;
  }
  const worker = new MelodyWorker();
  workers.set(address, { worker, users: 1 });
  return worker;
}

/** Ends it where nobody else uses it. */
export function giveWorker(worker: MelodyWorker): void {
  const found = [...workers].find(([, entry]) => entry.worker === worker);
  if (found) {
    const [address, entry] = found;
    entry.users -= 1;
    if (entry.users > 0) return;
    workers.delete(address);
  } // else it failed, and another one took its place
  worker.terminate();
}
