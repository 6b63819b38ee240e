// The page's side of the worker: promises, callbacks and AbortSignals in place of messages.
import { MelodyError } from '../errors.ts';
import type { Clip } from '../pipeline/melody.ts';
import type { GenerateOptions, MelodyEvent, Recipe, StreamOptions, StyleOptions, WaitingEvent } from '../pipeline/options.ts';
import { trustedScript } from '../platform/trusted.ts';
import type {
  Calls,
  Description,
  FetchingEvent,
  ModelFiles,
  ModelInfo,
  Plain,
  Reply,
  StoreUse,
  WavRequest,
  WorkerRequest,
  WorkerStats,
} from './protocol.ts';

/** Callbacks of a load, and the signal that ends it. */
export interface LoadCallbacks {
  /** Aborts the load; it then rejects with `aborted`. */
  signal?: AbortSignal;
  /** Called as bytes arrive. */
  onFetching?: (progress: FetchingEvent) => void;
  /** The server of a file has sent nothing for 5 seconds; after 20 it is given up. */
  onWaiting?: (event: WaitingEvent) => void;
  /** The browser keeps no more; the weights are held in memory and fetched again next time. */
  onNotKept?: (message: string) => void;
}

/** Callbacks of a stream, and the signal that ends it. */
export interface StreamCallbacks {
  /** Ends the stream; `finished` then rejects with `aborted`. */
  signal?: AbortSignal;
  /** Called once, before the first chunk. */
  onStart?: (recipe: Recipe) => void;
  /**
   * Of every channel the next samples, as many of each; after a change they may begin before the last ones end, and take their place. `speed`: seconds
   * of music that this machine makes in a second.
   */
  onChunk: (channels: Float32Array[], sampleRate: number, startSample: number, speed: number) => void;
  /** Called with progress, warnings and what the model decides. */
  onEvent?: (event: MelodyEvent) => void;
}

/** A stream that the worker makes. */
export interface RunningStream {
  /** Settles when all chunks were made. */
  readonly finished: Promise<void>;
  /** Changes the style soon, as `MelodyStream.steer` with what was reported as `played`: chunks after it may take the place of earlier ones. */
  steer(style: StyleOptions): void;
  /** How many samples of each channel were heard: music is made at most `aheadSeconds` ahead of it. */
  played(samples: number): void;
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  hear(reply: Extract<Reply, { type: 'event' | 'chunk' }>): void;
}

/** The engine in a worker of its own, as promises. */
export class MelodyWorker {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #count = 0;
  #fault: MelodyError | undefined;
  #model: { readonly address: string; readonly keep: boolean; readonly info: ModelInfo } | undefined; // that it has open

  /** Starts the worker that lies beside this script, or takes one that the page started; nothing is fetched but its code. Throws `io`. */
  constructor(worker = startWorker()) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Reply>) => this.#hear(data);
    worker.onerror = ({ message = 'its script could not be read, or a policy of the page forbids it' }) =>
      this.#end(new MelodyError('io', `the worker stopped: ${message}`, 'reload the page; for policies see docs/player.md'));
  }

  /** Why it answers nothing any more. */
  get fault(): MelodyError | undefined {
    return this.#fault;
  }

  /** Sizes of a model folder's files, from its manifest alone. Throws `io`, `weights`. */
  describe(src: string): Promise<ModelFiles> {
    return this.#ask('describe', { src: fromPage(src) }).answer;
  }

  /** Fetch (or take from this browser), check and open a model; at once where this worker has it open. Aborting and loading again resumes. Throws `io`, `weights`, `no_adapter`. */
  load(
    src: string,
    { keep = true, signal, onFetching, onWaiting, onNotKept }: { keep?: boolean } & LoadCallbacks = {},
  ): Promise<ModelInfo> {
    const address = fromPage(src);
    const load = async () => {
      if (this.#model?.address === address && this.#model.keep === keep) return this.#model.info;
      this.#model = undefined;
      const { answer } = this.#ask('load', { src: address, keep }, signal, (reply) => {
        if (reply.type !== 'event') return;
        if (reply.event.type === 'fetching') onFetching?.(reply.event);
        if (reply.event.type === 'waiting') onWaiting?.(reply.event);
        if (reply.event.type === 'not_kept') onNotKept?.(reply.event.message);
      });
      const info = await answer;
      this.#model = { address, keep, info };
      return info;
    };
    return oneAtATime(`melody ${address.replace(/\/$/, '')}`, signal, load);
  }

  /** As Melody.generate, but for drafts: they stay where they are made. */
  generate({ signal, onEvent, ...options }: Omit<GenerateOptions, 'draft'>): Promise<Clip> {
    return this.#ask('generate', { options }, signal, (reply) => {
      if (reply.type === 'event') onEvent?.(reply.event as MelodyEvent);
    }).answer;
  }

  /** As Melody.stream; chunks come by callback, at most `aheadSeconds` more than was reported as played. */
  stream(options: Plain<StreamOptions>, aheadSeconds: number, { signal, onStart, onChunk, onEvent }: StreamCallbacks): RunningStream {
    const { id, answer } = this.#ask('stream', { options, aheadSeconds }, signal, (reply) => {
      if (reply.type === 'chunk') onChunk(reply.channels, reply.sampleRate, reply.startSample, reply.speed);
      else if (reply.event.type === 'started') onStart?.(reply.event.recipe);
      else onEvent?.(reply.event as MelodyEvent);
    });
    return {
      finished: answer,
      steer: (style) => this.#post({ type: 'steer', id, style }),
      played: (samples) => this.#post({ type: 'played', id, samples }),
    };
  }

  /** What a finished clip sounds like, in numbers. The samples are copied. */
  measure(channels: Float32Array[], sampleRate: number): Promise<Description> {
    return this.#ask('measure', { channels, sampleRate }).answer;
  }

  /** A WAV file with its recipe inside. */
  wav(request: WavRequest): Promise<Uint8Array> {
    return this.#ask('wav', request).answer;
  }

  /** What the engine holds on the GPU. */
  stats(): Promise<WorkerStats> {
    return this.#ask('stats', {}).answer;
  }

  /** What this origin keeps of models. */
  stored(): Promise<StoreUse> {
    return this.#ask('stored', {}).answer;
  }

  /** Forget one kept file, or all; resolves with the bytes freed. */
  remove(address?: string): Promise<number> {
    return this.#ask('remove', { address }).answer;
  }

  /** Free the model and its GPU memory. */
  unload(): Promise<undefined> {
    this.#model = undefined;
    return this.#ask('unload', {}).answer;
  }

  /** End the worker at once. */
  terminate(): void {
    this.#end(new MelodyError('aborted', 'the worker was ended'));
  }

  #end(fault: MelodyError): void {
    this.#fault = fault;
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(fault);
    this.#pending.clear();
  }

  #ask<K extends keyof Calls>(type: K, body: Calls[K][0], signal?: AbortSignal, hear: Pending['hear'] = () => {}) {
    const id = ++this.#count;
    const abort = () => this.#post({ type: 'abort', id });
    const answer = new Promise<Calls[K][1]>((resolve, reject) => {
      if (this.#fault) return reject(this.#fault);
      this.#pending.set(id, { resolve: resolve as (value: unknown) => void, reject, hear: (reply) => !signal?.aborted && hear(reply) });
      this.#post({ type, id, ...body } as unknown as WorkerRequest);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    }).finally(() => signal?.removeEventListener('abort', abort));
    return { id, answer };
  }

  #hear(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    if (reply.type === 'event' || reply.type === 'chunk') {
      pending.hear(reply);
      return;
    }
    this.#pending.delete(reply.id);
    if (reply.type === 'done') pending.resolve(reply.value);
    else pending.reject(new MelodyError(reply.error.code, reply.error.message, reply.error.hint));
  }

  #post(request: WorkerRequest): void {
    this.#worker.postMessage(request);
  }
}

function startWorker(): Worker {
  try {
    const own = /^http.*\/melody-player\.js/.exec(import.meta.url); // else it is in somebody's bundle, whose maker finds the worker by the words below
    return own
      ? startBeside(import.meta.url.replace('-player.js', '-worker.js'))
      : new Worker(new URL('./melody-worker.js', import.meta.url), { type: 'module', name: 'melody' });
  } catch (cause) {
    const trusted = 'trustedTypes' in globalThis ? ' (Trusted Types: one named default)' : '';
    const hint = `melody-worker.js must lie beside melody-player.js, and a policy of the page${trusted} must allow it: docs/player.md`;
    throw new MelodyError('io', `the worker could not be started: ${cause}`, hint, { cause });
  }
}

/** A script of another site (a CDN) may be no worker, but a script of the page's own may import it. */
function startBeside(script: string): Worker {
  const foreign = new URL(script).origin !== location.origin;
  const address = foreign ? URL.createObjectURL(new Blob([`import ${JSON.stringify(script)}`], { type: 'text/javascript' })) : script;
  return new Worker(trustedScript(address), { type: 'module', name: 'melody' });
}

/** Work on what all tabs of this origin share: two downloads into one place would break each other. */
async function oneAtATime<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  let running: Promise<T> | undefined;
  const start = () => (running ??= work());
  // Where the browser gives this page no locks, it goes without.
  await navigator.locks?.request(name, { signal } as LockOptions, start).catch(() => undefined);
  if (!running && signal?.aborted) throw new MelodyError('aborted', 'stopped by its AbortSignal');
  return start();
}

/** An address is relative to the page that names it, not to the worker's script, which may lie in another folder. */
function fromPage(src: string): string {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  return src !== '' && URL.canParse(src, base) ? new URL(src, base).href : src; // what is no address is refused by the worker, in words
}
