// matmul: y = act(alpha x w + bias) * scale + residual; GATED: scale = silu(x gate)
//
// shapes  see kernels/lib/gemm_params.wgsl: products, convolutions and transposed convolutions are one index function
// w, gate [groups, panels of 8 columns, taps * inner, 8] when they are weights (src/cpu/panels.ts); PANELS = 0: as they lie, packed here; 2: of halves, widened here; 3: of bytes
// unit    RANGE rows by 8 panels of one slice; up to 8 rows: all of them by 2 panels
// runs    matmul_register matmul_tile matmul_broadcast matvec matvec_broadcast
// extra   PANELS
import { activate } from './lib/act';
import { bytes2x16, panelBytes, quantise, rowBytes } from './lib/bytes';
import { halves2x8, widen } from './lib/half';
import { packRows } from './lib/rows';
import { scratch } from './lib/scratch';
import { load4, store4 } from './lib/some';
import { tile2x16, tile4x8 } from './lib/tiles';
import { matmul as p } from './params.gen';

const FEW: u32 = 8; // rows up to which a unit has them all
const SCALES: usize = 512; // of rows of whole numbers, in the scratch

// @ts-ignore: decorator
@inline
function panelsOf(c: usize): u32 {
  return (p.cols(c) + 7) >> 3;
}

/** Rows of one unit: as many as leave the gathered rows in the cache. src/cpu/plan.ts knows how much room they take. */
// @ts-ignore: decorator
@inline
function range(c: usize): u32 {
  if (p.rows(c) <= FEW) return FEW;
  const k = p.taps(c) * p.inner(c);
  return k <= 512 ? 64 : k <= 2048 ? 32 : k <= 8192 ? 8 : 4;
}

// @ts-ignore: decorator
@inline
function across(c: usize): u32 {
  return p.rows(c) <= FEW ? 2 : 8;
}

export function matmul_units(c: usize): u32 {
  const wide = across(c);
  const range_ = range(c);
  return p.batch(c) * p.groups(c) * ((p.rows(c) + range_ - 1) / range_) * ((panelsOf(c) + wide - 1) / wide);
}

export function matmul(c: usize, from: u32, to: u32): void {
  const wide = across(c);
  const panels = panelsOf(c);
  const parts = (panels + wide - 1) / wide;
  const tall = range(c);
  const blocks = (p.rows(c) + tall - 1) / tall;
  const k = p.taps(c) * p.inner(c);
  const whole = p.PANELS(c) == 3;
  const gated_ = p.GATED(c) != 0;
  const gathered = scratch + 2048; // rows as they are, or by fours as [k, 4]
  const packed = gathered + ((<usize>(tall * k)) << 2); // a panel, and one of the gate
  let last = u32.MAX_VALUE; // slice and block whose rows were gathered
  let step: usize = 0; // bytes from row to row
  let x: usize = 0;
  for (let unit = from; unit < to; unit++) {
    const part = unit % parts;
    const place = unit / parts;
    const slice = place / blocks;
    const row = (place % blocks) * tall;
    const rows = min(tall, p.rows(c) - row);
    const batch = slice / p.groups(c);
    const group = slice % p.groups(c);
    const alone = whole || gated_ || (rows <= 2 && p.PANELS(c) != 0); // two rows at a time, as they lie
    if (place != last) {
      const base = batch * p.x_batch(c) + group * p.x_group(c);
      x = direct(c, base, row, rows);
      step = (<usize>p.row_step(c)) << 2;
      if (!alone) {
        if (x != 0) packRows(x, step, rows, k, gathered);
        else
          for (let r: u32 = 0; r < rows; r += 4) {
            gather(c, base, row + r, min(rows - r, 4), packed);
            packRows(packed, (<usize>k) << 2, min(rows - r, 4), k, gathered + ((<usize>(r * k)) << 2));
          }
      } else if (x == 0) {
        gather(c, base, row, rows, gathered);
        x = gathered;
        step = (<usize>k) << 2;
      }
      if (whole) for (let r: u32 = 0; r < rows; r++) store<f32>(scratch + SCALES + (r << 2), quantise(x + r * step, k, packed + r * rowBytes(k)));
      last = place;
    }
    const end = min((part + 1) * wide, panels);
    if (whole) inBytes(c, batch, group, row, rows, part * wide, end, k, packed);
    else if (gated_) for (let n = part * wide; n < end; n++) gated(c, batch, group, row, rows, n, x, step, k, packed);
    else if (alone) {
      const second = rows == 2 ? x + step : x;
      if (p.PANELS(c) == 2)
        for (let n = part * wide; n < end; n++) {
          halves2x8(x, second, halves(p.w(c), group * panels + n, k), k, scratch);
          finish(c, batch, group, row, rows, n << 3, scratch, 0);
        }
      else for (let n = part * wide; n < end; n += 2) {
        const b = panel(c, batch, group, n, k, packed);
        const pair = n + 1 < end;
        tile2x16(x, second, b, pair ? panel(c, batch, group, n + 1, k, packed + ((<usize>k) << 5)) : b, k, scratch);
        finish(c, batch, group, row, rows, n << 3, scratch, 0);
        if (pair) finish(c, batch, group, row, rows, (n + 1) << 3, scratch + 64, 0);
      }
    } else
      for (let n = part * wide; n < end; n++) {
        const b = panel(c, batch, group, n, k, packed);
        for (let r: u32 = 0; r < rows; r += 4) tile4x8(gathered + ((<usize>(r * k)) << 2), b, 32, k, scratch + (r << 5));
        finish(c, batch, group, row, rows, n << 3, scratch, 0);
      }
  }
}

/** Two rows at a time: a panel of w beside the same one of the gate. */
function gated(c: usize, batch: u32, group: u32, row: u32, rows: u32, n: u32, x: usize, step: usize, k: u32, packed: usize): void {
  if (rows <= 2 && p.PANELS(c) == 2) {
    const second = rows == 2 ? x + step : x;
    halves2x8(x, second, halves(p.w(c), group * panelsOf(c) + n, k), k, scratch);
    halves2x8(x, second, halves(p.gate(c), group * panelsOf(c) + n, k), k, scratch + 64);
    activate(3, scratch + 64, 4);
    finish(c, batch, group, row, rows, n << 3, scratch, scratch + 64);
    return;
  }
  const b = panel(c, batch, group, n, k, packed);
  const size = (<usize>k) << 5;
  let d = p.gate(c) + (<usize>n) * size;
  if (p.PANELS(c) == 2) d = widePanel(p.gate(c), n, k, packed + size);
  else if (p.PANELS(c) == 0) {
    d = packed + size;
    pack(c, p.gate(c) + ((<usize>(group * p.w_group(c) + batch * p.w_batch(c))) << 2), n, k, d);
  }
  for (let r: u32 = 0; r < rows; r += 2) {
    const a0 = x + step * r;
    tile2x16(a0, r + 1 < rows ? a0 + step : a0, b, d, k, scratch);
    activate(3, scratch + 64, 4);
    finish(c, batch, group, row + r, min(rows - r, 2), n << 3, scratch, scratch + 64);
  }
}

/** Panels `first` to `end` of bytes: rows as whole numbers lie from `whole` on, their scales behind the sums. */
function inBytes(c: usize, batch: u32, group: u32, row: u32, rows: u32, first: u32, end: u32, k: u32, whole: usize): void {
  const size = panelBytes(k);
  const step = rowBytes(k);
  const all = <usize>(group * panelsOf(c)) * size;
  const across: u32 = p.GATED(c) != 0 ? 1 : 2;
  for (let n = first; n < end; n += across) {
    const b = p.w(c) + all + <usize>n * size;
    const pair = across == 2 && n + 1 < end;
    const d = across == 1 ? p.gate(c) + all + <usize>n * size : pair ? b + size : b;
    for (let r: u32 = 0; r < rows; r += 2) {
      const a0 = whole + step * r;
      const scales = scratch + SCALES + (r << 2);
      const two = r + 1 < rows;
      bytes2x16(a0, two ? a0 + step : a0, load<f32>(scales), two ? load<f32>(scales, 4) : 0, b, d, k, scratch);
      if (across == 1) activate(3, scratch + 64, 4);
      finish(c, batch, group, row + r, two ? 2 : 1, n << 3, scratch, across == 1 ? scratch + 64 : 0);
      if (pair) finish(c, batch, group, row + r, two ? 2 : 1, (n + 1) << 3, scratch + 64, 0);
    }
  }
}

/** Where the rows lie one after another as the tiles want them, or 0: padding, several taps or an activation make them gather. */
function direct(c: usize, base: u32, row: u32, rows: u32): usize {
  if (p.taps(c) != 1 || p.PRE(c) != 0) return 0;
  const first = <i64>row * <i64>p.row_step(c) - <i64>p.origin(c);
  const last = first + <i64>(rows - 1) * <i64>p.row_step(c);
  if (first < 0 || last + <i64>p.inner(c) > <i64>p.x_limit(c)) return 0;
  return p.x(c) + ((<usize>base + <usize>first) << 2);
}

/** `rows` rows of the left matrix, [rows, taps * inner], to `out`. */
function gather(c: usize, base: u32, row: u32, rows: u32, out: usize): void {
  const inner = <i64>p.inner(c);
  const limit = <i64>p.x_limit(c);
  const x = p.x(c) + ((<usize>base) << 2);
  let to = out;
  for (let r: u32 = 0; r < rows; r++)
    for (let tap: u32 = 0; tap < p.taps(c); tap++) {
      const start = <i64>(row + r) * <i64>p.row_step(c) + <i64>tap * <i64>p.tap_step(c) - <i64>p.origin(c);
      const before = min(max(-start, 0), inner);
      const there = max(min(limit - start, inner), before);
      memory.fill(to, 0, (<usize>before) << 2);
      const inside = to + ((<usize>before) << 2);
      memory.copy(inside, x + ((<usize>(start + before)) << 2), (<usize>(there - before)) << 2);
      if (p.PRE(c) != 0) activate(p.PRE(c), inside, <u32>(there - before + 3) >> 2); // up to 3 too many, which are written next
      memory.fill(to + ((<usize>there) << 2), 0, (<usize>(inner - there)) << 2);
      to += (<usize>inner) << 2;
    }
}

/** The panel of columns 8 n ... 8 n + 7: a weight's own, or packed into `packed`. */
function panel(c: usize, batch: u32, group: u32, n: u32, k: u32, packed: usize): usize {
  if (p.PANELS(c) == 2) return widePanel(p.w(c), group * panelsOf(c) + n, k, packed);
  if (p.PANELS(c) != 0) return p.w(c) + (<usize>(group * panelsOf(c) + n) * <usize>k << 5);
  pack(c, p.w(c) + ((<usize>(group * p.w_group(c) + batch * p.w_batch(c))) << 2), n, k, packed);
  return packed;
}

/** Panel n of halves. */
// @ts-ignore: decorator
@inline
function halves(w: usize, n: u32, k: u32): usize {
  return w + (<usize>n * <usize>k << 4);
}

/** The same, widened. */
function widePanel(w: usize, n: u32, k: u32, out: usize): usize {
  widen(halves(w, n, k), k << 3, out);
  return out;
}

function pack(c: usize, w: usize, n: u32, k: u32, out: usize): void {
  const kStep = (<usize>p.w_k(c)) << 2;
  const nStep = (<usize>p.w_n(c)) << 2;
  const some = min(p.cols(c) - (n << 3), 8);
  let from = w + (<usize>(n << 3)) * nStep;
  if (nStep == 4 && some == 8) {
    for (let i: u32 = 0; i < k; i++) {
      v128.store(out, v128.load(from));
      v128.store(out, v128.load(from, 16), 16);
      out += 32;
      from += kStep;
    }
    return;
  }
  for (let j: u32 = 0; j < 8; j++) {
    let to = out + (j << 2);
    let at = from + j * nStep;
    for (let i: u32 = 0; i < k; i++) {
      store<f32>(to, j < some ? load<f32>(at) : 0);
      to += 32;
      at += kStep;
    }
  }
}

/** Epilogue of `rows` rows by the eight columns from n: sums [rows, 8]; times [rows, 8] multiplies them first. */
export function finish(c: usize, batch: u32, group: u32, row: u32, rows: u32, n: u32, sums: usize, times: usize): void {
  const some = min(p.cols(c) - n, 8);
  const col = group * p.y_group(c) + n;
  let b0 = f32x4.splat(0);
  let b1 = b0;
  if (p.bias(c) != 0) {
    const bias = p.bias_(c) + ((<usize>col) << 2);
    b0 = load4(bias, some);
    if (some > 4) b1 = load4(bias + 16, some - 4);
  }
  const alpha = f32x4.splat(p.alpha(c));
  if (times != 0)
    for (let at: usize = 0; at < (<usize>rows) << 5; at += 16) v128.store(sums + at, f32x4.mul(v128.load(sums + at), v128.load(times + at)));
  const acts = p.ACT(c) != 0;
  if (acts) {
    for (let at = sums; at < sums + ((<usize>rows) << 5); at += 32) {
      v128.store(at, f32x4.add(f32x4.mul(v128.load(at), alpha), b0));
      v128.store(at, f32x4.add(f32x4.mul(v128.load(at, 16), alpha), b1), 16);
    }
    activate(p.ACT(c), sums, rows << 1);
  }
  const limit = <i64>p.y_limit(c);
  const shift = (<usize>(batch * p.y_batch(c))) << 2;
  const perRow = p.SCALE(c) == 1;
  const scales = p.SCALE(c) != 0;
  const adds = p.RESIDUAL(c) != 0;
  const scale = p.scale(c) + (perRow ? 0 : (<usize>col) << 2);
  let start = <i64>row * <i64>p.y_row(c) + <i64>col - <i64>p.crop(c);
  for (let r: u32 = 0; r < rows; r++, sums += 32, start += <i64>p.y_row(c)) {
    const first = min(max(-start, 0), <i64>some); // columns cut off in front, and where the others end
    const end = max(min(limit - start, <i64>some), first);
    if (first == end) continue;
    const at = shift + ((<usize>start) << 2);
    let v0 = v128.load(sums);
    let v1 = v128.load(sums, 16);
    if (!acts) {
      v0 = f32x4.add(f32x4.mul(v0, alpha), b0);
      v1 = f32x4.add(f32x4.mul(v1, alpha), b1);
    }
    if (first == 0 && end == 8) {
      if (scales) {
        const from = perRow ? scale + at : scale;
        v0 = f32x4.mul(v0, v128.load(from));
        v1 = f32x4.mul(v1, v128.load(from, 16));
      }
      if (adds) {
        v0 = f32x4.add(v0, v128.load(p.residual(c) + at));
        v1 = f32x4.add(v1, v128.load(p.residual(c) + at, 16));
      }
      v128.store(p.y(c) + at, v0);
      v128.store(p.y(c) + at, v1, 16);
      continue;
    }
    v128.store(sums, v0);
    v128.store(sums, v1, 16);
    for (let j = <usize>first; j < <usize>end; j++) {
      let v = load<f32>(sums + (j << 2));
      if (scales) v *= load<f32>((perRow ? scale + at : scale) + (j << 2));
      if (adds) v += load<f32>(p.residual(c) + at + (j << 2));
      store<f32>(p.y(c) + at + (j << 2), v);
    }
  }
}
