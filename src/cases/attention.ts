// Cases of attention, rotary positions and the cache.
import { state } from '../graph/tensor.ts';
import { type AttentionForm, attention, kvAppend, qkvAppend, rope } from '../ops/attention.ts';
import { type Case, list, type Measured, measured, sum, type Values } from './case.ts';

export interface AttentionSize {
  readonly batch?: number | undefined;
  /** Queries and keys. */
  readonly tq: number;
  readonly tk: number;
  readonly heads: number;
  /** Width of a head. */
  readonly dh: number;
  readonly causal?: boolean | undefined;
  readonly keys?: number | undefined;
  readonly queryOffset?: number | undefined;
  readonly scale?: number | undefined;
  /** Every item reads the keys of one. */
  readonly sharedKeys?: boolean | undefined;
}

/** softmax(scale · q kᵀ) v, head by head. q [B, Tq, H·Dh], k, v [B or 1, Tk, H·Dh] → [B, Tq, H·Dh]. */
export function attentionReference(s: AttentionSize, q: Values, k: Values, v: Values): Float64Array {
  const { batch = 1, tq, tk, heads, dh, causal, keys = tk, queryOffset = 0, scale = dh ** -0.5 } = s;
  const row = heads * dh;
  const y = new Float64Array(batch * tq * row);
  for (let i = 0; i < batch * tq; i++)
    for (let h = 0; h < row; h += dh) {
      const first = (s.sharedKeys ? 0 : Math.floor(i / tq)) * tk * row + h;
      const visible = causal ? Math.min(keys, queryOffset + (i % tq) + 1) : keys;
      const scores = list(visible, (j) => scale * sum(dh, (d) => q[i * row + h + d] * k[first + j * row + d]));
      const top = scores.reduce((a, b) => Math.max(a, b));
      const weights = scores.map((score) => Math.exp(score - top));
      const total = sum(visible, (j) => weights[j]);
      for (let d = 0; d < dh; d++) y[i * row + h + d] = sum(visible, (j) => weights[j] * v[first + j * row + d]) / total;
    }
  return y;
}

export const attentionCase = (
  name: string,
  s: AttentionSize & { readonly spread?: number; readonly form?: AttentionForm | undefined },
): Case => ({
  name,
  record({ g, x }) {
    const { batch = 1, tq, tk, heads, dh, spread = 2 } = s;
    const [row, items] = [heads * dh, s.sharedKeys ? 1 : batch];
    const [[q, qs], [k, ks], [v, vs]] = [x([batch, tq, row], spread), x([items, tk, row], spread), x([items, tk, row])];
    return [attention(g, q, k, v, s), () => attentionReference(s, qs, ks, vs)];
  },
});

/** Decoding: one query over a cache that `tk` keys and values were appended to. */
const cachedAttentionCase = (name: string, tk: number, heads: number, dh: number): Case => ({
  name,
  record({ g, x }) {
    const row = heads * dh;
    const [[q, qs], [k, ks], [v, vs]] = [x([1, 1, row], 2), x([1, tk, row], 2), x([1, tk, row])];
    const [keys, values] = ['keys', 'values'].map((cache) => state(cache, [1, tk + 3, row])); // room for what is still to come
    kvAppend(g, keys, k, 0);
    kvAppend(g, values, v, 0);
    const y = attention(g, q, keys, values, { heads, causal: true, keys: tk, queryOffset: tk - 1 });
    return [y, () => attentionReference({ tq: 1, tk, heads, dh }, qs, ks, vs)];
  },
});

export interface RopeSize {
  readonly batch?: number;
  readonly len: number;
  readonly heads: number;
  readonly dh: number;
  readonly style?: 'half' | 'interleaved';
  readonly theta?: number;
  readonly offset?: number;
}

/** x [B, T, H·Dh] with pair i of every head turned by position · theta^(−2i/Dh). */
export function ropeReference(s: RopeSize, x: Values, position: (b: number, t: number) => number): Float64Array {
  const { len, heads, dh, style, theta = 1e4 } = s;
  const step = style === 'interleaved' ? 1 : dh / 2; // from one of a pair to the other
  return list(x.length, (i) => {
    const [token, d] = [Math.floor(i / heads / dh), i % dh];
    const second = Math.floor(d / step) % 2;
    const pair = step === 1 ? d >> 1 : d % step;
    const angle = position(Math.floor(token / len), token % len) * theta ** ((-2 * pair) / dh);
    return x[i] * Math.cos(angle) + (second ? x[i - step] : -x[i + step]) * Math.sin(angle);
  });
}

const ropeCase = (name: string, s: RopeSize): Case => ({
  name,
  record({ g, x }) {
    const [a, as] = x([s.batch ?? 1, s.len, s.heads * s.dh]);
    return [rope(g, a, s), () => ropeReference(s, as, (_, t) => t + (s.offset ?? 0))];
  },
});

/** Attention of the last `len` of tk positions, whose queries, keys and values come of one product, to all in a cache. */
const appendedCase = (name: string, s: { len: number; tk: number; heads: number; dh: number; theta?: number }): Case => ({
  name,
  record({ g, x }) {
    const { len, tk, heads, dh, theta } = s;
    const row = heads * dh;
    const at = tk - len;
    const [k, v] = ['keys', 'values'].map((cache) => state(cache, [1, tk + 3, row]));
    const [[before, befores], [after, afters]] = [x([1, at, 3 * row], 1.5), x([1, len, 3 * row], 1.5)];
    qkvAppend(g, before, { k, v }, { heads, at: 0, theta });
    const q = qkvAppend(g, after, { k, v }, { heads, at, theta });
    const y = attention(g, q, k, v, { heads, causal: true, keys: tk, queryOffset: at });
    const turned = (values: Values, rows: number, part: number, offset: number) => {
      const own = list(rows * row, (i) => values[Math.floor(i / row) * 3 * row + part * row + (i % row)]);
      return theta === undefined || part === 2 ? own : ropeReference({ len: rows, heads, dh, theta }, own, (_, t) => t + offset);
    };
    const all = (part: number) => Float64Array.from([...turned(befores, at, part, 0), ...turned(afters, len, part, at)]);
    return [
      y,
      () => attentionReference({ tq: len, tk, heads, dh, causal: true, queryOffset: at }, turned(afters, len, 0, at), all(1), all(2)),
    ];
  },
});

export const quick = (): Case[] => [
  attentionCase('attention', { tq: 9, tk: 33, heads: 2, dh: 32 }),
  attentionCase('attention of one query', { tq: 1, tk: 33, heads: 2, dh: 32 }),
  ropeCase('rotary positions', { len: 9, heads: 2, dh: 20 }),
];

export const odd = (): Case[] => [
  attentionCase('attention', { tq: 9, tk: 33, heads: 3, dh: 20 }),
  attentionCase('attention, one query', { tq: 1, tk: 33, heads: 3, dh: 20 }),
  attentionCase('attention, odd heads', { tq: 2, tk: 33, heads: 3, dh: 19 }),
  ropeCase('rotary positions', { len: 9, heads: 3, dh: 20 }),
  cachedAttentionCase('attention to a cache', 13, 3, 20),
  appendedCase('attention to what one product appends', { len: 2, tk: 13, heads: 3, dh: 20, theta: 1e4 }),
  appendedCase('the same without positions', { len: 1, tk: 13, heads: 3, dh: 6 }),
];

const sized = (name: string, s: AttentionSize) =>
  measured(attentionCase(name, s), 4 * s.heads * s.tq * s.tk * s.dh, 2 * s.heads * (s.tq + s.tk) * s.dh);

export const paper = (): Measured[] => [
  sized('attention_8x512x64', { tq: 512, tk: 512, heads: 8, dh: 64 }),
  sized('lm_decode_attention', { tq: 1, tk: 262, heads: 16, dh: 64 }),
  sized('dpd_coarse_attention', { tq: 80, tk: 80, heads: 12 * 8, dh: 64 }),
  measured(ropeCase('lm_rope', { len: 262, heads: 16, dh: 64 }), 3 * 262 * 1024, 2 * 262 * 1024),
  measured(cachedAttentionCase('lm_cached_attention', 262, 16, 64), 4 * 262 * 1024, (4 * 262 + 2) * 1024),
];
