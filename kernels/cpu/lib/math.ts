// Elementary functions on four lanes: polynomials alone, so that every machine and engine computes the same bits.
// NaN passes through all of them (pmin and pmax give their first operand when it is NaN), because a watched plan must see it.
// Where a loop has more constants than registers, V8 makes each anew by three instructions a turn: those of exp and erf lie in memory, from
// where it takes one.

// @ts-ignore: decorator
@inline
export function sp(x: f32): v128 {
  return f32x4.splat(x);
}

/** Number i of a table. */
// @ts-ignore: decorator
@inline
export function at(table: usize, i: usize): v128 {
  return v128.load32_splat(table + (i << 2));
}

const EXP = memory.data<f32>([
  -86, 89, 1.44269504, 12582912, 0.693359375, -2.1219444e-4, 1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 0.16666665459,
  0.50000001201, 1, 0.5, 80, 2, 10,
]);

// @ts-ignore: decorator
@inline
function one(i: usize, x: f32, kept: bool): v128 {
  return kept ? at(EXP, i) : sp(x);
}

/**
 * e^x (Cephes expf): relative error under 1e-7, 0 under -86, infinite from 88.73 on. With `kept` false its constants are made anew: where so much
 * else is alive that loads, which V8 does early, would push it out of the registers.
 */
// @ts-ignore: decorator
@inline
export function exp4(x: v128, kept: bool = true): v128 {
  const v = f32x4.pmin(f32x4.pmax(x, one(0, -86, kept)), one(1, 89, kept));
  const shifted = f32x4.add(f32x4.mul(v, one(2, 1.44269504, kept)), one(3, 12582912, kept)); // 1.5 * 2^23: the sum's low bits are the rounded quotient
  const n = f32x4.sub(shifted, one(3, 12582912, kept));
  const r = f32x4.sub(f32x4.sub(v, f32x4.mul(n, one(4, 0.693359375, kept))), f32x4.mul(n, one(5, -2.12194440e-4, kept)));
  let p = f32x4.add(f32x4.mul(one(6, 1.9875691500e-4, kept), r), one(7, 1.3981999507e-3, kept));
  p = f32x4.add(f32x4.mul(p, r), one(8, 8.3334519073e-3, kept));
  p = f32x4.add(f32x4.mul(p, r), one(9, 4.1665795894e-2, kept));
  p = f32x4.add(f32x4.mul(p, r), one(10, 1.6666665459e-1, kept));
  p = f32x4.add(f32x4.mul(p, r), one(11, 5.0000001201e-1, kept));
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), one(12, 1, kept));
  const half = f32x4.mul(p, i32x4.add(i32x4.shl(shifted, 23), (kept ? at(EXP, 13) : i32x4.splat(0x3f000000)))); // 2^(n - 1), so that n = 128 has room
  return v128.andnot(f32x4.add(half, half), f32x4.lt(x, one(0, -86, kept)));
}

/** Natural logarithm (Cephes logf): relative error under 1e-7 for normal x; -infinity at 0, NaN below. */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  const bits = f32x4.pmax(x, sp(1.17549435e-38));
  let e = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_u(bits, 23), i32x4.splat(126)));
  const m = v128.or(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000)); // 0.5 ... 1
  const small = f32x4.lt(m, sp(0.70710678));
  e = f32x4.sub(e, v128.and(small, sp(1)));
  const r = f32x4.sub(f32x4.add(m, v128.and(small, m)), sp(1));
  const z = f32x4.mul(r, r);
  let p = f32x4.add(f32x4.mul(sp(7.0376836292e-2), r), sp(-1.1514610310e-1));
  p = f32x4.add(f32x4.mul(p, r), sp(1.1676998740e-1));
  p = f32x4.add(f32x4.mul(p, r), sp(-1.2420140846e-1));
  p = f32x4.add(f32x4.mul(p, r), sp(1.4249322787e-1));
  p = f32x4.add(f32x4.mul(p, r), sp(-1.6668057665e-1));
  p = f32x4.add(f32x4.mul(p, r), sp(2.0000714765e-1));
  p = f32x4.add(f32x4.mul(p, r), sp(-2.4999993993e-1));
  p = f32x4.add(f32x4.mul(p, r), sp(3.3333331174e-1));
  let y = f32x4.mul(f32x4.mul(p, r), z);
  y = f32x4.add(y, f32x4.mul(e, sp(-2.12194440e-4)));
  y = f32x4.sub(y, f32x4.mul(z, sp(0.5)));
  y = f32x4.add(f32x4.add(r, y), f32x4.mul(e, sp(0.693359375)));
  y = v128.bitselect(sp(-Infinity), y, f32x4.eq(x, sp(0)));
  y = v128.bitselect(x, y, v128.or(f32x4.ne(x, x), f32x4.eq(x, sp(Infinity)))); // NaN and infinity as they are
  return v128.bitselect(sp(NaN), y, f32x4.lt(x, sp(0)));
}

/** What kernels/lib/sincos.wgsl does: about 1e-7 for |x| up to a few thousand. Gives the sine, and the cosine through cos4. */
// @ts-ignore: decorator
@inline
function reduced(x: v128, q: v128): v128 {
  return f32x4.sub(
    f32x4.sub(f32x4.sub(x, f32x4.mul(q, sp(1.5703125))), f32x4.mul(q, sp(4.837512969970703125e-4))),
    f32x4.mul(q, sp(7.54978995489188216e-8)),
  );
}

// @ts-ignore: decorator
@inline
function sinPart(r: v128, z: v128): v128 {
  const p = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(z, sp(-1.9515295891e-4)), sp(8.3321608736e-3)), z), sp(-1.6666654611e-1));
  return f32x4.add(r, f32x4.mul(f32x4.mul(r, z), p));
}

// @ts-ignore: decorator
@inline
function cosPart(z: v128): v128 {
  const p = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(z, sp(2.443315711809948e-5)), sp(-1.388731625493765e-3)), z), sp(4.166664568298827e-2));
  return f32x4.add(f32x4.sub(sp(1), f32x4.mul(z, sp(0.5))), f32x4.mul(f32x4.mul(z, z), p));
}

// @ts-ignore: decorator
@inline
export function sin4(x: v128): v128 {
  const q = f32x4.nearest(f32x4.mul(x, sp(0.636619772)));
  const r = reduced(x, q);
  const z = f32x4.mul(r, r);
  const quadrant = i32x4.trunc_sat_f32x4_s(q);
  const odd = i32x4.ne(v128.and(quadrant, i32x4.splat(1)), i32x4.splat(0));
  const sign = i32x4.shl(v128.and(quadrant, i32x4.splat(2)), 30);
  return v128.xor(v128.bitselect(cosPart(z), sinPart(r, z), odd), sign);
}

// @ts-ignore: decorator
@inline
export function cos4(x: v128): v128 {
  const q = f32x4.nearest(f32x4.mul(x, sp(0.636619772)));
  const r = reduced(x, q);
  const z = f32x4.mul(r, r);
  const quadrant = i32x4.trunc_sat_f32x4_s(q);
  const odd = i32x4.ne(v128.and(quadrant, i32x4.splat(1)), i32x4.splat(0));
  const sign = i32x4.shl(v128.and(i32x4.add(quadrant, i32x4.splat(1)), i32x4.splat(2)), 30);
  return v128.xor(v128.bitselect(sinPart(r, z), cosPart(z), odd), sign);
}

// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128, kept: bool = true): v128 {
  return f32x4.div(one(12, 1, kept), f32x4.add(one(12, 1, kept), exp4(f32x4.pmin(f32x4.neg(x), one(14, 80, kept)), kept)));
}

// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const v = f32x4.pmin(f32x4.pmax(x, f32x4.neg(at(EXP, 16))), at(EXP, 16));
  return f32x4.sub(at(EXP, 12), f32x4.div(at(EXP, 15), f32x4.add(exp4(f32x4.add(v, v)), at(EXP, 12))));
}

const ERF = memory.data<f32>([
  -4, 4, -2.72614225801306e-10, 2.77068142495902e-8, -2.10102402082508e-6, -5.69250639462346e-5, -7.34990630326855e-4, -2.95459980854025e-3,
  -1.60960333262415e-2, -1.45660718464996e-5, -2.13374055278905e-4, -1.68282697438203e-3, -7.37332916720468e-3, -1.42647390514189e-2,
  0.70710678, 1, 0.5,
]);

/** GELU: 0.5 x (1 + erf(x / sqrt(2))), for two vectors at p, which share the constants: erf is a quotient of polynomials on [-4, 4], beyond which it is 1 to the last bit but one: absolute error under 5e-7. */
export function gelu8(p: usize): void {
  const x = v128.load(p);
  const y = v128.load(p, 16);
  let k = at(ERF, 14);
  let v = f32x4.mul(x, k);
  let w = f32x4.mul(y, k);
  k = at(ERF, 0);
  v = f32x4.pmax(v, k);
  w = f32x4.pmax(w, k);
  k = at(ERF, 1);
  v = f32x4.pmin(v, k);
  w = f32x4.pmin(w, k);
  const z = f32x4.mul(v, v);
  const s = f32x4.mul(w, w);
  k = at(ERF, 2);
  let a = f32x4.mul(k, z);
  let b = f32x4.mul(k, s);
  k = at(ERF, 3);
  a = f32x4.mul(f32x4.add(a, k), z);
  b = f32x4.mul(f32x4.add(b, k), s);
  k = at(ERF, 4);
  a = f32x4.mul(f32x4.add(a, k), z);
  b = f32x4.mul(f32x4.add(b, k), s);
  k = at(ERF, 5);
  a = f32x4.mul(f32x4.add(a, k), z);
  b = f32x4.mul(f32x4.add(b, k), s);
  k = at(ERF, 6);
  a = f32x4.mul(f32x4.add(a, k), z);
  b = f32x4.mul(f32x4.add(b, k), s);
  k = at(ERF, 7);
  a = f32x4.mul(f32x4.add(a, k), z);
  b = f32x4.mul(f32x4.add(b, k), s);
  k = at(ERF, 8);
  a = f32x4.add(a, k);
  b = f32x4.add(b, k);
  a = f32x4.mul(v, a);
  b = f32x4.mul(w, b);
  k = at(ERF, 9);
  let c = f32x4.mul(k, z);
  let d = f32x4.mul(k, s);
  k = at(ERF, 10);
  c = f32x4.mul(f32x4.add(c, k), z);
  d = f32x4.mul(f32x4.add(d, k), s);
  k = at(ERF, 11);
  c = f32x4.mul(f32x4.add(c, k), z);
  d = f32x4.mul(f32x4.add(d, k), s);
  k = at(ERF, 12);
  c = f32x4.mul(f32x4.add(c, k), z);
  d = f32x4.mul(f32x4.add(d, k), s);
  k = at(ERF, 13);
  c = f32x4.add(c, k);
  d = f32x4.add(d, k);
  k = at(ERF, 15);
  a = f32x4.add(k, f32x4.div(a, c));
  b = f32x4.add(k, f32x4.div(b, d));
  k = at(ERF, 16);
  v128.store(p, f32x4.mul(f32x4.mul(k, x), a));
  v128.store(p, f32x4.mul(f32x4.mul(k, y), b), 16);
}

/** arg(x + iy) in turns, -1/2 … 1/2, to about 1e-7, 0 for 0: what kernels/lib/arg.wgsl does. */
// @ts-ignore: decorator
@inline
export function argTurns4(x: v128, y: v128): v128 {
  const ax = f32x4.abs(x);
  const ay = f32x4.abs(y);
  const large = f32x4.max(ax, ay);
  const q = f32x4.div(f32x4.min(ax, ay), large);
  const far = f32x4.gt(q, sp(0.41421356));
  const v = v128.bitselect(f32x4.div(f32x4.sub(q, sp(1)), f32x4.add(q, sp(1))), q, far);
  const z = f32x4.mul(v, v);
  let p = f32x4.add(f32x4.mul(z, sp(8.05374449538e-2)), sp(-1.38776856032e-1));
  p = f32x4.add(f32x4.mul(p, z), sp(1.99777106478e-1));
  p = f32x4.add(f32x4.mul(p, z), sp(-3.33329491539e-1));
  const atan = f32x4.add(v, f32x4.mul(f32x4.mul(v, z), p));
  let turns = f32x4.add(f32x4.mul(atan, sp(0.15915494)), v128.and(far, sp(0.125)));
  turns = v128.bitselect(f32x4.sub(sp(0.25), turns), turns, f32x4.gt(ay, ax));
  turns = v128.bitselect(f32x4.sub(sp(0.5), turns), turns, f32x4.lt(x, sp(0)));
  turns = v128.bitselect(f32x4.neg(turns), turns, f32x4.lt(y, sp(0)));
  return v128.andnot(turns, f32x4.eq(large, sp(0)));
}

/** Sum of the four lanes, in one order. */
// @ts-ignore: decorator
@inline
export function sum4(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

/** Largest of the four lanes. */
// @ts-ignore: decorator
@inline
export function max4(v: v128): f32 {
  return max(max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)), max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)));
}

/** One lane's function through the four-lane one: rows' ends compute the same bits as their middles. */
// @ts-ignore: decorator
@inline
export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(sp(x)), 0);
}
