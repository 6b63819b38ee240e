// The end of a row: one to three floats in a vector.

/** `n` floats from p, 1 ... 3; zeros behind them. */
export function loadSome(p: usize, n: u32): v128 {
  let v = v128.load32_zero(p);
  if (n > 1) v = v128.load32_lane(p, v, 1, 4);
  if (n > 2) v = v128.load32_lane(p, v, 2, 8);
  return v;
}

/** The first `n` floats of v to p, 1 ... 3. */
export function storeSome(p: usize, v: v128, n: u32): void {
  v128.store32_lane(p, v, 0);
  if (n > 1) v128.store32_lane(p, v, 1, 4);
  if (n > 2) v128.store32_lane(p, v, 2, 8);
}

/** `n` floats from p, 1 or more: four at most. */
// @ts-ignore: decorator
@inline
export function load4(p: usize, n: u32): v128 {
  return n >= 4 ? v128.load(p) : loadSome(p, n);
}

// @ts-ignore: decorator
@inline
export function store4(p: usize, v: v128, n: u32): void {
  if (n >= 4) v128.store(p, v);
  else storeSome(p, v, n);
}

/** n floats from `from` to `to`. */
// @ts-ignore: decorator
@inline
export function copyFloats(to: usize, from: usize, n: u32): void {
  memory.copy(to, from, (<usize>n) << 2);
}
