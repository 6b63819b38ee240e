// The two inner products under every matrix kernel. A panel holds eight columns, k by k: [K, 8]. Sums go through k in order, one multiply
// and one add a step, so an element has the same bits whichever of the two makes it.
// Both are exported by the module, so that Binaryen does not inline them into loops where their accumulators would lose their registers.
// tools/cpu_kernels.mjs makes a second module of them whose multiply and add are one relaxed_madd: faster, and other bits on other machines.

/** The same functions of that module; only called by plans that may be relaxed, where there is one. */
@external('env', 'plain4x8')
declare function relaxed4x8(a: usize, b: usize, bStep: usize, k: u32, out: usize): void;
@external('env', 'plain2x16')
declare function relaxed2x16(a0: usize, a1: usize, b: usize, d: usize, k: u32, out: usize): void;

let relaxed: u32 = 0;

/** Which of the two computes from now on, in this thread. */
export function setRelaxed(to: u32): void {
  relaxed = to;
}

// @ts-ignore: decorator
@inline
export function tile4x8(a: usize, b: usize, bStep: usize, k: u32, out: usize): void {
  if (relaxed != 0) relaxed4x8(a, b, bStep, k, out);
  else plain4x8(a, b, bStep, k, out);
}

// @ts-ignore: decorator
@inline
export function tile2x16(a0: usize, a1: usize, b: usize, d: usize, k: u32, out: usize): void {
  if (relaxed != 0) relaxed2x16(a0, a1, b, d, k, out);
  else plain2x16(a0, a1, b, d, k, out);
}

// the relaxed module begins here

/**
 * out [4, 8] = four rows, which lie together as [k, 4] from a on (packRows), times a panel whose rows are bStep bytes apart; k is 1 or more.
 * Four steps a turn, each in a block of its own: two addresses to move on instead of five, and V8, which mixes the steps of one block, runs
 * out of registers.
 */
export function plain4x8(a: usize, b: usize, bStep: usize, k: u32, out: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c10 = c00;
  let c11 = c00;
  let c20 = c00;
  let c21 = c00;
  let c30 = c00;
  let c31 = c00;
  const end = a + ((<usize>k) << 4);
  while (true) {
    {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const x = v128.load32_splat(a);
      const y = v128.load32_splat(a, 4);
      const z = v128.load32_splat(a, 8);
      const w = v128.load32_splat(a, 12);
      c00 = f32x4.add(c00, f32x4.mul(x, b0));
      c01 = f32x4.add(c01, f32x4.mul(x, b1));
      c10 = f32x4.add(c10, f32x4.mul(y, b0));
      c11 = f32x4.add(c11, f32x4.mul(y, b1));
      c20 = f32x4.add(c20, f32x4.mul(z, b0));
      c21 = f32x4.add(c21, f32x4.mul(z, b1));
      c30 = f32x4.add(c30, f32x4.mul(w, b0));
      c31 = f32x4.add(c31, f32x4.mul(w, b1));
    }
    a += 16;
    if (a >= end) break;
    b += bStep;
    {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const x = v128.load32_splat(a);
      const y = v128.load32_splat(a, 4);
      const z = v128.load32_splat(a, 8);
      const w = v128.load32_splat(a, 12);
      c00 = f32x4.add(c00, f32x4.mul(x, b0));
      c01 = f32x4.add(c01, f32x4.mul(x, b1));
      c10 = f32x4.add(c10, f32x4.mul(y, b0));
      c11 = f32x4.add(c11, f32x4.mul(y, b1));
      c20 = f32x4.add(c20, f32x4.mul(z, b0));
      c21 = f32x4.add(c21, f32x4.mul(z, b1));
      c30 = f32x4.add(c30, f32x4.mul(w, b0));
      c31 = f32x4.add(c31, f32x4.mul(w, b1));
    }
    a += 16;
    if (a >= end) break;
    b += bStep;
    {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const x = v128.load32_splat(a);
      const y = v128.load32_splat(a, 4);
      const z = v128.load32_splat(a, 8);
      const w = v128.load32_splat(a, 12);
      c00 = f32x4.add(c00, f32x4.mul(x, b0));
      c01 = f32x4.add(c01, f32x4.mul(x, b1));
      c10 = f32x4.add(c10, f32x4.mul(y, b0));
      c11 = f32x4.add(c11, f32x4.mul(y, b1));
      c20 = f32x4.add(c20, f32x4.mul(z, b0));
      c21 = f32x4.add(c21, f32x4.mul(z, b1));
      c30 = f32x4.add(c30, f32x4.mul(w, b0));
      c31 = f32x4.add(c31, f32x4.mul(w, b1));
    }
    a += 16;
    if (a >= end) break;
    b += bStep;
    {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const x = v128.load32_splat(a);
      const y = v128.load32_splat(a, 4);
      const z = v128.load32_splat(a, 8);
      const w = v128.load32_splat(a, 12);
      c00 = f32x4.add(c00, f32x4.mul(x, b0));
      c01 = f32x4.add(c01, f32x4.mul(x, b1));
      c10 = f32x4.add(c10, f32x4.mul(y, b0));
      c11 = f32x4.add(c11, f32x4.mul(y, b1));
      c20 = f32x4.add(c20, f32x4.mul(z, b0));
      c21 = f32x4.add(c21, f32x4.mul(z, b1));
      c30 = f32x4.add(c30, f32x4.mul(w, b0));
      c31 = f32x4.add(c31, f32x4.mul(w, b1));
    }
    a += 16;
    if (a >= end) break;
    b += bStep;
  }
  v128.store(out, c00);
  v128.store(out, c01, 16);
  v128.store(out, c10, 32);
  v128.store(out, c11, 48);
  v128.store(out, c20, 64);
  v128.store(out, c21, 80);
  v128.store(out, c30, 96);
  v128.store(out, c31, 112);
}

/** out [2, 2, 8]: two rows a0, a1 of k floats times two panels b, d: for each panel both rows. */
export function plain2x16(a0: usize, a1: usize, b: usize, d: usize, k: u32, out: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = c00;
  let c02 = c00;
  let c03 = c00;
  let c10 = c00;
  let c11 = c00;
  let c12 = c00;
  let c13 = c00;
  const end = a0 + ((<usize>k) << 2);
  while (a0 < end) {
    const x = v128.load32_splat(a0);
    const y = v128.load32_splat(a1);
    let w = v128.load(b);
    c00 = f32x4.add(c00, f32x4.mul(x, w));
    c10 = f32x4.add(c10, f32x4.mul(y, w));
    w = v128.load(b, 16);
    c01 = f32x4.add(c01, f32x4.mul(x, w));
    c11 = f32x4.add(c11, f32x4.mul(y, w));
    w = v128.load(d);
    c02 = f32x4.add(c02, f32x4.mul(x, w));
    c12 = f32x4.add(c12, f32x4.mul(y, w));
    w = v128.load(d, 16);
    c03 = f32x4.add(c03, f32x4.mul(x, w));
    c13 = f32x4.add(c13, f32x4.mul(y, w));
    b += 32;
    d += 32;
    a0 += 4;
    a1 += 4;
  }
  v128.store(out, c00);
  v128.store(out, c01, 16);
  v128.store(out, c10, 32);
  v128.store(out, c11, 48);
  v128.store(out, c02, 64);
  v128.store(out, c03, 80);
  v128.store(out, c12, 96);
  v128.store(out, c13, 112);
}
