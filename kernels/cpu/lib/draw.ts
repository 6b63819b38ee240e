// One token drawn from the logits of a row in units of 2^-12 nat: integer arithmetic, as kernels/lib/draw.wgsl has it.
import { philox } from './philox';
import { scratch } from './scratch';

const MOST: u32 = 2048; // words

/** Where the kernel leaves the logits of all words, by `steps`. */
// @ts-ignore: decorator
@inline
export function drawRoom(): usize {
  return scratch + 1024;
}

/** A logit in units of 1 / `unit`, saturated; NaN becomes the lowest. */
export function steps(logit: f32, unit: f32 = 4096): i32 {
  const bits = reinterpret<u32>(logit);
  if ((bits & 0x7f800000) == 0x7f800000) return bits == 0x7f800000 ? 0x3fffffff : -0x3fffffff;
  return <i32>min(max(nearest(logit * unit), <f32>-1e9), <f32>1e9);
}

/** 2^20 · exp(-distance / temperature), rate = 2^16 · log2(e) / temperature. */
function weight(key: u32, rate: u32, table: usize): u32 {
  const e = <u64>(key >> 11) * <u64>rate;
  if (<u32>(e >> 32) >= 4096) return 0; // beyond 2^-256 in any case
  const exponent = <u32>(e >> 12);
  const whole = exponent >> 16;
  if (whole > 20) return 0;
  const at = table + ((<usize>((exponent >> 8) & 255)) << 2);
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

/** The token that the counter `position` draws of the `vocab` words in drawRoom. */
export function draw(vocab: u32, topK: u32, topP: u32, rate: u32, table: usize, position: u32, stream: u32, low: u32, high: u32): u32 {
  const keys = drawRoom(); // distance from the best logit · 2^11 + token: ascending is best first
  const other = keys + 4 * MOST;
  let best: i32 = -0x7fffffff;
  for (let i: u32 = 0; i < vocab; i++) best = max(best, load<i32>(keys + ((<usize>i) << 2)));
  for (let i: u32 = 0; i < vocab; i++) {
    const distance = min(<u32>(best - load<i32>(keys + ((<usize>i) << 2))), 0x1ffffe);
    store<u32>(keys + ((<usize>i) << 2), (distance << 11) | i);
  }
  const sorted = sort(keys, other, vocab);
  const kept = min(vocab, topK);
  const weights = sorted == keys ? other : keys;
  let total: u32 = 0;
  for (let rank: u32 = 0; rank < kept; rank++) {
    const w = weight(load<u32>(sorted + ((<usize>rank) << 2)), rate, table);
    store<u32>(weights + ((<usize>rank) << 2), w);
    total += w;
  }
  // The nucleus: the shortest prefix that holds more than top_p of the weight (top_p in units of 2^-32).
  const last = firstAbove(weights, kept, <u32>((<u64>(total - 1) * <u64>topP) >> 32));
  let nucleus: u32 = 0;
  for (let rank: u32 = 0; rank <= last; rank++) nucleus += load<u32>(weights + ((<usize>rank) << 2));
  philox(position, stream, low, high, scratch);
  const rank = firstAbove(weights, kept, <u32>((<u64>nucleus * <u64>load<u32>(scratch)) >> 32));
  return load<u32>(sorted + ((<usize>rank) << 2)) & 2047;
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
