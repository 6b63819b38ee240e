// When the samplers of Stable Audio look, and what they make of it: the schedulers of diffusers (0.42.1) and the rectified flow of stable-audio-tools
// (0.0.19), as the numbers of samplerStep.
import { argTurns, exp, log } from '../../elementary.ts';
import { MelodyError } from '../../errors.ts';
import type { StepNumbers } from '../../ops/sampler.ts';

/** Noise that grows with σ beside a signal that stays as it is (Karras et al. 2022), solved by Euler or by DPM-Solver++ (Lu et al. 2022). */
export interface EdmSchedule {
  readonly kind: 'edm';
  readonly sigmaMin: number;
  readonly sigmaMax: number;
  readonly sigmaData: number;
  readonly spacing: 'exponential' | 'karras';
  readonly rho: number;
  readonly prediction: 'v_prediction' | 'epsilon';
  /** What the network is told of σ: atan(σ) · 2/π, or ln(σ) / 4. */
  readonly time: 'atan' | 'log';
  readonly solver: 'euler' | 'ode' | 'sde';
  readonly order: 1 | 2 | 3;
  readonly type: 'midpoint' | 'heun';
  readonly last: 'zero' | 'sigma_min';
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
  /** How loud the noise is that a piece begins with: √(σ² + 1), as in diffusers, or σ, as in k-diffusion. Default the first. */
  readonly start?: 'sigma';
}

/** A straight way from noise to signal (rectified flow): Euler, DPM-Solver++, or pingpong, which begins anew from fresh noise at each step. */
export interface FlowSchedule {
  readonly kind: 'flow';
  readonly solver: 'euler' | 'dpmpp' | 'pingpong';
}

export type Schedule = EdmSchedule | FlowSchedule;

export interface Step {
  /** What the network is told of how far it is. */
  readonly time: number;
  /** What its input is multiplied by. */
  readonly scale: number;
  readonly numbers: StepNumbers<number>;
  /** What of the clean latents of two steps before is added, with a sampler of third order. */
  readonly older: number;
  /** What known latents are after it: signal · latents + noise · n. */
  readonly left: { readonly signal: number; readonly noise: number };
}

export interface Steps {
  /** x begins as signal · (given latents) + noise · n. */
  readonly signal: number;
  readonly noise: number;
  readonly steps: readonly Step[];
}

/** Schedules of fewer steps than this are cut short by it alone. */
const FEW_STEPS = 15;

/** How much of given sound changes. */
export interface Change {
  /** Over 0 to 1: the share of the steps that is run, from the middle on where it is below 1. Default 1. */
  readonly strength?: number;
  /** Noise over the sound that all steps begin at, in the schedule's own measure: at most `mostNoise`. Default all of it. */
  readonly noiseLevel?: number;
}

/** The noise that a schedule begins with: its largest σ, or 1 of a flow. */
export const mostNoise = (schedule: Schedule): number => (schedule.kind === 'flow' ? 1 : schedule.sigmaMax);

/** The least that `noiseLevel` may be over. */
export const leastNoise = (schedule: Schedule): number => (schedule.kind === 'flow' ? 0 : schedule.sigmaMin);

/** All steps. Throws `invalid_argument` where the schedule needs more of them. */
export function stepsOf(schedule: Schedule, count: number, { strength = 1, noiseLevel }: Change = {}): Steps {
  const first = Math.min(count - 1, Math.round((1 - strength) * count));
  if (schedule.kind === 'flow') return flowSteps(schedule, count, first, noiseLevel ?? 1);
  return edmSteps(noiseLevel === undefined ? schedule : { ...schedule, sigmaMax: noiseLevel, start: 'sigma' }, count, first);
}

function edmSteps(s: EdmSchedule, count: number, first: number): Steps {
  if (count < 2) throw new MelodyError('invalid_argument', `steps must be at least 2 with this model's scheduler; got ${count}`);
  const sigmas = [...sigmasOf(s, count), s.last === 'zero' ? 0 : s.sigmaMin].map(Math.fround);
  const steps: Step[] = [];
  for (let i = first; i < count; i++) {
    const { sigmaData } = s;
    const [sigma, next] = sigmas.slice(i, i + 2) as [number, number];
    const root = Math.sqrt(sigma * sigma + sigmaData * sigmaData);
    const known = sigmas.slice(Math.max(first, i - 2), i).reverse();
    const { older, ...numbers } = edmStep(s, sigma, next, known, i === count - 1, count);
    steps.push({
      time: s.time === 'atan' ? argTurns(sigma, 1) * 4 : 0.25 * log(sigma),
      scale: 1 / root,
      numbers: {
        skip: (sigmaData / root) * (sigmaData / root),
        out: ((s.prediction === 'epsilon' ? 1 : -1) * sigma * sigmaData) / root,
        ...numbers,
      },
      older,
      left: { signal: 1, noise: next },
    });
  }
  const noise = first === 0 && s.start !== 'sigma' ? Math.sqrt(s.sigmaMax * s.sigmaMax + 1) : (sigmas[first] as number);
  return { signal: 1, noise, steps };
}

function sigmasOf({ spacing, sigmaMin, sigmaMax, rho }: EdmSchedule, count: number): number[] {
  const at = (i: number): number => {
    const share = i / (count - 1);
    if (spacing === 'exponential') return exp(log(sigmaMax) + share * (log(sigmaMin) - log(sigmaMax)));
    const [low, high] = [exp(log(sigmaMin) / rho), exp(log(sigmaMax) / rho)];
    return exp(rho * log(high + share * (low - high)));
  };
  return Array.from({ length: count }, (_, i) => at(i));
}

/** From σ to the next, with what was clean at the σ before and at the one before that, where there were such. */
function edmStep(s: EdmSchedule, sigma: number, next: number, [before, first]: readonly number[], last: boolean, count: number) {
  if (next === 0) return { a: 0, b: 1, c: 0, d: 0, older: 0 };
  if (s.solver === 'euler') return { a: next / sigma, b: 1 - next / sigma, c: 0, d: 0, older: 0 };
  const h = log(sigma) - log(next);
  const sde = s.solver === 'sde';
  const a = sde ? (next / sigma) * exp(-h) : next / sigma;
  const b = 1 - exp(sde ? -2 * h : -h);
  const d = sde ? next * Math.sqrt(1 - exp(-2 * h)) : 0;
  const cut = last && (s.eulerAtFinal || s.last === 'zero' || (s.lowerOrderFinal && count < FEW_STEPS));
  if (s.order === 1 || before === undefined || cut) return { a, b, c: 0, d, older: 0 };
  const ratio = h / (log(before) - log(sigma));
  const slope = s.type === 'midpoint' ? 0.5 * b : h === 0 ? 0 : 1 - b / (sde ? 2 * h : h);
  if (s.order < 3 || first === undefined) return { a, b: b + slope * ratio, c: -slope * ratio, d, older: 0 };
  // of third order (k-diffusion's DPM-Solver++ 3M): differences of what was clean, once and twice
  const [r0, r1] = [1 / ratio, (log(first) - log(before)) / h];
  const second = slope / (sde ? 2 * h : h) - 0.5;
  const twice = (slope * r0 - second) / (r0 + r1);
  const once = slope + twice;
  return { a, b: b + once / r0, c: -once / r0 - twice / r1, d, older: twice / r1 };
}

/** logSNR of the first and last time, before these are set to 1 and 0. */
const LOG_SNR = [-6, 2] as const;

function flowSteps({ solver }: FlowSchedule, count: number, first: number, start: number): Steps {
  const from = start < 1 ? log((1 - start) / start + 1e-6) : LOG_SNR[0];
  const times = Array.from({ length: count + 1 }, (_, i) => {
    if (i === 0 || i === count) return i === 0 ? Math.fround(start) : 0;
    return Math.fround(1 / (1 + exp(from + (i / count) * (LOG_SNR[1] - from))));
  });
  const snr = (t: number) => log((1 - t) / t);
  const numbers = (i: number) => {
    const [t, next] = [times[i], times[i + 1]] as [number, number];
    if (solver === 'pingpong') return { a: 0, b: 1 - next, c: 0, d: next };
    if (solver === 'euler' || next === 0) return { a: next / t, b: 1 - next / t, c: 0, d: 0 };
    const h = snr(next) - (t === 1 ? -Infinity : snr(t));
    const b = (1 - next) * (1 - (h === Infinity ? 0 : exp(-h)));
    const before = i > first ? (times[i - 1] as number) : undefined;
    const ratio = before === undefined || before === 1 || h === Infinity ? 0 : h / (snr(t) - snr(before));
    return { a: next / t, b: b * (1 + ratio / 2), c: (-b * ratio) / 2, d: 0 };
  };
  const steps = times.slice(first, count).map((t, n) => {
    const next = times[first + n + 1] as number;
    return { time: t, scale: 1, numbers: { skip: 1, out: -t, ...numbers(first + n) }, older: 0, left: { signal: 1 - next, noise: next } };
  });
  const t = times[first] as number;
  return { signal: 1 - t, noise: t, steps };
}
