// Phases that run on from frame to frame, in turns of 2^32: sums wrap, so they are exact in any order and any number of parts.
//
// tools/train/melody_train/models/vae_decoder.py, RunningPhaseDecoder: a frame says by how much the phase of a bin moves, not where it
// stands. Low bins choose among tempered pitches, so a held note stays at its pitch; high bins say a direction and how sure it is.
import { argTurns, exp2, log, sinTurns } from '../elementary.ts';
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, grid1d, type ParamValue, rowsCols } from '../graph/graph.ts';
import type { Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { constant, sharedConstant } from './constant.ts';
import { halfOf } from './spectrum.ts';

/** Tempered pitches and the bins that are tuned to one of them. */
export interface Pitches {
  readonly lowest: number; // MIDI note number
  readonly count: number;
  readonly bins: number; // how many of the lowest bins
  /** Frames to each side over which their salience is averaged before one is chosen. Default 0. */
  readonly smooth?: number;
  /** Pitches in a semitone: with 3, a tone that is a little out of tune, or between two, has one near it too. Default 1. */
  readonly per_semitone?: number;
}

/** The framing of a spectrum. */
export interface Framing {
  readonly size: number; // FFT size
  readonly hop: number; // samples
  readonly sampleRate: number; // Hz
}

/** Hz of pitch `index`, equal temperament around A4 = `reference` Hz. */
const frequency = ({ lowest, per_semitone = 1 }: Pitches, index: number, reference: number): number =>
  reference * exp2((lowest + index / per_semitone - 69) / 12);

/** Turns a frame of every pitch, times 2^32: the `turns` of phaseAdvance for this reference pitch, Hz. */
export function pitchTurns(pitches: Pitches, { hop, sampleRate }: Framing, reference: number): Uint32Array {
  return Uint32Array.from({ length: pitches.count }, (_, i) => {
    const turns = (frequency(pitches, i, reference) * hop) / sampleRate;
    return Math.round((turns - Math.floor(turns)) * 2 ** 32) % 2 ** 32;
  });
}

/** Magnitude of a Hann window's spectrum `d` bins from its line: 1 at 0, 1/2 at 1, 0 at 2, cut off from 3 on. */
export function hannLine(d: number): number {
  const x = Math.abs(d);
  if (x >= 3) return 0;
  if (x < 1e-9) return 1;
  if (Math.abs(x - 1) < 1e-6) return 0.5;
  return Math.abs(sinTurns(x / 2) / (Math.PI * x) / (1 - x * x));
}

/** log(hannLine + 1e-4) of every tuned bin and pitch, [bins, count]. */
function lineTable(pitches: Pitches, framing: Framing, reference: number): Float32Array {
  const { size, sampleRate } = framing;
  const { bins, count } = pitches;
  const table = new Float32Array(bins * count);
  for (let pitch = 0; pitch < count; pitch++) {
    const line = (frequency(pitches, pitch, reference) * size) / sampleRate;
    for (let bin = 0; bin < bins; bin++) table[bin * count + pitch] = log(hannLine(line - bin) + 1e-4);
  }
  return table;
}

export interface AdvanceOptions extends Framing {
  readonly pitches: Pitches;
  /** A4 in Hz of the pitches that the salience was learnt with. */
  readonly reference: number;
  readonly bins: number;
  /** How many of the lowest bins have a direction; those above turn by chance. Default all. */
  readonly directed?: number;
}

/**
 * x [T, ≥ bins + 2·directed + P]: log magnitude, a, b, salience of pitches; eps [T, ≥ bins] normal noise; turns [P] u32 of pitchTurns →
 * u [T, bins] u32, what the phase of each bin gains at each frame. A bin of `pitches` gains the turns of the pitch with the largest
 * salience (its mean over `smooth` frames to each side) + log line shape, the lowest of equals; the others arg(c) with a normal error of
 * √(−2 ln |c|), c = (a + ib)·i^bin, 0 from bin `directed` on. Only for hops of a quarter of the transform. Throws `shape`.
 */
export function phaseAdvance(g: Graph, x: Tensor, eps: Tensor, turns: Tensor, o: AdvanceOptions): Tensor {
  const { bins, pitches, directed = bins } = o;
  const [rows, x_row] = rowsCols(x);
  const [eps_rows, eps_row] = rowsCols(eps);
  const needed = bins + 2 * directed + pitches.count;
  if (o.size !== 4 * o.hop || x_row < needed || eps_rows !== rows || eps_row < bins || pitches.bins > bins || directed > bins)
    throw new MelodyError(
      'shape',
      `phase_advance: got x [${x.shape}], eps [${eps.shape}], size ${o.size}, hop ${o.hop}, ${directed} directed and ${pitches.bins} tuned of ${bins} bins; ` +
        `expected at least ${needed} columns of x and ${bins} of eps, as many rows, size 4·hop, and no more bins than all`,
    );
  expectShape('phase_advance', 'turns', turns, [pitches.count]);
  const name = `lines of pitches ${pitches.lowest}+${pitches.count}/${pitches.per_semitone ?? 1} at ${o.reference}, ${pitches.bins} bins of ${o.sampleRate}/${o.size}`;
  const line = sharedConstant(name, [pitches.bins, pitches.count], () => lineTable(pitches, o, o.reference));
  const u = g.temp([rows, bins], 'u32', 'phase_advance');
  g.dispatch(K.phase_advance, {
    in: { x, eps, line: constant(g, line), turns },
    out: { u },
    params: { rows, bins, locked: pitches.bins, directed, pitches: pitches.count, x_row, eps_row, reach: pitches.smooth ?? 0 },
    grid: grid1d(g.caps, rows * bins, 64),
    flops: rows * (pitches.bins * pitches.count * 2 + (bins - pitches.bins) * 30),
  });
  return u;
}

/** phaseAdvance without a GPU, in double precision: turns a frame within ±1/2, [T, bins]. */
export function phaseAdvanceReference(
  x: ArrayLike<number>,
  eps: ArrayLike<number>,
  turns: Uint32Array,
  o: AdvanceOptions & { readonly row: number; readonly epsRow: number },
): Float64Array {
  const { bins, pitches, row, epsRow, directed = bins } = o;
  const line = lineTable(pitches, o, o.reference);
  const rows = x.length / row;
  const advance = new Float64Array(rows * bins);
  const salience = (t: number, p: number) => {
    const near = Array.from({ length: rows }, (_, i) => i).filter((i) => Math.abs(i - t) <= (pitches.smooth ?? 0));
    return near.reduce((sum, i) => sum + x[i * row + bins + 2 * directed + p], 0) / near.length;
  };
  for (let i = 0; i < advance.length; i++) {
    const [t, k] = [Math.floor(i / bins), i % bins];
    const at = t * row + bins;
    if (k < pitches.bins) {
      const logit = Array.from({ length: pitches.count }, (_, p) => salience(t, p) + line[k * pitches.count + p]);
      advance[i] = turns[logit.indexOf(Math.max(...logit))] / 2 ** 32;
    } else {
      const [a, b] = k < directed ? [x[at + k], x[at + directed + k]] : [0, 0];
      const width = Math.sqrt(-2 * log(Math.min(0.9999, Math.max(0.01, Math.sqrt(a * a + b * b)))));
      advance[i] = (a === 0 && b === 0 ? 0 : k / 4) + argTurns(b, a) + (eps[t * epsRow + k] * width) / (2 * Math.PI);
    }
    advance[i] -= Math.round(advance[i]);
  }
  return advance;
}

export interface PhaseSumOptions {
  readonly start: Tensor; // [bins] u32, phase before row `first`
  readonly drift: Tensor; // [bins] u32, added at every row
  /** Rows before this one keep the start's phase. Default 0. */
  readonly first?: ParamValue;
  /** The row before which `next` stands. Default the number of rows. */
  readonly end?: ParamValue;
}

/** u [T, bins] u32 → the running phase of every row [T, bins] u32, and the one that a later part starts from, [bins] u32. */
export function phaseSum(g: Graph, u: Tensor, { start, drift, first = 0, end }: PhaseSumOptions): { phase: Tensor; next: Tensor } {
  const [rows, bins] = rowsCols(u);
  expectShape('phase_sum', 'start', start, [bins]);
  expectShape('phase_sum', 'drift', drift, [bins]);
  const phase = g.temp([rows, bins], 'u32', 'phase');
  const next = g.temp([bins], 'u32', 'next phase');
  g.dispatch(K.phase_sum, {
    in: { u, start, drift },
    out: { y: phase, next },
    params: { rows, bins, first, end: end ?? rows },
    grid: grid1d(g.caps, bins, 64),
  });
  return { phase, next };
}

/** x [T, ≥ bins], log magnitudes first, and phase [T, bins] u32 → spectra [T, 2·halfOf(bins)]; magnitudes up to e^limit. */
export function polarTurns(g: Graph, x: Tensor, phase: Tensor, { limit }: { limit: number }): Tensor {
  const [rows, x_row] = rowsCols(x);
  const [phases, bins] = rowsCols(phase);
  if (phases !== rows || x_row < bins)
    throw new MelodyError(
      'shape',
      `polar_turns: got x [${x.shape}], phase [${phase.shape}]; expected equal rows and no more bins than columns`,
    );
  const half = halfOf(bins);
  const y = g.temp([rows, 2 * half], 'f32', 'polar_turns');
  g.dispatch(K.polar_turns, {
    in: { x, phase },
    out: { y },
    params: { rows, bins, x_row, half, limit },
    grid: grid1d(g.caps, rows * half, 64),
    flops: 20 * rows * bins,
  });
  return y;
}
