// How far each diffusion step turns, and which frames a window makes (docs/system.md §4, §7). Pure functions.
import { MelodyError } from '../../errors.ts';

/** How far each diffusion step goes; see `SamplingSettings.schedule`. */
export type Schedule = 'linear' | 'uniform';
/** 'rotation': the deterministic sampler of the paper; 'ddpm': ancestral sampling with fresh noise at every step. */
export type Sampler = 'rotation' | 'ddpm';

/**
 * Rotations ω of `steps` diffusion steps, first step first, in radians; they sum to π/2.
 * linear (paper): ω_t = π/(6T) + 2πt/(3T(T+1)) for t = T…1, large steps first. uniform: π/(2T).
 */
export function rotations(steps: number, schedule: Schedule = 'linear'): number[] {
  if (!Number.isInteger(steps) || steps < 1 || steps > 1000)
    throw new MelodyError('invalid_argument', `steps must be a whole number from 1 to 1000; got ${String(steps)}`);
  if (schedule === 'uniform') return new Array<number>(steps).fill(Math.PI / (2 * steps));
  if (schedule !== 'linear')
    throw new MelodyError('invalid_argument', `schedule must be "linear" or "uniform"; got ${JSON.stringify(schedule)}`);
  return Array.from({ length: steps }, (_, i) => Math.PI / (6 * steps) + (2 * Math.PI * (steps - i)) / (3 * steps * (steps + 1)));
}

/** One denoising window: `length` frames from `start`, of which `fresh[i]` are made and the rest is context. */
export interface DenoisedWindow {
  readonly start: number;
  readonly length: number;
  readonly fresh: readonly boolean[];
}

export interface WindowSizes {
  /** Longest window the model was trained on, frames. */
  readonly window: number;
  /** Context kept in front of new frames, frames. */
  readonly context: number;
  /** Windows start and end on multiples of this many frames (a chunk). */
  readonly grid: number;
  /** New frames of the first window; each later one may make twice as many, as far as the window reaches. A short first one sounds sooner. */
  readonly first: number;
}

/** Most new frames of window number `index` (from 0) that starts after `before` known frames. */
export function freshFrames(index: number, before: number, { window, context, first }: WindowSizes): number {
  return Math.min(first * 2 ** Math.min(index, 20), window - Math.min(before, context));
}

/**
 * The next window: from the first unknown frame on as many as `freshFrames` allows, up to `context` known frames before it, and known frames
 * behind as context too. Covers generating (nothing known), continuing (a known start) and inpainting (both sides known).
 * known.length must be a multiple of the grid. Undefined when all is known.
 */
export function nextWindow(known: readonly boolean[], index: number, sizes: WindowSizes): DenoisedWindow | undefined {
  const { window, context, grid } = sizes;
  if ([known.length, window, context, sizes.first].some((n) => n % grid !== 0) || context >= window || sizes.first < grid)
    throw new MelodyError(
      'invalid_argument',
      `windows: got ${known.length} frames, window ${window}, context ${context}, first ${sizes.first}, grid ${grid}; expected multiples of the grid and context < window`,
    );
  const first = known.indexOf(false);
  if (first < 0) return undefined;
  const begin = Math.floor(first / grid) * grid;
  const start = Math.max(0, begin - context);
  const reach = Math.min(known.length, begin + freshFrames(index, begin - start, sizes));
  const last = known.lastIndexOf(false, reach - 1); // the last frame this window makes
  const behind = Math.ceil((last + 1) / grid) * grid;
  const end = Math.min(known.length, start + window, known.indexOf(false, last + 1) < 0 ? behind + context : behind);
  const fresh = known.slice(start, end).map((k, i) => !k && start + i <= last);
  return { start, length: end - start, fresh };
}

/** All windows that make every unknown frame of a piece, each once, in order. */
export function planWindows(known: readonly boolean[], sizes: WindowSizes): DenoisedWindow[] {
  const done = [...known];
  const windows: DenoisedWindow[] = [];
  for (let w = nextWindow(done, 0, sizes); w; w = nextWindow(done, windows.length, sizes)) {
    const { start, fresh } = w;
    fresh.forEach((made, i) => {
      if (made) done[start + i] = true;
    });
    windows.push(w);
  }
  return windows;
}

/**
 * The windows of a new piece in two rounds, each of which can be denoised in one batch: first full windows that know nothing of each other,
 * then the gaps between them, with context on both sides. Costs the same work as one after another, in fewer, wider steps.
 */
export function parallelRounds(length: number, sizes: WindowSizes): [DenoisedWindow[], DenoisedWindow[]] {
  const { window, context, grid } = sizes;
  const gap = Math.floor((window - 2 * context) / grid) * grid;
  if (gap <= 0)
    throw new MelodyError(
      'invalid_argument',
      `windows: a context of ${context} frames on both sides leaves no room in a window of ${window}`,
    );
  const anchors: DenoisedWindow[] = [];
  const bridges: DenoisedWindow[] = [];
  for (let start = 0; start < length; start += window + gap) {
    const made = Math.min(window, length - start);
    anchors.push({ start, length: made, fresh: new Array<boolean>(made).fill(true) });
    const end = start + window;
    if (end < length) {
      const last = Math.min(length, end + gap + context); // the last gap may end the piece
      const fresh = Array.from({ length: last - (end - context) }, (_, i) => i >= context && i < context + gap);
      bridges.push({ start: end - context, length: fresh.length, fresh });
    }
  }
  return [anchors, bridges];
}
