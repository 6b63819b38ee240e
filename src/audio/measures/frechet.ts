/**
 * Fréchet distance between two sets of vectors: |mu1 - mu2|^2 + Tr(S1 + S2 - 2 (S1 S2)^1/2).
 *
 * On the hand-made descriptors of timbre.ts this is for comparing runs of this project only. It is not FAD and must not be
 * printed under that name. On embeddings from a file it is the plain formula.
 */
import { MelodyError } from '../../errors.ts';

export interface Gaussian {
  mean: Float64Array;
  /** [d, d], row by row. */
  covariance: Float64Array;
}

/** Mean and covariance (n - 1) of n >= 2 vectors; `shrink` in 0 … 1 moves the covariance towards its own diagonal. */
export function fitGaussian(vectors: ArrayLike<number>[], shrink = 0): Gaussian {
  const n = vectors.length;
  if (n < 2) throw new MelodyError('invalid_argument', `Fréchet distance: ${n} vectors; expected at least 2`);
  const d = vectors[0].length;
  const mean = new Float64Array(d);
  for (const v of vectors) for (let i = 0; i < d; i++) mean[i] += v[i] / n;
  const covariance = new Float64Array(d * d);
  for (const v of vectors) {
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) covariance[i * d + j] += ((v[i] - mean[i]) * (v[j] - mean[j])) / (n - 1);
  }
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) if (i !== j) covariance[i * d + j] *= 1 - shrink;
  return { mean, covariance };
}

/** Shrinkage for n vectors of d numbers: d / (n + d), much where the covariance could not be known. */
export function defaultShrink(n: number, d: number): number {
  return d / (n + d);
}

/** At least 0; 0 for equal Gaussians. The root is that of the symmetric S1^1/2 S2 S1^1/2, so nothing turns complex. */
export function frechetDistance(a: Gaussian, b: Gaussian): number {
  const d = a.mean.length;
  const root = squareRoot(a.covariance, d);
  const inner = product(product(root, b.covariance, d), root, d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < i; j++) inner[i * d + j] = inner[j * d + i] = (inner[i * d + j] + inner[j * d + i]) / 2;
  }
  const crossTrace = eigen(inner, d).values.reduce((sum, v) => sum + Math.sqrt(Math.max(0, v)), 0);
  let result = -2 * crossTrace;
  for (let i = 0; i < d; i++) result += (a.mean[i] - b.mean[i]) ** 2 + a.covariance[i * d + i] + b.covariance[i * d + i];
  return Math.max(0, result);
}

function squareRoot(matrix: Float64Array, d: number): Float64Array {
  const { values, vectors } = eigen(matrix, d);
  const out = new Float64Array(d * d);
  for (let k = 0; k < d; k++) {
    const root = Math.sqrt(Math.max(0, values[k]));
    for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) out[i * d + j] += root * vectors[i * d + k] * vectors[j * d + k];
  }
  return out;
}

function product(a: Float64Array, b: Float64Array, d: number): Float64Array {
  const out = new Float64Array(d * d);
  for (let i = 0; i < d; i++) for (let k = 0; k < d; k++) for (let j = 0; j < d; j++) out[i * d + j] += a[i * d + k] * b[k * d + j];
  return out;
}

/** Eigenvalues and eigenvectors (columns) of a symmetric matrix by cyclic Jacobi rotations. */
export function eigen(matrix: Float64Array, d: number): { values: Float64Array; vectors: Float64Array } {
  const m = matrix.slice();
  const vectors = new Float64Array(d * d);
  for (let i = 0; i < d; i++) vectors[i * d + i] = 1;
  const size = m.reduce((sum, v) => sum + v * v, 0);
  for (let sweep = 0; sweep < 100; sweep++) {
    let off = 0;
    for (let i = 0; i < d; i++) for (let j = 0; j < i; j++) off += m[i * d + j] ** 2;
    if (off <= 1e-30 * size) break;
    for (let p = 0; p < d; p++) for (let q = p + 1; q < d; q++) rotate(m, vectors, d, p, q);
  }
  return { values: Float64Array.from({ length: d }, (_, i) => m[i * d + i]), vectors };
}

/** One Jacobi rotation that makes m[p, q] zero. */
function rotate(m: Float64Array, vectors: Float64Array, d: number, p: number, q: number): void {
  const apq = m[p * d + q];
  if (apq === 0) return;
  const theta = (m[q * d + q] - m[p * d + p]) / (2 * apq);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  for (let k = 0; k < d; k++) {
    const kp = m[k * d + p];
    const kq = m[k * d + q];
    m[k * d + p] = c * kp - s * kq;
    m[k * d + q] = s * kp + c * kq;
  }
  for (let k = 0; k < d; k++) {
    const pk = m[p * d + k];
    const qk = m[q * d + k];
    m[p * d + k] = c * pk - s * qk;
    m[q * d + k] = s * pk + c * qk;
    const vp = vectors[k * d + p];
    const vq = vectors[k * d + q];
    vectors[k * d + p] = c * vp - s * vq;
    vectors[k * d + q] = s * vp + c * vq;
  }
}
