// Elementary functions on four lanes: polynomials alone, so that every machine and engine computes the same bits.
// NaN passes through all of them (pmin and pmax give their first operand when it is NaN), because a watched plan must see it.

// @ts-ignore: decorator
@inline
export function sp(x: f32): v128 {
  return f32x4.splat(x);
}

/** e^x (Cephes expf): relative error under 1e-7, 0 under -86, infinite from 88.73 on. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const v = f32x4.pmin(f32x4.pmax(x, sp(-86)), sp(89));
  const shifted = f32x4.add(f32x4.mul(v, sp(1.44269504)), sp(12582912)); // 1.5 * 2^23: the sum's low bits are the rounded quotient
  const n = f32x4.sub(shifted, sp(12582912));
  const r = f32x4.sub(f32x4.sub(v, f32x4.mul(n, sp(0.693359375))), f32x4.mul(n, sp(-2.12194440e-4)));
  let p = f32x4.add(f32x4.mul(sp(1.9875691500e-4), r), sp(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), sp(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), sp(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), sp(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), sp(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(p, f32x4.mul(r, r)), r), sp(1));
  const half = f32x4.mul(p, i32x4.add(i32x4.shl(shifted, 23), i32x4.splat(0x3f000000))); // 2^(n - 1), so that n = 128 has room
  return v128.andnot(f32x4.add(half, half), f32x4.lt(x, sp(-86)));
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
export function sigmoid4(x: v128): v128 {
  return f32x4.div(sp(1), f32x4.add(sp(1), exp4(f32x4.pmin(f32x4.neg(x), sp(80)))));
}

// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const v = f32x4.pmin(f32x4.pmax(x, sp(-10)), sp(10));
  return f32x4.sub(sp(1), f32x4.div(sp(2), f32x4.add(exp4(f32x4.add(v, v)), sp(1))));
}

/** erf as a quotient of polynomials on [-4, 4], beyond which it is 1 to the last bit but one: absolute error under 5e-7. */
// @ts-ignore: decorator
@inline
export function erf4(x: v128): v128 {
  const v = f32x4.pmin(f32x4.pmax(x, sp(-4)), sp(4));
  const z = f32x4.mul(v, v);
  let p = f32x4.add(f32x4.mul(sp(-2.72614225801306e-10), z), sp(2.77068142495902e-8));
  p = f32x4.add(f32x4.mul(p, z), sp(-2.10102402082508e-6));
  p = f32x4.add(f32x4.mul(p, z), sp(-5.69250639462346e-5));
  p = f32x4.add(f32x4.mul(p, z), sp(-7.34990630326855e-4));
  p = f32x4.add(f32x4.mul(p, z), sp(-2.95459980854025e-3));
  p = f32x4.add(f32x4.mul(p, z), sp(-1.60960333262415e-2));
  let q = f32x4.add(f32x4.mul(sp(-1.45660718464996e-5), z), sp(-2.13374055278905e-4));
  q = f32x4.add(f32x4.mul(q, z), sp(-1.68282697438203e-3));
  q = f32x4.add(f32x4.mul(q, z), sp(-7.37332916720468e-3));
  q = f32x4.add(f32x4.mul(q, z), sp(-1.42647390514189e-2));
  return f32x4.div(f32x4.mul(v, p), q);
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
