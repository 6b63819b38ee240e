// Which bytes of the one memory are taken: first fit over a list of gaps, neighbours joined when they come free. Pure.

const ALIGN = 64; // a cache line: two threads never write to one

/** What a place for so many bytes takes. */
export const placeBytes = (bytes: number): number => Math.max(ALIGN, Math.ceil(bytes / ALIGN) * ALIGN);

export class Allocator {
  /** Gaps in order of place: no two touch. */
  readonly #gaps: { at: number; bytes: number }[] = [];
  readonly #sizes = new Map<number, number>();
  #end: number;

  /** Places from `start` on; `end` is where memory that was never used begins. */
  constructor(start: number) {
    this.#end = Math.ceil(start / ALIGN) * ALIGN;
  }

  /** Where memory that was never given out begins. */
  get end(): number {
    return this.#end;
  }

  /** Place for so many bytes, a multiple of 64. */
  take(bytes: number): number {
    const need = placeBytes(bytes);
    const gap = this.#gaps.find(({ bytes }) => bytes >= need);
    let at: number;
    if (gap) {
      at = gap.at;
      gap.at += need;
      gap.bytes -= need;
      if (gap.bytes === 0) this.#gaps.splice(this.#gaps.indexOf(gap), 1);
    } else {
      const last = this.#gaps.at(-1);
      const grows = last && last.at + last.bytes === this.#end; // the gap at the end only needs the rest
      if (grows) this.#gaps.pop();
      at = grows ? last.at : this.#end;
      this.#end = at + need;
    }
    this.#sizes.set(at, need);
    return at;
  }

  /** Bytes that a place holds; 0 when it is not taken. */
  sizeOf(at: number): number {
    return this.#sizes.get(at) ?? 0;
  }

  /** Giving a place back twice is a no-op. */
  give(at: number): void {
    const bytes = this.#sizes.get(at);
    if (bytes === undefined) return;
    this.#sizes.delete(at);
    const i = this.#gaps.findIndex((gap) => gap.at > at);
    const next = i < 0 ? this.#gaps.length : i;
    const before = this.#gaps[next - 1];
    const after = this.#gaps[next];
    const joinsBefore = before && before.at + before.bytes === at;
    const joinsAfter = after && at + bytes === after.at;
    if (joinsBefore) before.bytes += bytes + (joinsAfter ? after.bytes : 0);
    else if (joinsAfter) this.#gaps[next] = { at, bytes: bytes + after.bytes };
    else this.#gaps.splice(next, 0, { at, bytes });
    if (joinsBefore && joinsAfter) this.#gaps.splice(next, 1);
  }
}
