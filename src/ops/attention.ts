// Attention, rotary positions and the KV cache.
import { log } from '../elementary.ts';
import { MelodyError } from '../errors.ts';
import { expectShape, type Graph, grid1d, isScalar, type ParamValue, within } from '../graph/graph.ts';
import { elementsOf, type Tensor } from '../graph/tensor.ts';
import * as K from '../kernels.gen.ts';
import { powerOfTwo, spreadRows } from './spread.ts';

export interface AttentionOptions {
  heads: number;
  /** Query i sees keys 0 … queryOffset + i. */
  causal?: boolean | undefined;
  /** Valid keys, the first of Tk; at most Tk. Default: all. */
  keys?: ParamValue | undefined;
  /** Position of query 0 among the keys. Default 0. */
  queryOffset?: ParamValue | undefined;
  /** Default Dh^-½. */
  scale?: number | undefined;
  /** Forces a kernel form; for tests and benchmarks. */
  form?: AttentionForm | undefined;
}

/** `row`: a workgroup per query, for decoding; `tile`: 32 queries through workgroup memory; `broadcast`: software adapters with subgroups of 8. */
export const ATTENTION_FORMS = ['row', 'tile', 'broadcast'] as const;
export type AttentionForm = (typeof ATTENTION_FORMS)[number];

const NOT_CAUSAL = 2 ** 30; // a first query after all keys sees them all
const WIDEST = 256; // wider heads fit neither the registers of a tile nor a column of fours a thread
const ROW_QUERIES = 4; // up to here a tile would be mostly empty

/**
 * softmax(scale · q kᵀ) v for every head, with a streaming softmax.
 * q, y [B, Tq, H·Dh], k, v [B or 1, Tk, H·Dh] (states allowed: a KV cache), any Dh. Throws `shape`.
 */
export function attention(g: Graph, q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions): Tensor {
  const { heads, causal = false } = options;
  if (q.shape.length !== 3) throw new MelodyError('shape', `attention: got q [${q.shape}], expected [B, Tq, H·Dh]`);
  const [batch, tq, row] = q.shape;
  const dh = headWidth('attention', row, heads);
  expectShape('attention', 'k', k, [k.shape[0] === 1 ? 1 : batch, null, row]);
  expectShape('attention', 'v', v, k.shape);
  const capacity = k.shape[1];
  const keys = within(options.keys ?? capacity, 1, capacity);
  if (!isScalar(keys) && (keys < 1 || keys > capacity)) throw new MelodyError('shape', `attention: ${keys} valid keys of [${k.shape}]`);
  const y = g.temp(q.shape, 'f32', 'attention');
  const wide = dh > WIDEST; // the plain row kernel takes any width, slowly
  const canBroadcast = g.caps.subgroupMin === 8 && g.caps.subgroupMax === 8 && dh % 4 === 0 && dh <= 128;
  const form = options.form ?? (tq <= ROW_QUERIES || wide ? 'row' : canBroadcast && g.caps.executor !== 'gpu' ? 'broadcast' : 'tile');
  if ((form === 'broadcast' && !canBroadcast) || (form === 'tile' && wide))
    throw new MelodyError('limit', `attention: the form "${form}" cannot run heads of ${dh} on ${g.caps.name}`);
  const first = causal ? within(options.queryOffset ?? 0, 0, NOT_CAUSAL) : NOT_CAUSAL;
  const kvBatch = k.shape[0] === 1 ? 0 : capacity * row;
  const params = { tq, keys, first, kv_batch: kvBatch, row, dh, scale: options.scale ?? 1 / Math.sqrt(dh), batch };
  const common = { in: { q, k, v }, out: { y }, params, flops: 4 * batch * heads * tq * capacity * dh };
  const pieces = (width: number) => powerOfTwo(dh / width); // few pipelines: powers of two
  const tiles = (queries: number) => [Math.ceil(tq / queries), heads, batch] as [number, number, number];
  if (form === 'tile') g.dispatch(K.attention_tile, { ...common, tuning: { CHUNKS: pieces(32) }, grid: tiles(32) });
  else if (form === 'broadcast') g.dispatch(K.attention_broadcast, { ...common, tuning: { CHUNKS: pieces(32) }, grid: tiles(16) });
  else if (dh % 4 !== 0 || wide) g.dispatch(K.attention_row, { ...common, tuning: { DV: pieces(64) }, grid: tiles(1) });
  else {
    const byFour = { tq, keys, first, kv_batch: kvBatch / 4, row4: row / 4, dh4: dh / 4, scale: params.scale, batch };
    g.dispatch(K.attention_row4, { ...common, params: byFour, grid: tiles(1) });
  }
  return y;
}

export interface RopeOptions {
  heads: number;
  /** Base of the frequencies. Default 1e4. */
  theta?: number;
  /** Position of row 0; row t has offset + t. Default 0. */
  offset?: ParamValue;
  /** Positions of their own, [T] or [B, T] f32, instead of offset + t. */
  positions?: Tensor;
  /** Which columns turn together: i and i + Dh/2 (LLaMA, NeoX), or 2i and 2i + 1 (RoFormer). Default 'half'. */
  style?: 'half' | 'interleaved';
}

/** Rotary position embedding (Su et al. 2021): pair i of a head turns by position · theta^(−2i/Dh). x, y [B, T, H·Dh]. Throws `shape`. */
export function rope(g: Graph, x: Tensor, options: RopeOptions): Tensor {
  const { heads, theta = 1e4, offset = 0, positions, style = 'half' } = options;
  if (x.shape.length !== 3) throw new MelodyError('shape', `rope: got [${x.shape}], expected [B, T, H·Dh]`);
  const [batch, len, row] = x.shape;
  const dh = headWidth('rope', row, heads);
  if (dh % 2 !== 0) throw new MelodyError('shape', `rope: heads are ${dh} wide, expected an even width`);
  if (positions) expectShape('rope', 'positions', positions, positions.shape.length === 1 ? [len] : [batch, len]);
  const y = g.temp(x.shape, 'f32', 'rope');
  const rows = batch * len;
  const { grid, tuning } = spreadRows(g.caps, rows, row);
  g.dispatch(K.rope, {
    in: { x, positions: positions ?? x },
    out: { y },
    params: { rows, len, heads, half_dh: dh / 2, pos_batch: positions?.shape.length === 2 ? len : 0, offset, log_theta: log(theta) },
    meaning: { INTERLEAVED: style === 'interleaved' ? 1 : 0, POSITIONS: positions ? 1 : 0 },
    tuning: { ...tuning, LANES: g.caps.executor !== 'gpu' ? 8 : 16 },
    grid,
    flops: 3 * rows * row,
  });
  return y;
}

/**
 * What attention to a cache needs of one product: q turned by position (`rope`, pairs i and i + Dh/2), k turned and v as it is appended to their
 * caches; row t has position at + t, rows past a cache's end are dropped. Without `theta` nothing turns.
 * qkv [B, T, 3·H·Dh] (queries, keys, values), cache k, v [B, Tmax, H·Dh] → q [B, T, H·Dh]. Throws `shape`.
 */
export function qkvAppend(
  g: Graph,
  qkv: Tensor,
  cache: { readonly k: Tensor; readonly v: Tensor },
  options: { heads: number; at: ParamValue; theta?: number | undefined },
): Tensor {
  const { heads, at, theta } = options;
  expectShape('qkv_append', 'qkv', qkv, [null, null, null]);
  const [batch, len, cols] = qkv.shape;
  expectShape('qkv_append', 'cache k', cache.k, [batch, null, cols / 3]);
  expectShape('qkv_append', 'cache v', cache.v, cache.k.shape);
  const [, capacity, row] = cache.k.shape;
  const dh = headWidth('qkv_append', row, heads);
  if (dh % 2 !== 0) throw new MelodyError('shape', `qkv_append: heads are ${dh} wide, expected an even width`);
  const q = g.temp([batch, len, row], 'f32', 'qkv_append');
  const rows = batch * len;
  const { grid, tuning } = spreadRows(g.caps, rows, cols);
  g.dispatch(K.qkv_append, {
    in: { x: qkv },
    out: { q, k: cache.k, v: cache.v },
    params: { rows, len, heads, half_dh: dh / 2, capacity, at: within(at, 0, Math.floor(2 ** 32 / row) - len), log_theta: log(theta ?? 1) },
    meaning: { TURN: theta === undefined ? 0 : 1 },
    tuning: { ...tuning, LANES: g.caps.executor !== 'gpu' ? 8 : 16 },
    grid,
    flops: 6 * rows * row,
    bytes: 24 * rows * row,
  });
  return q;
}

/** Write rows at … at + T of a cache state; rows past its end are dropped. cache [B, Tmax, C], x [B, T, C]. Throws `shape`. */
export function kvAppend(g: Graph, cache: Tensor, x: Tensor, at: ParamValue): void {
  expectShape('kv_append', 'cache', cache, [x.shape[0] ?? null, null, x.shape[2] ?? null]);
  const [, len, cols] = x.shape;
  const n = elementsOf(x.shape);
  g.dispatch(K.kv_append, {
    in: { x },
    out: { cache },
    params: { n, row: len * cols, capacity: cache.shape[1], at: within(at, 0, Math.floor(2 ** 32 / cols) - len), cols },
    grid: grid1d(g.caps, n, 64),
    bytes: 8 * n,
  });
}

/** Columns of each of `heads` heads in rows of `row`. Throws `shape`. */
export function headWidth(op: string, row: number, heads: number): number {
  if (!Number.isInteger(heads) || heads < 1 || row % heads !== 0)
    throw new MelodyError('shape', `${op}: rows of ${row} do not split into ${heads} heads`);
  return row / heads;
}
