// Presses in quick succession: the last one counts.

/** One turn at a time. A new one takes the place of what runs, and of what only waits to begin. */
export class Turns {
  #latest = new AbortController();
  #last: Promise<void> = Promise.resolve();

  /** Settles when what runs now has ended; never rejects. */
  get ended(): Promise<void> {
    return this.#last;
  }

  /** `work` begins when the turn before has ended, or never if another one came meanwhile; its signal aborts when the next one comes. */
  take(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#latest.abort();
    this.#latest = new AbortController();
    const { signal } = this.#latest;
    const turn = this.#last.then(() => (signal.aborted ? undefined : work(signal)));
    this.#last = turn.catch(() => {}); // a fault is told to who took the turn; the next one begins all the same
    return turn;
  }
}
