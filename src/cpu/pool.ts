// The threads that compute and the one memory they share: jobs go in by number, and are done in order.
import { MelodyError } from '../errors.ts';
import type { Thread, Threads } from '../platform/platform.ts';
import { webThreads } from '../platform/web_threads.ts';
import { Allocator } from './allocator.ts';
import { CANCELLED, HEAP, JOB, JOB_BYTES, MOST_THREADS, RELAXED, RING, RING_JOBS, WORD } from './layout.ts';
import { loadModule, loadRelaxed, makeMemory, type Products, reach } from './module.ts';

export interface PoolOptions {
  /** Threads that compute; default all cores, at most 8. 0: none but the caller's, a slice at a time. The result does not depend on it. */
  threads?: number | undefined;
  /** Keep products in the plain build, which has one result on every machine, where a faster one could be used. Default false. */
  plain?: boolean | undefined;
}

interface Job {
  readonly kind: number;
  readonly words: readonly number[]; // four at most
  readonly report: boolean;
  readonly times: number;
  /** Memory that is free again once the job is done. */
  readonly holds: readonly number[];
  readonly owner: object | undefined;
  readonly relaxed: boolean;
}

interface JobOptions {
  report?: boolean | undefined;
  times?: number | undefined;
  holds?: readonly number[] | undefined;
  /** Who may cancel it. */
  owner?: object | undefined;
  /** Products may be relaxed, where the pool is. */
  relaxed?: boolean | undefined;
}

const DEFAULT_THREADS = 8; // at most
const REPORT_EVERY = 64; // jobs: so that a full ring is emptied even if nobody waits
const SLICE_MS = 8; // without threads: how long commands run before the event loop turns
const SCRATCH = 512 * 1024;

/** What a thread does: nothing but the loop inside the module. It runs as text, since a bundle knows no path of its own parts. */
const THREAD = `({ module, relaxed, memory, thread, threads }, post) => {
  const env = { memory, report: post, now: () => performance.now(), plain4x8() {}, plain2x16() {} };
  if (relaxed) Object.assign(env, new WebAssembly.Instance(relaxed, { env }).exports);
  new WebAssembly.Instance(module, { env }).exports.work(thread, threads);
}`;

const NO_PRODUCTS: Products = { plain4x8() {}, plain2x16() {} };

/** The pool of this process, while anybody uses it. */
let shared: Promise<Pool> | undefined;

export class Pool {
  readonly memory: WebAssembly.Memory;
  /** Threads that compute; 0 where memory cannot be shared: then the caller's computes, a slice at a time. */
  readonly threads: number;
  /** Products of plans that may be relaxed are. */
  readonly relaxed: boolean;
  #plain = false; // asked for
  #team: Thread[] = [];
  #inline: Exports | undefined;
  readonly #allocator = new Allocator(HEAP);
  #users = 0;
  readonly #resting = new Map<object, number>(); // threads that each user can do without
  #posted = 0; // jobs in the ring or past it
  #done = 0; // as last reported
  #waiting: Job[] = []; // beyond the ring
  readonly #holds = new Map<number, readonly number[]>(); // by job number
  readonly #owners = new Array<object | undefined>(RING_JOBS); // of the jobs in the ring
  #sleepers: { number: number; wake: () => void }[] = [];
  #failure: MelodyError | undefined;
  #scratch = 0;
  #scratchBytes = 0; // a thread
  #running = false; // without threads: the loop is on

  private constructor(memory: WebAssembly.Memory, threads: number, relaxed: boolean) {
    this.memory = memory;
    this.threads = threads;
    this.relaxed = relaxed;
  }

  /** The pool that all of this process share; `leave` it when done. Options count for who opens it. Throws `no_adapter`, `out_of_memory`. */
  static async enter(host: Threads = webThreads, options: PoolOptions = {}): Promise<Pool> {
    let pool = await shared?.catch(() => undefined);
    if (
      !pool ||
      pool.#failure ||
      (options.threads !== undefined && options.threads !== pool.threads) ||
      pool.#plain !== (options.plain === true)
    ) {
      const opening = Pool.#open(host, options);
      shared = opening;
      pool = await opening;
    }
    pool.#users += 1;
    pool.#rest(); // the new user has agreed to nothing
    return pool;
  }

  static async #open(host: Threads, options: PoolOptions): Promise<Pool> {
    const canShare = host.canShareMemory && options.threads !== 0;
    const threads = canShare ? Math.max(1, Math.min(options.threads ?? Math.min(host.cores, DEFAULT_THREADS), MOST_THREADS)) : 0;
    const module = await loadModule(canShare);
    const relaxed = options.plain ? undefined : await loadRelaxed(canShare);
    const pool = new Pool(makeMemory(canShare), threads, relaxed !== undefined);
    pool.#plain = options.plain === true;
    pool.#resizeScratch(SCRATCH);
    if (!canShare) {
      const { memory } = pool;
      const env = { memory, report() {}, now: () => performance.now(), ...NO_PRODUCTS };
      if (relaxed) Object.assign(env, new WebAssembly.Instance(relaxed, { env }).exports);
      pool.#inline = new WebAssembly.Instance(module, { env }).exports as unknown as Exports;
      return pool;
    }
    for (let thread = 0; thread < threads; thread++) {
      const data = { module, relaxed, memory: pool.memory, thread, threads };
      const on = { message: (done: unknown) => pool.#report(done as number), end: (reason: string) => pool.#fail(reason) };
      pool.#team.push(host.startThread(THREAD, data, on));
    }
    return pool;
  }

  /** Ends the threads when nobody is left. */
  leave(user: object): void {
    this.#users -= 1;
    this.#resting.delete(user);
    if (this.#users > 0) this.#rest();
    else this.#close();
  }

  /** Throws what ended the pool: `device_lost`. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Memory for so many bytes, at a multiple of 64. Throws `out_of_memory`. */
  take(bytes: number, label: string): number {
    const at = this.#allocator.take(bytes);
    try {
      reach(this.memory, this.#allocator.end);
      Atomics.store(this.#words, WORD.pages / 4, this.memory.buffer.byteLength / 65_536);
    } catch (cause) {
      this.#allocator.give(at);
      throw new MelodyError(
        'out_of_memory',
        `${label}: no memory for ${bytes} bytes; WebAssembly has ${this.memory.buffer.byteLength} and gets no more: ${(cause as Error).message}`,
        'use a shorter duration, a smaller model, or fewer parallel windows',
        { cause },
      );
    }
    return at;
  }

  /** Free once all jobs so far are done. */
  give(...places: number[]): void {
    if (places.length === 0) return;
    if (this.idle) for (const at of places) this.#allocator.give(at);
    else this.post(JOB.mark, [], { holds: places });
  }

  sizeOf(at: number): number {
    return this.#allocator.sizeOf(at);
  }

  /** Have all jobs been done, as far as the host can see? Then it may write to memory itself. */
  get idle(): boolean {
    if (this.#waiting.length > 0) return false;
    return this.threads === 0 ? this.#done === this.#posted : Atomics.load(this.#words, WORD.done / 4) === this.#posted;
  }

  /** Room for a thread's own sums, at least so many bytes. */
  needScratch(bytes: number): void {
    if (bytes > this.#scratchBytes) this.#resizeScratch(bytes);
  }

  /** Append a job; returns the number of jobs that must be done for this one to be. */
  post(kind: number, words: readonly number[], options: JobOptions = {}): number {
    this.check();
    const { report = false, times = 0, holds = [], owner, relaxed = false } = options;
    this.#waiting.push({ kind, words, report, times, holds, owner, relaxed: relaxed && this.relaxed });
    const number = this.#posted + this.#waiting.length;
    this.#flush();
    return number;
  }

  /** Wait until all jobs posted so far are done. Throws `device_lost`. */
  async settle(): Promise<void> {
    const number = this.post(JOB.mark, [], { report: true });
    if (this.#done < number) await new Promise<void>((wake) => this.#sleepers.push({ number, wake }));
    this.check();
  }

  /** Runs of this owner that were posted so far end at their next command; what they would have made is left unmade. */
  cancel(owner: object): void {
    for (const [i, job] of this.#waiting.entries())
      if (job.owner === owner && job.kind === JOB.run) this.#waiting[i] = { ...job, kind: JOB.mark };
    for (let number = this.#done; number < this.#posted; number++) {
      const slot = number % RING_JOBS;
      if (this.#owners[slot] === owner) Atomics.store(this.#words, (RING + slot * JOB_BYTES + CANCELLED) / 4, 1);
    }
  }

  /**
   * So many threads rest from their next part on, as far as every user agrees, and leave their cores to others: never all, but with Infinity, for a second
   * at most. True if any does.
   */
  restThreads(user: object, count: number): boolean {
    this.#resting.set(user, count === Infinity ? this.threads : Math.min(count, this.threads - 1));
    return this.#rest();
  }

  #rest(): boolean {
    if (this.threads === 0) return false;
    const agreed = this.#resting.size < this.#users ? 0 : Math.max(0, Math.min(...this.#resting.values()));
    const words = this.#words;
    if (Atomics.exchange(words, WORD.resting / 4, agreed) !== agreed) Atomics.notify(words, WORD.resting / 4);
    return agreed > 0;
  }

  get #words(): Int32Array {
    return new Int32Array(this.memory.buffer, 0, HEAP / 4);
  }

  #flush(): void {
    const before = this.#posted;
    const words = this.#words;
    while (this.#waiting.length > 0 && this.#posted - this.#done < RING_JOBS) {
      const job = this.#waiting.shift() as Job;
      const at = (RING + (this.#posted % RING_JOBS) * JOB_BYTES) / 4;
      this.#posted += 1;
      const report = job.report || this.#posted % REPORT_EVERY === 0;
      words.fill(0, at, at + JOB_BYTES / 4);
      words.set([job.kind, ...job.words], at);
      words.set([report ? 1 : 0, this.#scratch, this.#scratchBytes, job.times], at + 5);
      words[at + RELAXED / 4] = job.relaxed ? 1 : 0;
      this.#owners[(this.#posted - 1) % RING_JOBS] = job.owner;
      if (job.holds.length) this.#holds.set(this.#posted, job.holds);
    }
    if (this.#posted === before) return;
    if (this.#inline) {
      void this.#runInline();
      return;
    }
    for (const thread of this.#team) thread.hold(true);
    Atomics.store(words, WORD.posted / 4, this.#posted);
    Atomics.notify(words, WORD.posted / 4);
  }

  /** Whichever thread ended a job says so: a later word may come first. */
  #report(done: number): void {
    if (done <= this.#done) return;
    this.#done = done;
    for (const [number, places] of this.#holds) {
      if (number > done) break; // in order of their numbers
      for (const at of places) this.#allocator.give(at);
      this.#holds.delete(number);
    }
    this.#flush();
    const awake = this.#sleepers.filter(({ number }) => number <= done);
    this.#sleepers = this.#sleepers.filter(({ number }) => number > done);
    for (const { wake } of awake) wake();
    if (this.#sleepers.length === 0) for (const thread of this.#team) thread.hold(false);
  }

  /** Without threads: jobs on this one, turning the event loop every few milliseconds. */
  async #runInline(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    const { step } = this.#inline as Exports;
    let since = performance.now();
    try {
      while (this.#done < this.#posted) {
        const job = RING + (this.#done % RING_JOBS) * JOB_BYTES;
        const [kind, , count = 0] = this.#words.subarray(job / 4, job / 4 + 3);
        for (let i = 0; i < (kind === JOB.run || kind === JOB.pack ? count : 1); i++) {
          step(job, i);
          if (performance.now() - since > SLICE_MS) {
            await turn();
            since = performance.now();
          }
        }
        this.#report(this.#done + 1);
      }
    } catch (error) {
      this.#fail(String(error));
    } finally {
      this.#running = false;
    }
  }

  #resizeScratch(bytes: number): void {
    const old = this.#scratch;
    this.#scratch = this.take(bytes * Math.max(1, this.threads), 'scratch');
    this.#scratchBytes = Math.ceil(bytes / 64) * 64;
    if (this.sizeOf(this.#scratch) < this.#scratchBytes * Math.max(1, this.threads)) {
      this.#allocator.give(this.#scratch);
      this.#scratch = this.take(this.#scratchBytes * Math.max(1, this.threads), 'scratch');
    }
    if (old) this.give(old);
  }

  #fail(reason: string): void {
    if (this.#users === 0 && this.#team.length === 0) return; // closed by ourselves
    this.#failure ??= new MelodyError(
      'device_lost',
      `a thread of the CPU executor ended: ${reason}`,
      'try again; report it if it comes back',
    );
    this.#close();
  }

  #close(): void {
    if (this.#inline === undefined) {
      Atomics.store(this.#words, WORD.stop / 4, 1);
      for (const word of [WORD.posted, WORD.ticket, WORD.resting]) Atomics.notify(this.#words, word / 4);
    }
    const team = this.#team;
    this.#team = [];
    for (const thread of team) thread.stop();
    this.#failure ??= new MelodyError('device_lost', 'this pool of threads was closed', 'load it again');
    for (const { wake } of this.#sleepers.splice(0)) wake();
    void shared?.then((pool) => {
      if (pool === this) shared = undefined;
    });
  }
}

interface Exports {
  step(job: number, i: number): void;
}

/** One turn of the event loop: waiting messages are handled. */
function turn(): Promise<void> {
  return new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      go();
    };
    port2.postMessage(0);
  });
}
