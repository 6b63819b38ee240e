// How a worker shares its machine with the page that plays its music: when the first samples go out, and how many threads compute.

/** What computes, as far as we use it. */
interface Computer {
  /** So many of its threads rest; nothing where there are none. */
  restThreads(count: number): void;
}

/** Where more is made ahead than the next samples take, and this beside, they may take longer: one thread leaves its core to the page. */
const COMFORT_SECONDS = 0.5;
/** All leave theirs for so long as the first samples begin to sound: the page has much to draw. */
const CALM_SECONDS = 0.15;
/** What nobody can foresee: the next samples may take longer by so much. */
const PRUDENCE = 1.1;
/** The first samples wait no longer for this: a machine that slow has gaps anyway. */
const MOST_SECONDS = 1;

export class Pace {
  readonly #computer: Computer;
  #held: { readonly send: () => void; readonly timer: ReturnType<typeof setTimeout> } | undefined;
  #calm: ReturnType<typeof setTimeout> | undefined;
  #ahead = 0; // seconds
  #next: number | undefined; // seconds
  #speed = 0;
  #rested = false; // since the last samples

  constructor(computer: Computer) {
    this.#computer = computer;
  }

  /**
   * Sends the first samples, which last so many seconds: at once, or so much later that the next ones are there when they end. Until then the
   * music is made on.
   */
  first(send: () => void, seconds: number): void {
    const wait = PRUDENCE * (this.#next ?? 0) + CALM_SECONDS - seconds;
    if (wait <= 0 || wait > MOST_SECONDS) this.#send(send);
    else this.#held = { send, timer: setTimeout(() => this.flush(), 1000 * wait) };
  }

  /** Sends them now, if they still wait: others are to follow. */
  flush(): void {
    const held = this.#held;
    if (!held) return;
    clearTimeout(held.timer);
    this.#held = undefined;
    this.#send(held.send);
  }

  /** Seconds that the next samples will take; undefined where nobody can say: then they get all threads. */
  set next(seconds: number | undefined) {
    this.#next = seconds;
  }

  /** Takes all threads that are needed, and no more. `seconds`: of music that is made and not heard yet; 0 where other is wanted soon. */
  ahead(seconds: number): void {
    this.#ahead = seconds;
    const enough = this.#next !== undefined && seconds > PRUDENCE * this.#next + COMFORT_SECONDS;
    this.#rested ||= enough || this.#calm !== undefined;
    this.#computer.restThreads(this.#calm ? Infinity : enough ? 1 : 0);
  }

  /** Seconds of music that this machine makes in a second, after it made so many in so many; not slower than it was known to be where it took its time. */
  speedAfter(seconds: number, took: number): number {
    const speed = seconds / Math.max(took, 1e-3);
    this.#speed = this.#rested ? Math.max(this.#speed, speed) : speed;
    this.#rested = false;
    return this.#speed;
  }

  /** Samples that wait are not sent any more. */
  end(): void {
    clearTimeout(this.#held?.timer);
    clearTimeout(this.#calm);
    this.#held = this.#calm = undefined;
    this.ahead(0);
  }

  #send(send: () => void): void {
    send();
    this.#calm = setTimeout(() => {
      this.#calm = undefined;
      this.ahead(this.#ahead);
    }, 1000 * CALM_SECONDS);
    this.ahead(this.#ahead);
  }
}
