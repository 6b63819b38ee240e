// The worker: everything heavy of a page. It owns one model on one GPU and answers the requests of protocol.ts.

import { platform } from '#platform';
import { lengthOf } from '../audio/channels.ts';
import { MelodyError } from '../errors.ts';
import { MeLoDy } from '../pipeline/melody.ts';
import { audioOf, openModel } from '../pipeline/model.ts';
import type { StyleOptions } from '../pipeline/options.ts';
import { describeModel, openModelFiles } from './model_files.ts';
import { Pace } from './pace.ts';
import type { Calls, Description, PlainError, Reply, StoreUse, WavRequest, WorkerEvent, WorkerRequest } from './protocol.ts';

/** What a worker's global is, as far as we use it. */
interface Port {
  postMessage(message: Reply, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent<WorkerRequest>) => void) | null;
}

/** Tabs are stopped when one submit takes seconds: slow adapters get short ones. */
const DISPATCHES_PER_SUBMIT = 64;
/** A description looks at no more than this; what a listener wants to know is in the last minute. */
const MAX_MEASURED_SECONDS = 60;

/** A player tells so often what it has played. */
const REPORT_SECONDS = 0.1;

/** Players that wait for their turns on one engine. */
const QUEUE = 8;

type Result<K extends keyof Calls> = Promise<Calls[K][1]>;

/** One running request. */
interface Task {
  readonly abort: AbortController;
  /** Of a stream. */
  steer?: (style: StyleOptions) => void;
  /** It was asked for another style, which no window has taken up yet. */
  steered: boolean;
  /** Samples that were heard as of `heardAt` (milliseconds). */
  played: number;
  heardAt: number;
  wake: () => void;
  /** Takes as many threads as it needs now. */
  pace?: () => void;
  /** Settles when it was answered. */
  ended: Promise<void>;
}

class Host {
  readonly #port: Port;
  readonly #tasks = new Map<number, Task>();
  #melody: MeLoDy | undefined;
  /** How the model was opened, to open it again after a GPU that was lost twice. */
  #opened: { src: string; keep: boolean } | undefined;
  /** To who asked for music last: files of the model may be fetched for it. */
  #emit: (event: WorkerEvent) => void = () => {};

  constructor(port: Port) {
    this.#port = port;
    port.onmessage = ({ data }) => this.#hear(data);
  }

  #hear(request: WorkerRequest): void {
    const task = this.#tasks.get(request.id);
    if (request.type === 'abort') {
      task?.abort.abort();
      task?.wake();
    } else if (request.type === 'steer') {
      try {
        task?.steer?.(request.style);
        task?.pace?.();
      } catch (error) {
        const { message } = plain(error);
        this.#post({ type: 'event', id: request.id, event: { type: 'warning', code: 'ignored_control', message } });
      }
    } else if (request.type === 'played') {
      if (!task) return;
      if (request.samples > task.played) task.heardAt = performance.now();
      task.played = Math.max(task.played, request.samples);
      task.pace?.();
      task.wake();
    } else void this.#answer(request);
  }

  async #answer(request: Exclude<WorkerRequest, { type: 'abort' | 'steer' | 'played' }>): Promise<void> {
    const { id } = request;
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const task: Task = { abort: new AbortController(), steered: false, played: 0, heardAt: 0, wake: () => {}, ended };
    this.#tasks.set(id, task);
    try {
      const value = await this.#call(request, task);
      this.#post({ type: 'done', id, value }, buffersOf(value));
    } catch (error) {
      // A GPU lost twice in one job: the next job starts on a fresh one.
      if (error instanceof MelodyError && error.code === 'device_lost') this.#unload();
      this.#post({ type: 'failed', id, error: plain(error) });
    } finally {
      this.#tasks.delete(id);
      end();
    }
  }

  /** A job that was aborted may take a moment to end: the next one waits for it instead of being refused as `busy`. */
  async #afterAborted(task: Task): Promise<void> {
    for (const other of [...this.#tasks.values()]) if (other !== task && other.abort.signal.aborted) await other.ended;
  }

  async #call(request: Exclude<WorkerRequest, { type: 'abort' | 'steer' | 'played' }>, task: Task): Promise<unknown> {
    const emit = (event: WorkerEvent) => this.#post({ type: 'event', id: request.id, event });
    const { signal } = task.abort;
    if (request.type === 'load' || request.type === 'generate' || request.type === 'stream') this.#emit = emit;
    switch (request.type) {
      case 'describe':
        return describeModel(request.src, signal);
      case 'load':
        return this.#load(request, signal, emit);
      case 'generate':
      case 'stream':
        await this.#afterAborted(task);
        return request.type === 'stream' ? this.#stream(request, task, emit) : this.#generate(request.options, signal, emit);
      case 'measure':
        return describe(request.channels, request.sampleRate);
      case 'wav':
        return wavFile(request);
      case 'stats':
        return this.#stats();
      case 'stored':
        return stored();
      case 'remove':
        return platform.cache.remove(request.address);
      case 'unload':
        this.#opened = undefined;
        return this.#unload();
    }
  }

  async #load({ src, keep }: { src: string; keep: boolean }, signal: AbortSignal, emit: (event: WorkerEvent) => void): Result<'load'> {
    this.#unload();
    let kept = keep;
    const folder = await openModelFiles(src, {
      keep,
      signal,
      onFile: (file, fileReceived, fileTotal, received, total) =>
        emit({ type: 'fetching', file, fileReceived, fileTotal, received, total }),
      onLater: (file, received, total) => this.#emit({ type: 'download', file, received, total }),
      onWait: (file) => this.#emit({ type: 'waiting', file }),
      onNotKept: (message) => {
        kept = false;
        emit({ type: 'not_kept', message });
      },
    });
    const model = await openModel(folder, { signal });
    // A page takes any adapter that there is, also a software one: its code is here already, while the CPU's is another file to fetch.
    const device = (await globalThis.navigator?.gpu?.requestAdapter().catch(() => undefined)) ? 'gpu' : 'cpu';
    const melody = await MeLoDy.over(model, () => platform.openGpu(), {
      device,
      dispatchesPerSubmit: DISPATCHES_PER_SUBMIT,
      queue: QUEUE,
    });
    this.#melody = melody;
    this.#opened = { src, keep };
    const { caps } = melody.engine.device;
    return {
      name: model.name,
      ...audioOf(model.config),
      windowSeconds: model.config.window_seconds,
      adapter: caps.name,
      bindingBytes: caps.storageBinding,
      software: caps.executor !== 'gpu',
      kept,
    };
  }

  async #model(signal: AbortSignal): Promise<MeLoDy> {
    if (!this.#melody && this.#opened) await this.#load(this.#opened, signal, () => {});
    if (!this.#melody) throw new MelodyError('invalid_argument', 'load a model first');
    return this.#melody;
  }

  async #generate(options: Calls['generate'][0]['options'], signal: AbortSignal, emit: (event: WorkerEvent) => void): Result<'generate'> {
    const melody = await this.#model(signal);
    return melody.generate({ ...options, signal, onEvent: emit });
  }

  async #stream({ id, options, aheadSeconds }: { id: number } & Calls['stream'][0], task: Task, emit: (event: WorkerEvent) => void) {
    const { signal } = task.abort;
    const melody = await this.#model(signal);
    const pace = new Pace(melody.engine);
    const onEvent = (event: WorkerEvent) => {
      if (event.type === 'steered') pace.next = undefined; // what was made ahead is dropped
      emit(event);
    };
    const stream = melody.stream({ ...options, signal, onEvent });
    const heardSeconds = () => {
      task.steered = false;
      return task.played / melody.sampleRate + Math.min(REPORT_SECONDS, (performance.now() - task.heardAt) / 1000);
    };
    task.steer = (style) => {
      stream.steer(style, { heardSeconds });
      task.steered = true;
      task.wake();
    };
    let end: number | undefined; // sample after those that were made
    let since = performance.now();
    task.pace = () => pace.ahead(task.steered ? 0 : ((end ?? 0) - task.played) / melody.sampleRate);
    emit({ type: 'started', recipe: stream.recipe });
    try {
      for await (const { channels, sampleRate, startSample, nextSeconds } of stream) {
        const seconds = lengthOf(channels) / sampleRate;
        const speed = pace.speedAfter(seconds, (performance.now() - since) / 1000);
        const send = () => this.#post({ type: 'chunk', id, channels, sampleRate, startSample, speed }, buffersOf({ channels }));
        pace.flush();
        pace.next = nextSeconds;
        if (end === undefined) pace.first(send, seconds);
        else send();
        end = startSample + lengthOf(channels);
        task.pace();
        // No faster than it is heard, but for the part that may lie ahead, and what is to be made anew.
        while (!signal.aborted && !task.steered && end - task.played > aheadSeconds * sampleRate) {
          await new Promise<void>((resolve) => {
            task.wake = resolve;
          });
        }
        if (signal.aborted) throw new MelodyError('aborted', 'stopped by its AbortSignal');
        since = performance.now();
      }
      pace.flush();
    } finally {
      pace.end();
    }
    return undefined;
  }

  async #stats(): Result<'stats'> {
    const engine = this.#melody?.engine;
    const memory = engine?.device.memory;
    return {
      gpuBytes: memory?.bytes ?? 0,
      gpuBuffers: memory?.buffers ?? 0,
      gpuPeakBytes: memory?.peakBytes ?? 0,
      recoveries: engine?.recoveries ?? 0,
    };
  }

  #unload(): void {
    this.#melody?.dispose();
    this.#melody = undefined;
  }

  #post(reply: Reply, transfer: Transferable[] = []): void {
    this.#port.postMessage(reply, transfer);
  }
}

async function describe(channels: Float32Array[], sampleRate: number): Result<'measure'> {
  const last = channels.map((channel) => channel.subarray(-MAX_MEASURED_SECONDS * sampleRate)); // all of a shorter one
  const { measureClip } = await import('../audio/measure.ts');
  const report = measureClip(last, sampleRate);
  const words: Description = {
    tempo: report.rhythm.tempo,
    key: report.tonality?.key.clear ? report.tonality.key.name : undefined,
    loudness: report.loudness.integrated,
    duration: lengthOf(channels) / sampleRate,
    sections: report.structure && 1 + Math.round((report.structure.noveltyPeaksPerMinute * report.duration) / 60),
    suspect: report.suspect,
  };
  return words;
}

async function wavFile({ channels, sampleRate, recipe, title, license }: WavRequest): Result<'wav'> {
  const [{ recipeTags }, { writeWav }] = await Promise.all([import('../audio/wav_tags.ts'), import('../audio/wav_write.ts')]);
  return writeWav({ channels, sampleRate, tags: recipeTags({ recipe, software: 'melody', license, title }) });
}

async function stored(): Result<'stored'> {
  const estimate = await globalThis.navigator?.storage?.estimate?.().catch(() => undefined);
  return { entries: await platform.cache.list(), ...estimate } as StoreUse;
}

function plain(error: unknown): PlainError {
  if (error instanceof MelodyError) return { code: error.code, message: error.message, hint: error.hint };
  return { code: 'gpu', message: String(error instanceof Error ? error.message : error), hint: 'please report this' };
}

/** Audio is handed over, not copied. */
function buffersOf(value: unknown): Transferable[] {
  if (value instanceof Uint8Array) return [value.buffer];
  const { channels } = (value ?? {}) as { channels?: Float32Array[] };
  return Array.isArray(channels) ? channels.map((channel) => channel.buffer) : [];
}

new Host(globalThis as unknown as Port);
