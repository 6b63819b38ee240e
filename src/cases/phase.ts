// Cases of phases that run on from frame to frame.
import { type AdvanceOptions, type Pitches, phaseAdvance, phaseAdvanceReference, phaseSum, pitchTurns, polarTurns } from '../ops/phase.ts';
import { randomWords } from '../ops/random.ts';
import { halfOf } from '../ops/spectrum.ts';
import { type Case, type Measured, measured } from './case.ts';

export interface PhaseSize {
  readonly frames: number;
  readonly size: number;
  readonly sampleRate: number;
  readonly pitches: Pitches;
  /** Bins that have a direction. Default all. */
  readonly directed?: number;
  /** Frames that keep the first phase. Default none. */
  readonly first?: number;
}

/** What a frame adds to each phase, summed up over frames, and the spectrum that the phases turn. */
const runningPhaseCase = (name: string, s: PhaseSize): Case => ({
  name,
  record({ g, x, ids }) {
    const { frames, size, pitches, first = 0 } = s;
    const bins = size / 2 + 1;
    const { directed = bins } = s;
    const [row, epsRow, half] = [bins + 2 * directed + pitches.count + 2, bins + 3, halfOf(bins)];
    const options: AdvanceOptions = { ...s, hop: size / 4, reference: 440, bins };
    const [[a, as], [noise, eps]] = [x([frames, row]), x([frames, epsRow], 2)];
    const [[turns, turned], [start, starts], [drift, drifts]] = [pitches.count, bins, bins].map((n) => ids([n], 1));
    turned.set(pitchTurns(pitches, options, 442));
    starts.set(randomWords(bins, 1, 0));
    drifts.set(randomWords(bins, 2, 0));
    const { phase } = phaseSum(g, phaseAdvance(g, a, noise, turns, options), { start, drift, first });
    const reference = () => {
      const advance = phaseAdvanceReference(as, eps, turned, { ...options, row, epsRow });
      const y = new Float64Array(frames * 2 * half);
      for (let k = 0; k < bins; k++) {
        let turn = starts[k] / 2 ** 32;
        for (let t = 0; t < frames; t++) {
          if (t >= first) turn += advance[t * bins + k] + drifts[k] / 2 ** 32;
          const magnitude = Math.exp(Math.min(as[t * row + k], 0.5));
          y[t * 2 * half + k] = magnitude * Math.cos(2 * Math.PI * turn);
          y[t * 2 * half + half + k] = magnitude * Math.sin(2 * Math.PI * turn);
        }
      }
      return y;
    };
    return [polarTurns(g, a, phase, { limit: 0.5 }), reference];
  },
});

export const quick = (): Case[] => [
  runningPhaseCase('running phase', {
    frames: 7,
    size: 16,
    sampleRate: 8000,
    pitches: { lowest: 60, count: 5, bins: 3 },
    directed: 7,
    first: 2,
  }),
];

export const odd = (): Case[] => [
  runningPhaseCase('running phase', {
    frames: 9,
    size: 64,
    sampleRate: 24000,
    pitches: { lowest: 69, count: 7, bins: 5, smooth: 2, per_semitone: 3 },
  }),
];

export const paper = (): Measured[] => [
  measured(
    runningPhaseCase('vae_running_phase', {
      frames: 1000,
      size: 960,
      sampleRate: 24000,
      pitches: { lowest: 24, count: 60, bins: 40, smooth: 4 },
    }),
    1000 * (60 * 481 + 10 * 40 * 60),
    1000 * (3 * 481 + 60 + 6 * 481),
  ),
];
