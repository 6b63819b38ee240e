// One user of the pool, as one Gpu is of a device: what its buffers take, its limits, its end.
import { MelodyError } from '../errors.ts';
import { type Caps, DEFAULT_CAPS } from '../gpu/caps.ts';
import type { Threads } from '../platform/platform.ts';
import { JOB } from './layout.ts';
import { Pool, type PoolOptions } from './pool.ts';

const MOST_BYTES = 2 ** 30; // of one tensor: element counts times four stay within 32 bits

/** Whoever has temporaries. */
export interface WorkspaceUser {
  /** They begin at this place, for all runs from now on. */
  moveTo(at: number): void;
}

export class Cpu {
  readonly pool: Pool;
  readonly caps: Caps;
  /** Live buffers and bytes made through this object, and the most bytes there ever were. */
  readonly memory = { buffers: 0, bytes: 0, peakBytes: 0 };
  readonly #places = new Set<number>();
  /** Where the temporaries of all plans lie: of these one runs at a time. */
  readonly #workspace = { at: 0, bytes: 0, users: new Set<WorkspaceUser>() };
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
    this.#count(1, this.pool.sizeOf(at));
    return at;
  }

  /** Freeing twice is a no-op. */
  free(...places: number[]): void {
    const mine = places.filter((at) => this.#places.delete(at));
    for (const at of mine) this.#count(-1, -this.pool.sizeOf(at));
    this.#give(...mine);
  }

  #count(buffers: number, bytes: number): void {
    this.memory.buffers += buffers;
    this.memory.bytes += bytes;
    this.memory.peakBytes = Math.max(this.memory.peakBytes, this.memory.bytes);
  }

  #give(...places: number[]): void {
    try {
      this.pool.give(...places);
    } catch {
      // a pool that has ended has no memory to give back
    }
  }

  /** Bytes that the temporaries of all plans share. */
  get workspaceBytes(): number {
    return this.#workspace.bytes;
  }

  /** The workspace has from now on at least so many bytes: better once than each time that a plan needs more. Throws `out_of_memory`. */
  reserveWorkspace(bytes: number): void {
    this.check();
    const workspace = this.#workspace;
    const { at: before, bytes: had } = workspace;
    if (bytes <= had) return;
    workspace.at = this.pool.take(bytes, 'temporaries');
    workspace.bytes = this.pool.sizeOf(workspace.at);
    this.#count(had ? 0 : 1, workspace.bytes - had); // the old one is there until the jobs so far are done, as what is freed is
    if (had) this.pool.give(before);
    for (const each of workspace.users) each.moveTo(workspace.at);
  }

  /** `user` works from now on in the first `bytes` of the workspace, whose place it is told, now and whenever it changes. Throws `out_of_memory`. */
  shareWorkspace(user: WorkspaceUser, bytes: number): void {
    this.reserveWorkspace(bytes);
    this.#workspace.users.add(user);
    user.moveTo(this.#workspace.at);
  }

  /** The last user's end frees it. */
  leaveWorkspace(user: WorkspaceUser): void {
    const { users } = this.#workspace;
    if (users.delete(user) && users.size === 0) this.#freeWorkspace();
  }

  #freeWorkspace(): void {
    const workspace = this.#workspace;
    const { at, bytes } = workspace;
    if (bytes === 0) return;
    workspace.at = workspace.bytes = 0;
    this.#count(-1, -bytes);
    this.#give(at);
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
    if (this.#cancelled !== before) throw new MelodyError('aborted', 'the job was cancelled');
  }

  /** The runs of this user's plans end at their next command; whoever waits for them gets `aborted`. */
  cancel(): void {
    this.#cancelled += 1;
    this.restThreads(0); // or it would be seen only once they are up
    if (this.#open) this.pool.cancel(this);
  }

  /** As `Device`; other users of the pool must agree. */
  restThreads(count: number): boolean {
    return this.#open && this.pool.restThreads(this, count);
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
    this.#workspace.users.clear();
    this.#freeWorkspace();
    this.#open = false;
    this.pool.leave(this);
  }
}
