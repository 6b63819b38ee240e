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
  return marks.flatMap((mark, i) => {
    const { atSeconds, tempo, beat = 0, beatsPerBar = 4 } = mark;
    if (tempo === undefined) return [];
    const start = Math.max(from, atSeconds);
    const end = Math.min(until, marks[i + 1]?.atSeconds ?? until);
    const beats: Beat[] = [];
    for (let count = Math.ceil(beat + ((start - NEAR - atSeconds) * tempo) / 60); ; count++) {
      const seconds = atSeconds + ((count - beat) * 60) / tempo;
      if (seconds >= end - NEAR) return beats;
      beats.push({ seconds, inBar: ((count % beatsPerBar) + beatsPerBar) % beatsPerBar, beatsPerBar, tempo });
    }
  });
}
