// Rows as the 4 x 8 product wants them: four together, column by column.

/** `rows` rows of k floats, `step` bytes apart, as [rows / 4, k, 4]; the last row stands for those that lack to a multiple of four. */
export function packRows(x: usize, step: usize, rows: u32, k: u32, out: usize): void {
  for (let r: u32 = 0; r < rows; r += 4) {
    const more = rows - r;
    const a = x + r * step;
    const b = more > 1 ? a + step : a;
    const d = more > 2 ? b + step : b;
    const e = more > 3 ? d + step : d;
    let at: usize = 0;
    const whole = (<usize>(k & ~3)) << 2;
    for (; at < whole; at += 16, out += 64) turned(v128.load(a + at), v128.load(b + at), v128.load(d + at), v128.load(e + at), out, 16);
    for (; at < (<usize>k) << 2; at += 4, out += 16) {
      store<f32>(out, load<f32>(a + at));
      store<f32>(out, load<f32>(b + at), 4);
      store<f32>(out, load<f32>(d + at), 8);
      store<f32>(out, load<f32>(e + at), 12);
    }
  }
}

/** Four columns of four rows from x, turned, to rows of `to` 32 bytes apart. */
// @ts-ignore: decorator
@inline
export function transpose(x: usize, step: usize, to: usize): void {
  turned(v128.load(x), v128.load(x + step), v128.load(x + 2 * step), v128.load(x + 3 * step), to, 32);
}

// @ts-ignore: decorator
@inline
function turned(a: v128, b: v128, d: v128, e: v128, to: usize, step: usize): void {
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5);
  const AB = v128.shuffle<f32>(a, b, 2, 6, 3, 7);
  const de = v128.shuffle<f32>(d, e, 0, 4, 1, 5);
  const DE = v128.shuffle<f32>(d, e, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(ab, de, 0, 1, 4, 5));
  v128.store(to + step, v128.shuffle<f32>(ab, de, 2, 3, 6, 7));
  v128.store(to + 2 * step, v128.shuffle<f32>(AB, DE, 0, 1, 4, 5));
  v128.store(to + 3 * step, v128.shuffle<f32>(AB, DE, 2, 3, 6, 7));
}
