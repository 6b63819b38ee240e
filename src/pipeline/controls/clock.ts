// The beat of a piece: which beat of which bar sounds at a time of it, through changes of tempo.

export interface Moment {
  /** Beats since some downbeat; negative before it. */
  readonly beat: number;
  readonly beatsPerBar: number;
}

interface Span {
  /** From here on, seconds of the piece; the first span also reaches back before its start. */
  readonly from: number;
  /** Beat position at `from`. */
  readonly beat: number;
  readonly tempo: number; // bpm
  readonly beatsPerBar: number;
}

export class Clock {
  readonly #origin: number;
  readonly #spans: (Span | { readonly from: number; readonly tempo: undefined })[] = [];

  /** `origin`: the time in seconds, before or after the piece's start, that is taken to be a downbeat. */
  constructor(origin = 0) {
    this.#origin = origin;
  }

  /**
   * From `seconds` on this tempo and metre; without a tempo, no clock. The beat goes on from where it is, and so does the bar as far
   * as the new metre has that beat. A clock that starts within the piece starts on a downbeat. Calls must come in order of time.
   */
  change(seconds: number, tempo: number | undefined, beatsPerBar: number): void {
    const last = this.#spans.at(-1);
    if (last && last.tempo === tempo && (last.tempo === undefined || last.beatsPerBar === beatsPerBar)) return;
    const now = this.at(seconds);
    if (last?.from === seconds) this.#spans.pop();
    if (tempo === undefined) this.#spans.push({ from: seconds, tempo });
    else {
      const beat = now ? now.beat % now.beatsPerBar : last ? 0 : ((seconds - this.#origin) * tempo) / 60;
      this.#spans.push({ from: seconds, beat, tempo, beatsPerBar });
    }
  }

  /** Forgets changes from `seconds` on. */
  cut(seconds: number): void {
    while ((this.#spans.at(-1)?.from ?? -Infinity) >= seconds) this.#spans.pop();
  }

  at(seconds: number): Moment | undefined {
    const span = this.#spans.findLast(({ from }) => from <= seconds) ?? this.#spans[0];
    if (span?.tempo === undefined) return undefined;
    return { beat: span.beat + ((seconds - span.from) * span.tempo) / 60, beatsPerBar: span.beatsPerBar };
  }
}
