// attention: y = softmax(scale q k^T) v for every head, streaming over blocks of 512 keys
//
// q, y  [batch, tq, heads * dh]     k, v [batch or 1, capacity, heads * dh], of which the first `keys` rows count
// Query i sees keys 0 ... first + i; without a causal mask `first` is past all keys.
// unit    32 queries of one head; up to 4 queries: one of them (decoding)
// runs    attention_row attention_row4 attention_tile attention_broadcast
import { exp1, exp4, max4, sp, sum4 } from './lib/math';
import { scratch } from './lib/scratch';
import { loadSome, store4 } from './lib/some';
import { packRows, transpose } from './lib/rows';
import { tile4x8 } from './lib/tiles';
import { attention as p } from './params.gen';

const FEW: u32 = 4; // queries up to which each is a unit
const TALL: u32 = 32; // queries of a unit else
const BLOCK: u32 = 512; // keys

/** The row form by fours counts its steps in vectors. */
// @ts-ignore: decorator
@inline
function rowOf(c: usize): u32 {
  return p.row4(c) != 0 ? p.row4(c) << 2 : p.row(c);
}

// @ts-ignore: decorator
@inline
function widthOf(c: usize): u32 {
  return p.row4(c) != 0 ? p.dh4(c) << 2 : p.dh(c);
}

// @ts-ignore: decorator
@inline
function kvBatch(c: usize): u32 {
  return p.row4(c) != 0 ? p.kv_batch(c) << 2 : p.kv_batch(c);
}

// @ts-ignore: decorator
@inline
function tall(c: usize): u32 {
  return p.tq(c) <= FEW ? 1 : TALL;
}

export function attention_units(c: usize): u32 {
  return p.batch(c) * (rowOf(c) / widthOf(c)) * ((p.tq(c) + tall(c) - 1) / tall(c));
}

export function attention(c: usize, from: u32, to: u32): void {
  const row = rowOf(c);
  const dh = widthOf(c);
  const tq = p.tq(c);
  const heads = row / dh;
  const high = tall(c);
  const blocks = (tq + high - 1) / high;
  for (let unit = from; unit < to; unit++) {
    const first = (unit % blocks) * high;
    const head = (unit / blocks) % heads;
    const batch = unit / blocks / heads;
    const q = (<usize>((batch * tq + first) * row + head * dh)) << 2;
    const kv = (<usize>(batch * kvBatch(c) + head * dh)) << 2;
    if (high == 1) one(c, q, kv, min(p.keys(c), p.first(c) + first + 1), row, dh);
    else many(c, q, kv, first, min(high, tq - first), row, dh);
  }
}

/** One query at q and y by `visible` keys: scores along the keys, then values along the columns. */
function one(c: usize, at: usize, kv: usize, visible: u32, row: u32, dh: u32): void {
  const step = (<usize>row) << 2;
  const whole = (<usize>(dh & ~3)) << 2;
  const rest = dh & 3;
  const q = p.q(c) + at;
  const y = p.y(c) + at;
  const weights = scratch + 1024;
  const scale = p.scale(c);
  let top: f32 = -3.4e38;
  let total: f32 = 0;
  for (let block: u32 = 0; block < visible; block += BLOCK) {
    const count = min(BLOCK, visible - block);
    const k = p.k(c) + kv + block * step;
    const v = p.v(c) + kv + block * step;
    let higher = top;
    let j: u32 = 0;
    let tops = sp(top);
    for (; j + 4 <= count; j += 4) {
      const k0 = k + j * step;
      const k1 = k0 + step;
      const k2 = k1 + step;
      const k3 = k2 + step;
      let s0 = sp(0);
      let s1 = s0;
      let s2 = s0;
      let s3 = s0;
      for (let d: usize = 0; d < whole; d += 16) {
        const a = v128.load(q + d);
        s0 = f32x4.add(s0, f32x4.mul(a, v128.load(k0 + d)));
        s1 = f32x4.add(s1, f32x4.mul(a, v128.load(k1 + d)));
        s2 = f32x4.add(s2, f32x4.mul(a, v128.load(k2 + d)));
        s3 = f32x4.add(s3, f32x4.mul(a, v128.load(k3 + d)));
      }
      if (rest != 0) {
        const a = loadSome(q + whole, rest);
        s0 = f32x4.add(s0, f32x4.mul(a, loadSome(k0 + whole, rest)));
        s1 = f32x4.add(s1, f32x4.mul(a, loadSome(k1 + whole, rest)));
        s2 = f32x4.add(s2, f32x4.mul(a, loadSome(k2 + whole, rest)));
        s3 = f32x4.add(s3, f32x4.mul(a, loadSome(k3 + whole, rest)));
      }
      const ab = f32x4.add(v128.shuffle<f32>(s0, s1, 0, 4, 1, 5), v128.shuffle<f32>(s0, s1, 2, 6, 3, 7));
      const de = f32x4.add(v128.shuffle<f32>(s2, s3, 0, 4, 1, 5), v128.shuffle<f32>(s2, s3, 2, 6, 3, 7));
      const four = f32x4.mul(f32x4.add(v128.shuffle<f32>(ab, de, 0, 1, 4, 5), v128.shuffle<f32>(ab, de, 2, 3, 6, 7)), sp(scale));
      v128.store(weights + ((<usize>j) << 2), four);
      tops = f32x4.max(tops, four);
    }
    higher = max4(tops);
    for (; j < count; j++) {
      const key = k + j * step;
      let s0 = sp(0);
      for (let d: usize = 0; d < whole; d += 16) s0 = f32x4.add(s0, f32x4.mul(v128.load(q + d), v128.load(key + d)));
      if (rest != 0) s0 = f32x4.add(s0, f32x4.mul(loadSome(q + whole, rest), loadSome(key + whole, rest)));
      const even = f32x4.extract_lane(s0, 0) + f32x4.extract_lane(s0, 2);
      const score = (even + (f32x4.extract_lane(s0, 1) + f32x4.extract_lane(s0, 3))) * scale;
      store<f32>(weights + ((<usize>j) << 2), score);
      higher = max(higher, score);
    }
    const shrink = exp1(top - higher);
    top = higher;
    const sum = softmaxPart(weights, count, top);
    total = total * shrink + sum;
    for (let d: usize = 0; d < (<usize>dh) << 2; d += 16) {
      const some = min(4, dh - <u32>(d >> 2));
      let a0 = block == 0 ? sp(0) : f32x4.mul(some < 4 ? loadSome(y + d, some) : v128.load(y + d), sp(shrink));
      if (some < 4) for (let j: u32 = 0; j < count; j++) a0 = f32x4.add(a0, f32x4.mul(v128.load32_splat(weights + (j << 2)), loadSome(v + j * step + d, some)));
      else if (d + 64 <= (<usize>dh) << 2) {
        let a1 = block == 0 ? sp(0) : f32x4.mul(v128.load(y + d, 16), sp(shrink));
        let a2 = block == 0 ? sp(0) : f32x4.mul(v128.load(y + d, 32), sp(shrink));
        let a3 = block == 0 ? sp(0) : f32x4.mul(v128.load(y + d, 48), sp(shrink));
        let value = v + d;
        for (let j: u32 = 0; j < count; j++) {
          const w = v128.load32_splat(weights + (j << 2));
          a0 = f32x4.add(a0, f32x4.mul(w, v128.load(value)));
          a1 = f32x4.add(a1, f32x4.mul(w, v128.load(value, 16)));
          a2 = f32x4.add(a2, f32x4.mul(w, v128.load(value, 32)));
          a3 = f32x4.add(a3, f32x4.mul(w, v128.load(value, 48)));
          value += step;
        }
        v128.store(y + d, a1, 16);
        v128.store(y + d, a2, 32);
        v128.store(y + d, a3, 48);
        v128.store(y + d, a0);
        d += 48;
        continue;
      } else {
        let value = v + d;
        for (let j: u32 = 0; j < count; j++) {
          a0 = f32x4.add(a0, f32x4.mul(v128.load32_splat(weights + (j << 2)), v128.load(value)));
          value += step;
        }
      }
      store4(y + d, a0, some);
    }
  }
  for (let d: usize = 0; d < (<usize>dh) << 2; d += 4) store<f32>(y + d, load<f32>(y + d) / total);
}

/** weights[i] = exp(weights[i] - top) for `count` of them, zeros up to a whole vector; their sum. */
function softmaxPart(weights: usize, count: u32, top: f32): f32 {
  let sum = sp(0);
  const end = weights + ((<usize>(count & ~3)) << 2);
  const t = sp(top);
  let at = weights;
  for (; at < end; at += 16) {
    const e = exp4(f32x4.sub(v128.load(at), t));
    v128.store(at, e);
    sum = f32x4.add(sum, e);
  }
  const rest = count & 3;
  if (rest != 0) {
    const e = exp4(f32x4.sub(v128.load(at), t));
    const lanes = i32x4.lt_u(i32x4(0, 1, 2, 3), i32x4.splat(rest));
    v128.store(at, v128.and(e, lanes));
    sum = f32x4.add(sum, v128.and(e, lanes));
  }
  return sum4(sum);
}

/**
 * `rows` queries from `first` on: a block of keys as panels of eight (their columns first), so that scores and values are both products of
 * the matrix kernels; y carries the sum from block to block.
 */
function many(c: usize, at: usize, kv: usize, first: u32, rows: u32, row: u32, dh: u32): void {
  const step = (<usize>row) << 2;
  const q = p.q(c) + at;
  const y = p.y(c) + at;
  const tops = scratch + 512; // [TALL], and totals [TALL] behind them
  const totals = tops + 4 * TALL;
  const scores = scratch + 1024; // [4, BLOCK]
  const turned = scores + 16 * BLOCK; // four queries, then their scores, as [k, 4]
  const packed = turned + 16 * max(BLOCK, dh); // [BLOCK / 8, dh, 8]
  const scale = p.scale(c);
  const visible = min(p.keys(c), p.first(c) + first + rows);
  for (let r: u32 = 0; r < rows; r++) {
    store<f32>(tops + (r << 2), -3.4e38);
    store<f32>(totals + (r << 2), 0);
  }
  for (let block: u32 = 0; block < visible; block += BLOCK) {
    const count = min(BLOCK, visible - block);
    packKeys(p.k(c) + kv + block * step, step, count, dh, packed);
    const v = p.v(c) + kv + block * step;
    for (let r: u32 = 0; r < rows; r += 4) {
      const four = min(4, rows - r);
      packRows(q + r * step, step, four, dh, turned);
      for (let j: u32 = 0; j < count; j += 8) {
        tile4x8(turned, packed + ((<usize>(j * dh)) << 2), 32, dh, scratch);
        for (let i: usize = 0; i < 4; i++) {
          const to = scores + ((i * BLOCK + j) << 2);
          v128.store(to, f32x4.mul(v128.load(scratch + (i << 5)), sp(scale)));
          v128.store(to, f32x4.mul(v128.load(scratch + (i << 5), 16), sp(scale)), 16);
        }
      }
      for (let i: u32 = 0; i < four; i++) {
        const weights = scores + ((<usize>(i * BLOCK)) << 2);
        const limit = min(count, max(p.keys(c) < p.first(c) + first + r + i + 1 ? p.keys(c) : p.first(c) + first + r + i + 1, block) - block);
        const y_ = y + (r + i) * step;
        const top = load<f32>(tops + ((r + i) << 2));
        const higher = max(top, largest(weights, limit));
        const shrink = exp1(top - higher);
        store<f32>(tops + ((r + i) << 2), higher);
        const sum = limit == 0 ? <f32>0 : softmaxPart(weights, limit, higher);
        memory.fill(weights + ((<usize>limit) << 2), 0, (<usize>(count - limit)) << 2);
        store<f32>(totals + ((r + i) << 2), load<f32>(totals + ((r + i) << 2)) * shrink + sum);
        if (block != 0) for (let d: usize = 0; d < (<usize>dh) << 2; d += 4) store<f32>(y_ + d, load<f32>(y_ + d) * shrink);
      }
      packRows(scores, 4 * BLOCK, four, count, turned);
      for (let d: u32 = 0; d < dh; d += 8) {
        const some = min(8, dh - d);
        const wide = tileValues(turned, v + (d << 2), step, count, some, packed + ((<usize>(BLOCK * dh)) << 2));
        for (let i: u32 = 0; i < four; i++) {
          const to = y + (r + i) * step + (d << 2);
          const sum = wide + (i << 5);
          if (some == 8) {
            if (block != 0) {
              v128.store(to, f32x4.add(v128.load(to), v128.load(sum)));
              v128.store(to, f32x4.add(v128.load(to, 16), v128.load(sum, 16)), 16);
            } else {
              v128.store(to, v128.load(sum));
              v128.store(to, v128.load(sum, 16), 16);
            }
          } else
            for (let j: usize = 0; j < (<usize>some) << 2; j += 4)
              store<f32>(to + j, block != 0 ? load<f32>(to + j) + load<f32>(sum + j) : load<f32>(sum + j));
        }
      }
    }
  }
  for (let r: u32 = 0; r < rows; r++) {
    const total = load<f32>(totals + (r << 2));
    const y_ = y + r * step;
    let d: usize = 0;
    for (; d + 16 <= (<usize>dh) << 2; d += 16) v128.store(y_ + d, f32x4.div(v128.load(y_ + d), sp(total)));
    for (; d < (<usize>dh) << 2; d += 4) store<f32>(y_ + d, load<f32>(y_ + d) / total);
  }
}

/** Four rows of weights times eight columns of v, or `some` of them through a copy in `room`. */
function tileValues(weights: usize, v: usize, step: usize, count: u32, some: u32, room: usize): usize {
  if (some == 8) tile4x8(weights, v, step, count, scratch);
  else {
    for (let j: u32 = 0; j < count; j++) for (let i: usize = 0; i < 8; i++) store<f32>(room + (j << 5) + (i << 2), i < some ? load<f32>(v + j * step + (i << 2)) : 0);
    tile4x8(weights, room, 32, count, scratch);
  }
  return scratch;
}

/** The largest of `count` floats; the least number of all when there is none. NaN stays. */
function largest(x: usize, count: u32): f32 {
  let best = sp(-3.4e38);
  let at = x;
  const end = x + ((<usize>(count & ~3)) << 2);
  for (; at < end; at += 16) best = f32x4.max(best, v128.load(at));
  let top = max4(best);
  for (; at < x + ((<usize>count) << 2); at += 4) top = max(top, load<f32>(at));
  return top;
}

/** Keys [count, dh], `step` bytes apart, as panels [count / 8, dh, 8], zeros behind the last key. */
function packKeys(k: usize, step: usize, count: u32, dh: u32, out: usize): void {
  for (let j: u32 = 0; j < count; j += 8) {
    let to = out + ((<usize>(j * dh)) << 2);
    const some = min(8, count - j);
    const k0 = k + j * step;
    let d: u32 = 0;
    if (some == 8)
      for (; d + 4 <= dh; d += 4) {
        const at = k0 + (d << 2);
        transpose(at, step, to);
        transpose(at + 4 * step, step, to + 16);
        to += 128;
      }
    for (; d < dh; d++) {
      for (let i: usize = 0; i < 8; i++) store<f32>(to + (i << 2), i < some ? load<f32>(k0 + i * step + (d << 2)) : 0);
      to += 32;
    }
  }
}
