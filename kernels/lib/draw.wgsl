// One token drawn by a workgroup of WG threads from what `steps(i)` says of every word: its logit in units of 2^-12 nat. From there on all is
// integer arithmetic. Wants const N, the table exp2_table, and in Params vocab, size, top_k, top_p, rate, stream and the seed.

var<workgroup> keys: array<u32, N>;        // distance from the best logit · 2^11 + token: ascending is best first
var<workgroup> sums: array<u32, WG>;
var<workgroup> peak: array<i32, WG>;
var<workgroup> chosen: atomic<u32>;

fn weight(key: u32) -> u32 {                // 2^20 · exp(-distance / temperature), rate = 2^16 · log2(e) / temperature
  let e = wide_multiply(key >> 11u, p.rate);
  if (e.x >= 4096u) { return 0u; }          // beyond 2^-256 in any case
  let exponent = (e.x << 20u) | (e.y >> 12u);
  let whole = exponent >> 16u;
  if (whole > 20u) { return 0u; }
  let at = (exponent >> 8u) & 255u;
  let left = exp2_table[at];
  let step = left - exp2_table[at + 1u];
  return (left - ((step * (exponent & 255u)) >> 8u)) >> whole;
}

fn kept(rank: u32) -> u32 { return select(0u, weight(keys[rank]), rank < min(p.vocab, p.top_k)); }

// Inclusive sum over ranks up to the end of each thread's share; leaves the totals in sums.
fn scan(lid: u32) {
  let share = p.size / WG;
  var own = 0u;
  for (var i = 0u; i < share; i++) { own += kept(lid * share + i); }
  sums[lid] = own;
  workgroupBarrier();
  for (var step = 1u; step < WG; step *= 2u) {
    var before = 0u;
    if (lid >= step) { before = sums[lid - step]; }
    workgroupBarrier();
    sums[lid] += before;
    workgroupBarrier();
  }
}

// The first rank whose inclusive sum passes `threshold`; call after scan.
fn first_above(lid: u32, threshold: u32) -> u32 {
  if (lid == 0u) { atomicStore(&chosen, p.size - 1u); }
  workgroupBarrier();
  let share = p.size / WG;
  var before = 0u;
  if (lid > 0u) { before = sums[lid - 1u]; }
  if (before <= threshold && sums[lid] > threshold) {
    var sum = before;
    for (var i = 0u; i < share; i++) {
      sum += kept(lid * share + i);
      if (sum > threshold) { atomicMin(&chosen, lid * share + i); break; }
    }
  }
  workgroupBarrier();
  return atomicLoad(&chosen);
}

// The token that the counter `position` draws; every thread gets it.
fn draw(lid: u32, position: u32) -> u32 {
  var best = -0x7fffffff;
  for (var i = lid; i < p.vocab; i += WG) { best = max(best, steps(i)); }
  peak[lid] = best;
  workgroupBarrier();
  for (var half = WG / 2u; half > 0u; half /= 2u) {
    if (lid < half) { peak[lid] = max(peak[lid], peak[lid + half]); }
    workgroupBarrier();
  }
  best = peak[0];
  for (var i = lid; i < p.size; i += WG) {
    var key = 0xffffffffu;
    if (i < p.vocab) { key = (min(u32(best - steps(i)), 0x1ffffeu) << 11u) | i; }
    keys[i] = key;
  }
  workgroupBarrier();
  for (var span = 2u; span <= p.size; span *= 2u) {            // bitonic sort
    for (var gap = span / 2u; gap > 0u; gap /= 2u) {
      for (var i = lid; i < p.size / 2u; i += WG) {
        let a = (i / gap) * 2u * gap + i % gap;
        let b = a + gap;
        let up = (a & span) == 0u;
        let ka = keys[a];
        let kb = keys[b];
        if ((ka > kb) == up) { keys[a] = kb; keys[b] = ka; }
      }
      workgroupBarrier();
    }
  }
  scan(lid);
  let total = sums[WG - 1u];
  // The nucleus: the shortest prefix that holds more than top_p of the weight (top_p in units of 2^-32).
  let last = first_above(lid, wide_multiply(total - 1u, p.top_p).x);
  workgroupBarrier();
  let share = p.size / WG;
  var nucleus = 0u;
  if (last / share > 0u) { nucleus = sums[last / share - 1u]; }
  for (var rank = (last / share) * share; rank <= last; rank++) { nucleus += kept(rank); }
  let random = philox(vec4u(position, p.stream, 0u, 0u), vec2u(p.seed_low, p.seed_high)).x;
  return keys[first_above(lid, wide_multiply(nucleus, random).x)] & 2047u;
}
