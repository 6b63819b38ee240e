// Threads in a page or a worker: workers of a few lines. A file of its own, since only the CPU executor wants it.

import type { Thread, ThreadEvents, Threads } from './platform.ts';
import { trustedScript } from './trusted.ts';

function startThread(code: string, data: unknown, on: ThreadEvents): Thread {
  const source = `onmessage = ({ data }) => (${code})(data, (message) => postMessage(message));`;
  const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const worker = new Worker(trustedScript(address));
  worker.onmessage = ({ data }) => on.message(data);
  worker.onerror = (event) => on.end(event.message || 'it could not be started; a content security policy must allow blob: in worker-src');
  worker.postMessage(data);
  return {
    hold: () => {},
    stop() {
      worker.terminate();
      URL.revokeObjectURL(address);
    },
  };
}

export const webThreads: Threads = {
  cores: globalThis.navigator?.hardwareConcurrency ?? 1,
  canShareMemory: globalThis.crossOriginIsolated === true,
  startThread,
};
