// The beat of a piece, as it was planned: from marks to the times of its beats.

/** From a moment on, until the next mark, the music is planned in this tempo, metre and key. */
export interface BeatMark {
  /** Seconds of the piece. */
  readonly atSeconds: number;
  /** Beats a minute, felt: six-eight has two a bar. Absent: no beat is known. */
  readonly tempo?: number | undefined;
  /** Beats of a bar. Default 4. */
  readonly beatsPerBar?: number;
  /** Beats since some downbeat at `atSeconds`; negative before it. Default 0. */
  readonly beat?: number;
  /** For example "A minor". */
  readonly key?: string | undefined;
}

/** One beat. */
export interface Beat {
  /** When it falls, seconds of the piece. */
  readonly seconds: number;
  /** Beats of the piece before it: 0 is the first. */
  readonly beat: number;
  /** Whole bars of the piece before its own: 0 is the first, −1 an upbeat before that. */
  readonly bar: number;
  /** Its place in the bar: 0 is the downbeat. */
  readonly inBar: number;
  /** Beats of its bar. */
  readonly beatsPerBar: number;
  /** Beats a minute. */
  readonly tempo: number;
}

/** A beat this near after a change belongs to the change, seconds. */
const NEAR = 1e-6;

/** The beats from `from` to before `until`, seconds of the piece. `marks` in order of time. */
export function beatsBetween(marks: readonly BeatMark[], from: number, until: number): Beat[] {
  const beats: Beat[] = [];
  let beatsBefore = 0; // of the piece, before the mark
  let barsBefore = 0;
  for (const [i, { atSeconds, tempo, beat: offset = 0, beatsPerBar = 4 }] of marks.entries()) {
    if (tempo === undefined) continue;
    const next = marks[i + 1]?.atSeconds ?? Infinity;
    const atBeat = (seconds: number) => Math.ceil(offset + ((seconds - NEAR - atSeconds) * tempo) / 60); // the first at or after it
    const bars = (count: number) => Math.ceil(count / beatsPerBar);
    const first = atBeat(Math.max(0, atSeconds));
    const end = atBeat(Math.min(until, next));
    for (let count = Math.max(first, atBeat(from)); count < end; count++) {
      const inBar = ((count % beatsPerBar) + beatsPerBar) % beatsPerBar;
      const bar = barsBefore + (count - inBar) / beatsPerBar - bars(first);
      beats.push({
        seconds: atSeconds + ((count - offset) * 60) / tempo,
        beat: beatsBefore + count - first,
        bar,
        inBar,
        beatsPerBar,
        tempo,
      });
    }
    if (next >= until) break;
    beatsBefore += atBeat(next) - first;
    barsBefore += bars(atBeat(next)) - bars(first);
  }
  return beats;
}
