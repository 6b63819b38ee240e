// Plain f64 references, written to be read, not to be fast. All arrays row-major, shapes as in the comments.

/** c[m,n] = Σk a[m,k] b[k,n] */
export function matmul(a: ArrayLike<number>, b: ArrayLike<number>, m: number, k: number, n: number): Float64Array {
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let p = 0; p < k; p++) {
      const x = a[i * k + p];
      for (let j = 0; j < n; j++) c[i * n + j] += x * b[p * n + j];
    }
  }
  return c;
}

/** Row-wise softmax of x[rows,cols]. */
export function softmax(x: ArrayLike<number>, rows: number, cols: number): Float64Array {
  const y = new Float64Array(rows * cols);
  for (let r = 0; r < rows; r++) {
    let top = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < cols; c++) top = Math.max(top, x[r * cols + c]);
    let sum = 0;
    for (let c = 0; c < cols; c++) sum += y[r * cols + c] = Math.exp(x[r * cols + c] - top);
    for (let c = 0; c < cols; c++) y[r * cols + c] /= sum;
  }
  return y;
}

/** y = (x − mean) / sqrt(var + eps) · w + b over the last axis of x[rows,cols]. */
export function layerNorm(x: ArrayLike<number>, w: ArrayLike<number>, b: ArrayLike<number>, rows: number, cols: number, eps: number) {
  const y = new Float64Array(rows * cols);
  for (let r = 0; r < rows; r++) {
    let mean = 0;
    for (let c = 0; c < cols; c++) mean += x[r * cols + c] / cols;
    let variance = 0;
    for (let c = 0; c < cols; c++) variance += (x[r * cols + c] - mean) ** 2 / cols;
    const scale = 1 / Math.sqrt(variance + eps);
    for (let c = 0; c < cols; c++) y[r * cols + c] = (x[r * cols + c] - mean) * scale * w[c] + b[c];
  }
  return y;
}

/** y = x / sqrt(mean(x²) + eps) · w over the last axis of x[rows,cols]. */
export function rmsNorm(x: ArrayLike<number>, w: ArrayLike<number>, rows: number, cols: number, eps: number): Float64Array {
  const y = new Float64Array(rows * cols);
  for (let r = 0; r < rows; r++) {
    let square = 0;
    for (let c = 0; c < cols; c++) square += x[r * cols + c] ** 2 / cols;
    for (let c = 0; c < cols; c++) y[r * cols + c] = (x[r * cols + c] / Math.sqrt(square + eps)) * w[c];
  }
  return y;
}

export interface ConvShape {
  inChannels: number;
  outChannels: number;
  /** Input length. */
  length: number;
  kernel: number;
  stride: number;
  dilation: number;
  /** Zeros on both ends (conv), or samples cut from both ends (transposed). */
  padding: number;
}

export function convLength(s: ConvShape): number {
  return Math.floor((s.length + 2 * s.padding - s.dilation * (s.kernel - 1) - 1) / s.stride) + 1;
}

/** y[o,t] = b[o] + Σ w[o,c,k] x[c, t·stride + k·dilation − padding]; x[C,L], w[O,C,K], y[O,L']. */
export function conv1d(x: ArrayLike<number>, w: ArrayLike<number>, b: ArrayLike<number>, s: ConvShape): Float64Array {
  const out = convLength(s);
  const y = new Float64Array(s.outChannels * out);
  for (let o = 0; o < s.outChannels; o++) {
    y.fill(b[o], o * out, (o + 1) * out);
    for (let c = 0; c < s.inChannels; c++) {
      for (let k = 0; k < s.kernel; k++) {
        const weight = w[(o * s.inChannels + c) * s.kernel + k];
        const shift = k * s.dilation - s.padding;
        for (let t = 0; t < out; t++) {
          const at = t * s.stride + shift;
          if (at >= 0 && at < s.length) y[o * out + t] += weight * x[c * s.length + at];
        }
      }
    }
  }
  return y;
}

export function convTransposeLength(s: ConvShape): number {
  return (s.length - 1) * s.stride - 2 * s.padding + s.dilation * (s.kernel - 1) + 1;
}

/** y[o, t·stride + k·dilation − padding] += w[c,o,k] x[c,t], plus b[o]; x[C,L], w[C,O,K], y[O,L'] (PyTorch's layout). */
export function convTranspose1d(x: ArrayLike<number>, w: ArrayLike<number>, b: ArrayLike<number>, s: ConvShape): Float64Array {
  const out = convTransposeLength(s);
  const y = new Float64Array(s.outChannels * out);
  for (let o = 0; o < s.outChannels; o++) {
    y.fill(b[o], o * out, (o + 1) * out);
    for (let c = 0; c < s.inChannels; c++) {
      for (let k = 0; k < s.kernel; k++) {
        const weight = w[(c * s.outChannels + o) * s.kernel + k];
        for (let t = 0; t < s.length; t++) {
          const at = t * s.stride + k * s.dilation - s.padding;
          if (at >= 0 && at < out) y[o * out + at] += weight * x[c * s.length + t];
        }
      }
    }
  }
  return y;
}

/** softmax(q kᵀ / sqrt(Dh)) v per head; q[H,T,Dh], k and v [H,S,Dh] → [H,T,Dh]. */
export function attention(
  q: ArrayLike<number>,
  k: ArrayLike<number>,
  v: ArrayLike<number>,
  heads: number,
  queries: number,
  keys: number,
  headDim: number,
): Float64Array {
  const y = new Float64Array(heads * queries * headDim);
  const scores = new Float64Array(keys);
  for (let h = 0; h < heads; h++) {
    for (let t = 0; t < queries; t++) {
      const at = (h * queries + t) * headDim;
      for (let s = 0; s < keys; s++) {
        let dot = 0;
        for (let d = 0; d < headDim; d++) dot += q[at + d] * k[(h * keys + s) * headDim + d];
        scores[s] = dot / Math.sqrt(headDim);
      }
      const weights = softmax(scores, 1, keys);
      for (let s = 0; s < keys; s++) {
        for (let d = 0; d < headDim; d++) y[at + d] += weights[s] * v[(h * keys + s) * headDim + d];
      }
    }
  }
  return y;
}

/** `steps` dependent elementwise ops in turn: x·a, x+b, x·a, x+b, … */
export function elementwiseChain(x: ArrayLike<number>, a: ArrayLike<number>, b: ArrayLike<number>, steps: number): Float64Array {
  const y = Float64Array.from(x);
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < y.length; i++) y[i] = step % 2 === 0 ? y[i] * a[i] : y[i] + b[i];
  }
  return y;
}
