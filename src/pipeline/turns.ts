// Who computes next on one engine: one job at a time, the others in the order in which they came.
import { aborted } from '../engine/engine.ts';
import { MelodyError } from '../errors.ts';

/** Who asks for a turn. */
export interface TurnRequest {
  readonly signal?: AbortSignal | undefined;
  /** It had turns before, and is not refused now. */
  readonly begun?: boolean;
  /** Called when it must wait, and whenever somebody before it is done or gone, with the turns before its own. */
  readonly onAhead?: (ahead: number) => void;
}

interface Waiter extends TurnRequest {
  go(): void;
  stop(error: MelodyError): void;
}

export class Turns {
  readonly #most: number;
  readonly #onChange: (() => void) | undefined;
  #running = false;
  #waiting: Waiter[] = [];

  /** @param most jobs that may wait to begin; 0: none, a second one is refused */
  constructor(most: number, onChange?: () => void) {
    this.#most = most;
    this.#onChange = onChange;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** A turn, at once where nobody has it. Call what it gives when the work is over; a second call is nothing. Throws `busy`, `aborted`. */
  async take(request: TurnRequest): Promise<() => void> {
    const { signal, begun } = request;
    if (this.#running) {
      if (!begun && this.#waiting.filter((one) => !one.begun).length >= this.#most)
        throw new MelodyError(
          'busy',
          `this Melody is making music${this.#most ? `, and its queue is full: ${this.#most} jobs wait` : ''}`,
          'wait, abort the other job, or load with a longer `queue`',
        );
      if (signal?.aborted) throw aborted();
      await new Promise<void>((go, stop) => {
        const leave = () => {
          this.#waiting = this.#waiting.filter((one) => one !== waiter);
          stop(aborted());
          this.#moved();
        };
        const waiter = { ...request, go, stop };
        this.#waiting.push(waiter);
        signal?.addEventListener('abort', leave);
        waiter.go = () => {
          signal?.removeEventListener('abort', leave);
          go();
        };
        this.#onChange?.();
        request.onAhead?.(this.#waiting.length);
      });
    } else {
      this.#running = true;
      this.#onChange?.();
    }
    let mine = true;
    return () => {
      if (!mine) return;
      mine = false;
      const next = this.#waiting.shift();
      if (next)
        next.go(); // nobody comes between: it stays running
      else this.#running = false;
      this.#moved();
    };
  }

  /** Ends all waiting with this error. */
  close(error: MelodyError): void {
    for (const { stop } of this.#waiting.splice(0)) stop(error);
  }

  #moved(): void {
    this.#onChange?.();
    for (const [i, { onAhead }] of this.#waiting.entries()) onAhead?.(i + 1);
  }
}
