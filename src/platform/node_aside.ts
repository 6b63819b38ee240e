// One thread for long work on samples (audio/sound_work.ts), which would hold up the caller's event loop for a second. It starts with the
// first task or when one is expected, keeps no process alive, and ends when it has had nothing to do for a while.
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { MelodyError } from '../errors.ts';

const IDLE_MS = 30_000; // a server's next clip finds it warm: its code is three times as fast by then
const YOUNG_MB = 4; // what it makes on the way is soon forgotten: it need not be kept long

interface Task {
  readonly number: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** `value` of a task that was done; without it the task failed, and whoever wanted it finds out why by doing it. */
type Answer = { readonly number: number; readonly value?: unknown };

/** Where the thread cannot run, because a bundler left its file out or the machine has no room, it is not tried again. */
let lacking = false;
let workerData: unknown;
let worker: Worker | undefined;
let idle: NodeJS.Timeout | undefined;
let tasks = 0;
const waiting = new Map<number, (answer: Answer | undefined) => void>();

/** What threads that start from now on are given: what their file then need not have too. */
export function bringAside(data: unknown): void {
  workerData = data;
}

/** What the thread makes of a task; undefined where there is no thread, or where the task failed there: then do it here. */
export async function runAside(
  file: URL | undefined,
  name: string,
  args: readonly unknown[],
  signal?: AbortSignal,
): Promise<{ value: unknown } | undefined> {
  if (lacking || !file || !isMainThread) return undefined; // a worker of the host's is aside already
  const number = ++tasks;
  let stop: (() => void) | undefined;
  const answer = await new Promise<Answer | undefined>((settle, fail) => {
    stop = () => fail(new MelodyError('aborted', 'stopped by its AbortSignal'));
    if (signal?.aborted) return stop();
    signal?.addEventListener('abort', stop);
    waiting.set(number, settle);
    clearTimeout(idle);
    try {
      worker ??= start(file);
      worker.ref();
      const sent = args.map(copied);
      worker.postMessage({ number, name, args: sent } satisfies Task, sent.flatMap(samplesOf));
    } catch {
      end();
    }
  }).finally(() => signal?.removeEventListener('abort', stop as () => void));
  return answer && 'value' in answer ? { value: answer.value } : undefined;
}

/** A task will come: the thread starts meanwhile. */
export function expectAside(file: URL | undefined): void {
  if (lacking || !file || !isMainThread || worker) return;
  try {
    worker = start(file);
    rest(worker);
  } catch {
    end();
  }
}

function start(file: URL): Worker {
  const made = new Worker(file, { workerData, execArgv: [], resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } });
  made.on('message', (answer: Answer) => {
    waiting.get(answer.number)?.(answer);
    waiting.delete(answer.number);
    if (waiting.size === 0) rest(made);
  });
  const over = () => {
    if (worker === made) end();
  };
  made.on('error', over);
  made.on('exit', over);
  return made;
}

/** It has nothing to do: it keeps no process alive, and ends after a while. */
function rest(resting: Worker): void {
  resting.unref();
  idle = setTimeout(() => {
    worker = undefined;
    void resting.terminate();
  }, IDLE_MS).unref();
}

/** The thread is gone, and everybody does what they wanted of it themselves. */
function end(): void {
  lacking = true;
  worker = undefined;
  for (const settle of waiting.values()) settle(undefined);
  waiting.clear();
}

/** The thread's side: does tasks by the names of `work`, one after another. */
export function serveTasks(work: object): void {
  parentPort?.on('message', ({ number, name, args }: Task) => {
    try {
      const value = (work as Record<string, ((...args: readonly unknown[]) => unknown) | undefined>)[name]?.(...args);
      parentPort?.postMessage({ number, value } satisfies Answer, buffersOf(value));
    } catch {
      parentPort?.postMessage({ number } satisfies Answer);
    }
  });
}

/** Channels of their own, to be moved: a message that copies them needs three times their memory. The caller's stay, should the thread fail. */
const copied = (arg: unknown) => (Array.isArray(arg) ? arg.map((one) => (one instanceof Float32Array ? one.slice() : one)) : arg);

/** The samples in an answer, which are moved rather than copied: this thread has no more use for them. */
const buffersOf = (value: unknown) => samplesOf(Array.isArray(value) ? value : (value as { audio?: unknown } | undefined)?.audio);

function samplesOf(channels: unknown): ArrayBuffer[] {
  const samples = Array.isArray(channels) ? channels.filter((one) => one instanceof Float32Array) : [];
  return [...new Set(samples.map(({ buffer }) => buffer as ArrayBuffer))];
}
