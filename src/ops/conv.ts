// Convolutions over time, channels last: implicit matrix products (the index function is in kernels/lib/gemm.wgsl).
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, grid1d } from '../graph/graph.ts';
import type { Tensor, WeightRef } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { ACT, type Act } from './act.ts';
import { type Form, gemm } from './gemm.ts';
import { convLayout, convTransposeLayout, DEPTHWISE, linearLayout, packedCols, repeated, VECTOR } from './layouts.ts';

interface Common {
  bias?: WeightRef | undefined; // [Cout]
  /** Activation of the result. */
  act?: Act | undefined;
  /** Activation of the input, as HiFi-GAN has it; padding stays zero. */
  preAct?: Act | undefined;
  /** Forces a kernel form; for tests and benchmarks. */
  form?: Form | undefined;
}

export interface Conv1dOptions extends Common {
  stride?: number | undefined;
  dilation?: number | undefined;
  groups?: number | undefined;
  /** Zeros put before and after, in frames. */
  padding?: number | readonly [left: number, right: number] | undefined;
  /** Added last. Shaped as the result. */
  residual?: Tensor | undefined;
}

/**
 * Cross-correlation over time, as PyTorch's Conv1d: y[t, o] = act(Σ_jc x[t·stride + j·dilation − left, c] · w[o, c, j] + bias[o]) + residual.
 * x [B?, L, Cin], w [Cout, Cin/groups, K], y [B?, Lout, Cout], Lout = ⌊(L + left + right − dilation·(K−1) − 1)/stride⌋ + 1. Throws `shape`.
 */
export function conv1d(g: Graph, x: Tensor, w: WeightRef, options: Conv1dOptions = {}): Tensor {
  const { stride = 1, dilation = 1, groups = 1, padding = 0 } = options;
  const [left, right] = typeof padding === 'number' ? [padding, padding] : padding;
  const { batch, len, cin } = sequence('conv1d', x);
  checkCounts('conv1d', { stride, dilation, groups }, { left, right });
  if (cin % groups !== 0) throw new MelodyError('shape', `conv1d: ${cin} input channels in ${groups} groups`);
  expectShape('conv1d', w.name, w, [null, cin / groups, null]);
  const [cout, , taps] = w.shape;
  if (cout % groups !== 0)
    throw new MelodyError('shape', `conv1d: ${w.name} has ${cout} output channels, expected a multiple of ${groups} groups`);
  const out = Math.floor((len + left + right - dilation * (taps - 1) - 1) / stride) + 1;
  if (out < 1)
    throw new MelodyError(
      'shape',
      `conv1d: ${w.name} spans ${dilation * (taps - 1) + 1} frames; got ${len} with padding [${left},${right}]`,
    );
  const shape = [...x.shape.slice(0, -2), out, cout];
  if (options.bias) expectShape('conv1d', options.bias.name, options.bias, [cout]);
  if (options.residual) expectShape('conv1d', 'residual', options.residual, shape);
  const bias = options.bias && g.weight(options.bias, VECTOR);
  const y = g.temp(shape, 'f32', 'conv1d');
  if (groups > 1 && groups === cin && cout === cin)
    return depthwise(g, x, w, y, { batch, len, out, cols: cin, taps, stride, dilation, left, bias, options });
  const joined = dilation === 1 && groups === 1; // the taps of a row lie side by side in memory: one long tap
  const [cinG, coutG] = [cin / groups, cout / groups];
  return gemm(g, {
    label: w.name,
    x,
    w: g.weight(w, convLayout(w, groups)),
    y,
    bias,
    residual: options.residual,
    act: options.act,
    preAct: options.preAct,
    form: options.form,
    rows: out,
    cols: coutG,
    inner: joined ? taps * cin : cinG,
    taps: joined ? 1 : taps,
    rowStep: stride * cin,
    tapStep: dilation * cin,
    origin: left * cin,
    xLimit: len * cin,
    wK: packedCols(coutG),
    yRow: cout,
    yLimit: out * cout,
    batch,
    groups,
    step: { x: len * cin, y: out * cout, xGroup: cinG, wGroup: taps * cinG * packedCols(coutG), yGroup: coutG },
  });
}

/**
 * Square patches of a picture through one linear map, as PyTorch's Conv2d(1, C, k, stride) without padding, places row by row:
 * y[h·W' + w, o] = Σ_ij x[h·stride + i, w·stride + j] · w[o, 0, i, j] + bias[o].
 * x [H, W], w [C, 1, k, k], y [H'·W', C] with H' = ⌊(H − k)/stride⌋ + 1, W' alike. Throws `shape`.
 */
export function patches(g: Graph, x: Tensor, w: WeightRef, options: { stride: number; bias: WeightRef; form?: Form | undefined }): Tensor {
  const { stride, bias } = options;
  const [height, width] = x.shape;
  const [cout, , size] = w.shape;
  expectShape('patches', w.name, w, [null, 1, size, size]);
  const [down, across] = [height, width].map((n) => Math.floor((n - size) / stride) + 1);
  if (!(down > 0 && across > 0)) throw new MelodyError('shape', `patches: got [${x.shape}], expected [H, W] of at least ${size} × ${size}`);
  expectShape('patches', bias.name, bias, [cout]);
  // one slice for each place in a row: its patches lie `stride` rows apart, and a row of a patch side by side
  return gemm(g, {
    label: w.name,
    x,
    w: g.weight(w, linearLayout(w)),
    y: g.temp([down * across, cout], 'f32', 'patches'),
    bias: g.weight(bias, VECTOR),
    form: options.form,
    rows: down,
    cols: cout,
    inner: size,
    taps: size,
    rowStep: stride * width,
    tapStep: width,
    xLimit: height * width - (across - 1) * stride,
    wK: packedCols(cout),
    yRow: across * cout,
    yLimit: ((down - 1) * across + 1) * cout,
    batch: across,
    step: { x: stride, y: cout },
  });
}

export interface ConvTranspose1dOptions extends Common {
  stride: number;
  /** Frames cut from both ends of the full result. */
  padding?: number | readonly [left: number, right: number] | undefined;
}

/**
 * Transposed convolution, as PyTorch's ConvTranspose1d: y[t, o] = act(Σ_ic x[i, c] · w[c, o, t + left − i·stride] + bias[o]).
 * x [B?, L, Cin], w [Cin, Cout, K], y [B?, (L−1)·stride + K − left − right, Cout]. Throws `shape`.
 * Computed by phases: the `stride` outputs that one input step starts are columns of one product over ⌈K/stride⌉ input steps.
 */
export function convTranspose1d(g: Graph, x: Tensor, w: WeightRef, options: ConvTranspose1dOptions): Tensor {
  const { stride, padding = 0 } = options;
  const [left, right] = typeof padding === 'number' ? [padding, padding] : padding;
  const { batch, len, cin } = sequence('conv_transpose1d', x);
  checkCounts('conv_transpose1d', { stride }, { left, right });
  expectShape('conv_transpose1d', w.name, w, [cin, null, null]);
  const [, cout, taps] = w.shape;
  const out = (len - 1) * stride + taps - left - right;
  if (out < 1)
    throw new MelodyError('shape', `conv_transpose1d: ${w.name} makes ${out + left + right} frames, all cut by padding [${left},${right}]`);
  if (options.bias) expectShape('conv_transpose1d', options.bias.name, options.bias, [cout]);
  const steps = Math.ceil(taps / stride);
  return gemm(g, {
    label: w.name,
    x,
    w: g.weight(w, convTransposeLayout(w, stride)),
    y: g.temp([...x.shape.slice(0, -2), out, cout], 'f32', 'conv_transpose1d'),
    bias: options.bias && g.weight(options.bias, repeated(stride)),
    act: options.act,
    preAct: options.preAct,
    form: options.form,
    rows: len - 1 + steps,
    cols: stride * cout,
    inner: steps * cin,
    rowStep: cin,
    origin: (steps - 1) * cin,
    xLimit: len * cin,
    wK: packedCols(stride * cout),
    yRow: stride * cout,
    crop: left * cout,
    yLimit: out * cout,
    batch,
    step: { x: len * cin, y: out * cout },
  });
}

interface Depthwise {
  batch: number;
  len: number;
  out: number;
  cols: number;
  taps: number;
  stride: number;
  dilation: number;
  left: number;
  bias: Tensor | undefined;
  options: Conv1dOptions;
}

function depthwise(g: Graph, x: Tensor, w: WeightRef, y: Tensor, s: Depthwise): Tensor {
  const { act = 'none', preAct = 'none', residual } = s.options;
  const common = {
    in: { x, w: g.weight(w, DEPTHWISE), bias: s.bias ?? x, residual: residual ?? x },
    out: { y },
    meaning: { ACT: ACT[act], PRE: ACT[preAct], RESIDUAL: residual ? 1 : 0 },
    label: w.name,
    flops: 2 * s.batch * s.out * s.cols * s.taps,
  };
  const { cols, len, out, taps, left } = s;
  const bias = s.bias ? 1 : 0;
  if (s.stride === 1 && s.dilation === 1 && cols % 4 === 0) {
    const STEPS = g.caps.executor !== 'gpu' ? 8 : 4; // fewer loads an output against more threads
    const n = (s.batch * Math.ceil(out / STEPS) * cols) / 4;
    g.dispatch(K.conv1d_depthwise4, {
      ...common,
      params: { n, cols4: cols / 4, len, out, taps, left, bias, batch: s.batch },
      tuning: { STEPS },
      grid: grid1d(g.caps, n, 64),
    });
  } else {
    const n = s.batch * out * cols;
    const params = { n, cols, len, out, taps, stride: s.stride, dilation: s.dilation, left, bias };
    g.dispatch(K.conv1d_depthwise, { ...common, params, grid: grid1d(g.caps, n, 64) });
  }
  return y;
}

function sequence(op: string, x: Tensor): { batch: number; len: number; cin: number } {
  if (x.shape.length !== 2 && x.shape.length !== 3) throw new MelodyError('shape', `${op}: got [${x.shape}], expected [L, C] or [B, L, C]`);
  const [len, cin] = x.shape.slice(-2);
  return { batch: x.shape.length === 3 ? x.shape[0] : 1, len, cin };
}

function checkCounts(op: string, positive: { [name: string]: number }, natural: { [name: string]: number }): void {
  for (const [name, value] of Object.entries(positive))
    if (!Number.isInteger(value) || value < 1) throw new MelodyError('shape', `${op}: ${name} is ${value}, expected a whole number from 1`);
  for (const [name, value] of Object.entries(natural))
    if (!Number.isInteger(value) || value < 0)
      throw new MelodyError('shape', `${op}: padding ${name} is ${value}, expected a whole number from 0`);
}
