// sample_token: id ~ softmax(logits / temperature) restricted to the top k and the top-p nucleus
//
// logits [vocab], vocab ≤ 2048       exp2_table [257]: round(2^20 · 2^(-i/256))        id [1]
// unit   all of it
//
// Logits are rounded to steps of 2^-12 nat; from there on all is integer arithmetic, so equal logits give equal tokens on every
// device, and src/ops/sample.ts repeats the steps in TypeScript.
import { philox } from './lib/philox';
import { scratch } from './lib/scratch';
import { sample_token as p } from './params.gen';

const MOST: u32 = 2048; // words

export function sample_token_units(_c: usize): u32 {
  return 1;
}

/** A logit in units of 2^-12, saturated; NaN becomes the lowest. */
function steps(at: usize): i32 {
  const bits = load<u32>(at);
  if ((bits & 0x7f800000) == 0x7f800000) return bits == 0x7f800000 ? 0x3fffffff : -0x3fffffff;
  return <i32>min(max(nearest(load<f32>(at) * <f32>4096), <f32>-1e9), <f32>1e9);
}

/** 2^20 · exp(-distance / temperature), rate = 2^16 · log2(e) / temperature. */
function weight(c: usize, key: u32): u32 {
  const e = <u64>(key >> 11) * <u64>p.rate(c);
  if (<u32>(e >> 32) >= 4096) return 0; // beyond 2^-256 in any case
  const exponent = <u32>(e >> 12);
  const whole = exponent >> 16;
  if (whole > 20) return 0;
  const at = p.exp2_table(c) + ((<usize>((exponent >> 8) & 255)) << 2);
  const left = load<u32>(at);
  const step = left - load<u32>(at, 4);
  return (left - ((step * (exponent & 255)) >> 8)) >> whole;
}

/** The first rank whose inclusive sum of weights passes `threshold`, the last one when none does. */
function firstAbove(weights: usize, count: u32, threshold: u32): u32 {
  let sum: u32 = 0;
  for (let rank: u32 = 0; rank < count; rank++) {
    sum += load<u32>(weights + ((<usize>rank) << 2));
    if (sum > threshold) return rank;
  }
  return count - 1;
}

export function sample_token(c: usize, from: u32, to: u32): void {
  if (from == to) return;
  const vocab = p.vocab(c);
  const keys = scratch + 1024; // distance from the best logit · 2^11 + token: ascending is best first
  const other = keys + 4 * MOST;
  const logits = p.logits(c);
  let best: i32 = -0x7fffffff;
  for (let i: u32 = 0; i < vocab; i++) best = max(best, steps(logits + ((<usize>i) << 2)));
  for (let i: u32 = 0; i < vocab; i++) {
    const distance = min(<u32>(best - steps(logits + ((<usize>i) << 2))), 0x1ffffe);
    store<u32>(keys + ((<usize>i) << 2), (distance << 11) | i);
  }
  const sorted = sort(keys, other, vocab);
  const kept = min(vocab, p.top_k(c));
  const weights = sorted == keys ? other : keys;
  let total: u32 = 0;
  for (let rank: u32 = 0; rank < kept; rank++) {
    const w = weight(c, load<u32>(sorted + ((<usize>rank) << 2)));
    store<u32>(weights + ((<usize>rank) << 2), w);
    total += w;
  }
  // The nucleus: the shortest prefix that holds more than top_p of the weight (top_p in units of 2^-32).
  const last = firstAbove(weights, kept, <u32>((<u64>(total - 1) * <u64>p.top_p(c)) >> 32));
  let nucleus: u32 = 0;
  for (let rank: u32 = 0; rank <= last; rank++) nucleus += load<u32>(weights + ((<usize>rank) << 2));
  philox(p.position(c), p.stream(c), p.seed_low(c), p.seed_high(c), scratch);
  const rank = firstAbove(weights, kept, <u32>((<u64>nucleus * <u64>load<u32>(scratch)) >> 32));
  store<u32>(p.id(c) + ((<usize>p.at(c)) << 2), load<u32>(sorted + ((<usize>rank) << 2)) & 2047);
}

/** Ascending, by merging runs of 1, 2, 4 … from one buffer to the other; the one that holds the result. */
function sort(a: usize, b: usize, n: u32): usize {
  for (let run: u32 = 1; run < n; run *= 2) {
    for (let start: u32 = 0; start < n; start += 2 * run) {
      let left = a + ((<usize>start) << 2);
      let right = a + ((<usize>min(start + run, n)) << 2);
      const middle = right;
      const end = a + ((<usize>min(start + 2 * run, n)) << 2);
      let out = b + ((<usize>start) << 2);
      while (left < middle && right < end) {
        const l = load<u32>(left);
        const r = load<u32>(right);
        const takeLeft = l <= r;
        store<u32>(out, takeLeft ? l : r);
        left += takeLeft ? 4 : 0;
        right += takeLeft ? 0 : 4;
        out += 4;
      }
      memory.copy(out, left, middle - left);
      memory.copy(out + (middle - left), right, end - right);
    }
    const t = a;
    a = b;
    b = t;
  }
  return a;
}
