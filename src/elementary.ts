// Elementary functions of + − × ÷ and √ alone, which every JavaScript engine rounds alike. Math.sin, exp, log, pow and ** differ in their
// last bits between engines, and ** even between Node 22 and Node 24. All that enters samples or tokens uses these.

const MOST = 1100; // beyond 2^±1100 all is infinite or 0

/** 2^x: within 8e-16 of its size for |x| ≤ 1, and as exact as the rounding of x allows elsewhere; whole x are exact. */
export function exp2(x: number): number {
  let n = Math.round(Math.max(-MOST, Math.min(MOST, x)));
  const rest = Math.max(-1, Math.min(1, x - n)) * Math.LN2;
  let term = 1;
  let power = 1;
  for (let i = 1; i < 16; i++) power += term *= rest / i;
  for (; n > 0; n--) power *= 2;
  for (; n < 0; n++) power /= 2;
  return power;
}

/** x^n for a whole n ≥ 0, by multiplication. */
export function power(x: number, n: number): number {
  let product = 1;
  for (let i = 0; i < n; i++) product *= x;
  return product;
}

/** e^x. */
export const exp = (x: number): number => exp2(x * Math.LOG2E);

/** Logarithm to base 2, within 5e-16, or that share of its size; powers of two are exact. −∞ for 0, NaN below. */
export function log2(x: number): number {
  if (!(x > 0 && x < Infinity)) return x === 0 ? -Infinity : x > 0 ? x : Number.NaN;
  let whole = 0;
  let m = x;
  for (; m > Math.SQRT2; m /= 2) whole += 1;
  for (; m < Math.SQRT1_2; m *= 2) whole -= 1;
  const s = (m - 1) / (m + 1);
  let sum = 0;
  for (let n = 25; n > 0; n -= 2) sum = sum * s * s + 1 / n;
  return whole + 2 * Math.LOG2E * s * sum;
}

/** Natural logarithm. */
export const log = (x: number): number => log2(x) * Math.LN2;
/** Logarithm to base 10. */
export const log10 = (x: number): number => log2(x) * (Math.LN2 / Math.LN10);

/** sin(2π·turns), absolute error under 6e-16. */
export const sinTurns = (turns: number): number => quarters(turns, 0);
/** cos(2π·turns). */
export const cosTurns = (turns: number): number => quarters(turns, 1);

/** The sine `ahead` quarter turns further on. The rest of a quarter is exact, so that tables of whole parts of a turn have no drift. */
function quarters(turns: number, ahead: number): number {
  const near = Math.round(4 * (turns - Math.round(turns)));
  const x = 2 * Math.PI * (turns - Math.round(turns) - near / 4);
  const quarter = (near + ahead) & 3;
  const odd = quarter & 1;
  let term = odd ? 1 : x;
  let sum = term;
  for (let n = 2 - odd; n < 19; n += 2) sum += term *= (-x * x) / (n * (n + 1));
  return quarter & 2 ? -sum : sum;
}

/** The angle of (x, y) in turns, −1/2 … 1/2, absolute error under 2e-16; 0 for (0, 0). */
export function argTurns(y: number, x: number): number {
  const [a, b] = [Math.abs(x), Math.abs(y)];
  if (a === 0 && b === 0) return 0;
  let t = Math.min(a, b) / Math.max(a, b);
  for (let halved = 0; halved < 2; halved++) t /= 1 + Math.sqrt(1 + t * t); // the tangent of half the angle
  let sum = 0;
  for (let n = 25; n > 0; n -= 2) sum = 1 / n - sum * t * t;
  let turns = (4 * t * sum) / (2 * Math.PI);
  if (b > a) turns = 0.25 - turns;
  if (x < 0) turns = 0.5 - turns;
  return y < 0 ? -turns : turns;
}
