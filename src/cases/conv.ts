// Cases of convolutions.
import type { Act } from '../ops/act.ts';
import { conv1d, convTranspose1d, patches } from '../ops/conv.ts';
import type { Form } from '../ops/gemm.ts';
import { activate } from './activate.ts';
import { at, type Case, type FloatStorage, list, type Measured, measured, sum, type Values } from './case.ts';

export interface ConvSize {
  readonly batch?: number | undefined;
  /** Frames, channels in and out, frames that a filter spans. */
  readonly len: number;
  readonly cin: number;
  readonly cout: number;
  readonly taps: number;
  readonly stride?: number | undefined;
  readonly dilation?: number | undefined;
  readonly groups?: number | undefined;
  readonly padding?: readonly [left: number, right: number] | undefined;
}

interface How {
  readonly storage?: FloatStorage | undefined;
  readonly form?: Form | undefined;
}

interface Activations {
  readonly act?: Act | undefined;
  readonly preAct?: Act | undefined;
}

/** Frames of the result. */
export function convLength({ len, taps, stride = 1, dilation = 1, padding: [left, right] = [0, 0] }: ConvSize): number {
  return Math.floor((len + left + right - dilation * (taps - 1) - 1) / stride) + 1;
}

export function convTransposeLength({ len, taps, stride = 1, padding: [left, right] = [0, 0] }: ConvSize): number {
  return (len - 1) * stride + taps - left - right;
}

/** y[t, o] = b[o] + Σ x[t·stride + j·dilation − left, c] · w[o, c, j]. x [B, L, Cin], w [Cout, Cin/groups, K] → [B, L', Cout]. */
export function convReference(s: ConvSize, x: Values, w: Values, b?: Values): Float64Array {
  const { batch = 1, len, cin, cout, taps, stride = 1, dilation = 1, groups = 1, padding: [left] = [0, 0] } = s;
  const [out, inner] = [convLength(s), cin / groups];
  const y = new Float64Array(batch * out * cout);
  for (let i = 0; i < batch * out; i++)
    for (let o = 0; o < cout; o++) {
      const first = Math.floor(o / (cout / groups)) * inner;
      let total = b?.[o] ?? 0;
      for (let j = 0; j < taps; j++) {
        const t = (i % out) * stride + j * dilation - left;
        if (t < 0 || t >= len) continue;
        const from = (Math.floor(i / out) * len + t) * cin + first;
        for (let k = 0; k < inner; k++) total += x[from + k] * w[(o * inner + k) * taps + j];
      }
      y[i * cout + o] = total;
    }
  return y;
}

/** y[t·stride + j − left, o] += x[t, c] · w[c, o, j], and b[o]. x [B, L, Cin], w [Cin, Cout, K] → [B, L', Cout]. */
export function convTransposeReference(s: ConvSize, x: Values, w: Values, b: Values): Float64Array {
  const { batch = 1, len, cin, cout, taps, stride = 1, padding: [left] = [0, 0] } = s;
  const out = convTransposeLength(s);
  const y = list(batch * out * cout, (i) => b[i % cout]);
  for (let i = 0; i < batch * len; i++)
    for (let j = 0; j < taps; j++) {
      const t = (i % len) * stride + j - left;
      if (t < 0 || t >= out) continue;
      const to = (Math.floor(i / len) * out + t) * cout;
      for (let o = 0; o < cout; o++) for (let k = 0; k < cin; k++) y[to + o] += x[i * cin + k] * w[(k * cout + o) * taps + j];
    }
  return y;
}

/** A convolution with bias. */
const convCase = (name: string, s: ConvSize & How): Case => ({
  name,
  storage: s.storage,
  record(kit) {
    const inner = s.cin / (s.groups ?? 1);
    const [x, xs] = kit.x([s.batch ?? 1, s.len, s.cin]);
    const [[w, ws], [bias, bs]] = [kit.w([s.cout, inner, s.taps], (inner * s.taps) ** -0.5, s.storage), kit.w([s.cout])];
    return [conv1d(kit.g, x, w, { ...s, bias }), () => convReference(s, xs, ws, bs)];
  },
});

/** The same with activations before and after, and a residual added last. */
export const convEpilogueCase = (name: string, s: ConvSize & How & Activations): Case => ({
  name,
  storage: s.storage,
  record(kit) {
    const { act = 'none', preAct = 'none' } = s;
    const inner = s.cin / (s.groups ?? 1);
    const [x, xs] = kit.x([s.batch ?? 1, s.len, s.cin]);
    const [[w, ws], [bias, bs]] = [kit.w([s.cout, inner, s.taps], 1, s.storage), kit.w([s.cout])];
    const [residual, rs] = kit.x([s.batch ?? 1, convLength(s), s.cout]);
    const before = () => Float64Array.from(xs, (v) => activate(preAct, v));
    const reference = () => convReference(s, before(), ws, bs).map((v, i) => activate(act, v) + rs[i]);
    return [conv1d(kit.g, x, w, { ...s, bias, residual }), reference];
  },
});

export const convTransposeCase = (name: string, s: ConvSize & How & Activations): Case => ({
  name,
  storage: s.storage,
  record(kit) {
    const { act = 'none', preAct = 'none', stride = 1 } = s;
    const [x, xs] = kit.x([s.batch ?? 1, s.len, s.cin]);
    const scale = Math.sqrt(stride / (s.cin * s.taps));
    const [[w, ws], [bias, bs]] = [kit.w([s.cin, s.cout, s.taps], scale, s.storage), kit.w([s.cout])];
    const before = () => Float64Array.from(xs, (v) => activate(preAct, v));
    const reference = () => convTransposeReference(s, before(), ws, bs).map((v) => activate(act, v));
    return [convTranspose1d(kit.g, x, w, { ...s, stride, bias }), reference];
  },
});

export interface PatchSize {
  readonly height: number;
  readonly width: number;
  /** Side of a patch, and how far apart patches begin. */
  readonly size: number;
  readonly stride: number;
  readonly cout: number;
}

export const patchesCase = (name: string, s: PatchSize & How): Case => {
  const { height, width, size, stride, cout } = s;
  const [down, across] = [height, width].map((n) => Math.floor((n - size) / stride) + 1);
  return {
    name,
    storage: s.storage,
    record({ g, x, w }) {
      const [[a, as], [m, ms], [bias, bs]] = [x([height, width]), w([cout, 1, size, size], 1 / size, s.storage), w([cout])];
      const one = (p: number, o: number) => {
        const start = Math.floor(p / across) * stride * width + (p % across) * stride;
        return bs[o] + sum(size * size, (i) => as[start + Math.floor(i / size) * width + (i % size)] * ms[o * size * size + i]);
      };
      return [patches(g, a, m, { stride, bias, form: s.form }), () => list(down * across * cout, (i) => one(...at(i, cout)))];
    },
  };
};

export const quick = (): Case[] => [
  convCase('convolution', { len: 37, cin: 12, cout: 20, taps: 7, padding: [3, 3], storage: 'f16' }),
  convCase('depthwise convolution', { len: 37, cin: 20, cout: 20, taps: 7, groups: 20, padding: [3, 3], storage: 'f16' }),
];

const STORAGES = ['f32', 'f16'] as const;

export const odd = (): Case[] => [
  ...STORAGES.flatMap((storage) => [
    convCase('convolution', { len: 37, cin: 12, cout: 20, taps: 7, dilation: 3, padding: [9, 9], storage }),
    convTransposeCase('transposed convolution', { len: 37, cin: 12, cout: 20, taps: 7, stride: 4, padding: [1, 1], storage }),
  ]),
  convCase('convolution in groups', { len: 37, cin: 12, cout: 20, taps: 5, groups: 4, padding: [2, 2] }),
  convEpilogueCase('convolution, activated', { len: 37, cin: 12, cout: 20, taps: 3, act: 'tanh', preAct: 'leaky_relu' }),
  convCase('depthwise convolution', { len: 37, cin: 20, cout: 20, taps: 5, groups: 20, padding: [2, 2] }),
  convCase('depthwise convolution, odd', { len: 37, cin: 19, cout: 19, taps: 5, groups: 19, padding: [2, 2] }),
  patchesCase('patches of a picture', { height: 13, width: 11, size: 4, stride: 3, cout: 6 }),
];

/** A multiply-add for each number of the filter at each of `frames`, and all tensors once. */
function sized(c: Case, s: ConvSize, frames: number, out: number): Measured {
  const filter = (s.cin * s.cout * s.taps) / (s.groups ?? 1);
  return measured(c, 2 * filter * frames, s.len * s.cin + filter + s.cout * (out + 1));
}
const plain = (name: string, s: ConvSize & How) => sized(convCase(name, s), s, convLength(s), convLength(s));
const same = (name: string, channels: number, len: number, taps: number, dilation: number) =>
  STORAGES.map((storage) => {
    const side = ((taps - 1) * dilation) / 2;
    return plain(name, { len, cin: channels, cout: channels, taps, dilation, padding: [side, side], storage });
  });
const up = (name: string, cin: number, len: number, taps: number, stride: number) =>
  STORAGES.map((storage) => {
    const cut = Math.floor((taps - stride) / 2);
    const s = { len, cin, cout: cin / 2, taps, stride, padding: [cut, cut] as const, storage };
    return sized(convTransposeCase(name, s), s, len, convTransposeLength(s));
  });

export const paper = (): Measured[] => [
  ...same('conv1d_k7_d1', 128, 4096, 7, 1),
  ...same('conv1d_k7_d3', 128, 4096, 7, 3),
  ...up('conv_transpose1d_k16_s8', 128, 512, 16, 8),
  ...up('decoder_up1', 768, 64, 9, 4),
  ...same('decoder_k3_d1', 384, 256, 3, 1),
  ...same('decoder_k7_d5', 384, 256, 7, 5),
  ...up('decoder_up4', 192, 768, 7, 2),
  plain('vae_depthwise_k7', { len: 1000, cin: 256, cout: 256, taps: 7, groups: 256, padding: [3, 3] }),
  plain('vae_grouped_k7', { len: 1000, cin: 256, cout: 256, taps: 7, groups: 8, padding: [3, 3] }),
];
