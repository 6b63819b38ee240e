// One user of the pool, as one Gpu is of a device: what its buffers take, its limits, its end.
import { MelodyError } from '../errors.ts';
import { type Caps, DEFAULT_CAPS } from '../gpu/caps.ts';
import type { Threads } from '../platform/platform.ts';
import { JOB } from './layout.ts';
import { Pool, type PoolOptions } from './pool.ts';

const MOST_BYTES = 2 ** 30; // of one tensor: element counts times four stay within 32 bits

export class Cpu {
  readonly pool: Pool;
  readonly caps: Caps;
  /** Live buffers and bytes made through this object, and the most bytes there ever were. */
  readonly memory = { buffers: 0, bytes: 0, peakBytes: 0 };
  readonly #places = new Set<number>();
  #open = true;
  #cancelled = 0; // how often

  private constructor(pool: Pool) {
    this.pool = pool;
    this.caps = {
      ...DEFAULT_CAPS,
      name: 'CPU (WebAssembly SIMD)', // however many threads: the music is the same
      executor: 'cpu',
      storageBinding: MOST_BYTES,
      bufferSize: MOST_BYTES,
    };
  }

  /** Throws `no_adapter` where the engine has no SIMD, `out_of_memory`. */
  static async open(host: Threads | undefined, options: PoolOptions = {}): Promise<Cpu> {
    return new Cpu(await Pool.enter(host, options));
  }

  /** Memory counted in `memory`. Throws `limit`, `out_of_memory`. */
  buffer(bytes: number, label: string): number {
    this.check();
    if (bytes > MOST_BYTES)
      throw new MelodyError('limit', `${label}: ${bytes} bytes in one tensor; expected at most ${MOST_BYTES}`, 'use a shorter window');
    const at = this.pool.take(bytes, label);
    this.#places.add(at);
    this.memory.buffers += 1;
    this.memory.bytes += this.pool.sizeOf(at);
    this.memory.peakBytes = Math.max(this.memory.peakBytes, this.memory.bytes);
    return at;
  }

  /** Freeing twice is a no-op. */
  free(...places: number[]): void {
    const mine = places.filter((at) => this.#places.delete(at));
    this.memory.buffers -= mine.length;
    for (const at of mine) this.memory.bytes -= this.pool.sizeOf(at);
    try {
      this.pool.give(...mine);
    } catch {
      // a pool that has ended has no memory to give back
    }
  }

  /** Put data at a place, after the jobs so far. */
  write(at: number, data: ArrayBufferView): void {
    this.check();
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (this.pool.idle) {
      this.put(at, bytes);
      return;
    }
    const staging = this.pool.take(bytes.length, 'upload');
    this.put(staging, bytes);
    this.pool.post(JOB.copy, [at, staging, bytes.length], { holds: [staging] });
  }

  /** Set `bytes` bytes (a multiple of four) to copies of a word, after the jobs so far. */
  fill(at: number, bytes: number, word = 0): void {
    this.pool.post(JOB.fill, [at, word | 0, bytes / 4]);
  }

  /** A copy of what is at a place after the jobs so far. */
  async read(at: number, bytes: number): Promise<ArrayBuffer> {
    this.check();
    const staging = this.buffer(bytes, 'readback');
    try {
      this.pool.post(JOB.copy, [staging, at, bytes]);
      await this.settle();
      // a copy: what is shared can go neither to TextDecoder nor to many other calls
      return new Uint8Array(this.pool.memory.buffer, staging, bytes).slice().buffer;
    } finally {
      this.free(staging);
    }
  }

  /** Put bytes at once: only where no job reads or writes. */
  put(at: number, bytes: Uint8Array): void {
    new Uint8Array(this.pool.memory.buffer, at, bytes.length).set(bytes);
  }

  /** Throws `device_lost`, and `aborted` when what was waited for was cancelled. */
  async settle(): Promise<void> {
    this.check();
    const before = this.#cancelled;
    await this.pool.settle();
    this.check();
    if (this.#cancelled !== before) throw new MelodyError('aborted', 'the job was cancelled while it waited for the CPU');
  }

  /** The runs of this user's plans end at their next command; whoever waits for them gets `aborted`. */
  cancel(): void {
    this.#cancelled += 1;
    if (this.#open) this.pool.cancel(this);
  }

  /** Throws `device_lost` once a thread has died or this was disposed. */
  check(): void {
    if (!this.#open) throw new MelodyError('device_lost', 'this CPU executor was disposed', 'open it again');
    this.pool.check();
  }

  get open(): boolean {
    return this.#open;
  }

  /** Free all memory of this user; the threads end with the last one. */
  dispose(): void {
    if (!this.#open) return;
    this.free(...this.#places);
    this.#open = false;
    this.pool.leave();
  }
}
