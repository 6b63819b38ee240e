// How much of a recording's tones a copy of it keeps: `melody eval --source` asks for it, no page does.
import { log2 } from '../../elementary.ts';
import { mean } from '../statistics.ts';
import { CENTS, strongestLines, windowPowers } from './tones.ts';
export interface LinesKept {
  /** Of the source's lines between 60 and 3000 Hz, the share that the clip has within 15 cents in the same window. */
  all?: number | undefined;
  /** The same of lines below 260 Hz, and of 260 to 1000 Hz. */
  bass?: number | undefined;
  middle?: number | undefined;
  /** Share of the clip's lines that the source has. */
  true?: number | undefined;
}

/** How much of a recording's tones a copy of it keeps: clip and source, mono at one rate, aligned to the sample. */
export function linesKept(clip: Float32Array, source: Float32Array, sampleRate: number): LinesKept {
  const length = Math.min(clip.length, source.length);
  const [ours, theirs] = [clip, source].map((x) => {
    const windows: number[][] = [];
    windowPowers(x.subarray(0, length), 1, sampleRate, (power, binHz, loud) => {
      windows.push(loud ? strongestLines(power, binHz, 60, 3000) : []);
    });
    return windows;
  });
  const near = (f: number, found: number[]) => found.some((g) => Math.abs(1200 * log2(f / g)) <= CENTS);
  const share = (wanted: number[][], found: number[][], low: number, high: number) => {
    const met = wanted.flatMap((list, w) => list.filter((f) => f >= low && f < high).map((f) => (near(f, found[w]) ? 1 : 0)));
    return met.length > 0 ? mean(met) : undefined;
  };
  return {
    all: share(theirs, ours, 0, Infinity),
    bass: share(theirs, ours, 0, 260),
    middle: share(theirs, ours, 260, 1000),
    true: share(ours, theirs, 0, Infinity),
  };
}
