// lstm_scan: for t from 0, with (h, c) = before:  (i, f, g, o) = x[t] + h · w
//   c = sigmoid(f) c + sigmoid(i) tanh(g)   h = sigmoid(o) tanh(c)   y[t] = h           (Hochreiter & Schmidhuber 1997; PyTorch's order of gates)
//
// x     [rows, steps, 4, hidden]    w [hidden, hidden, 4]: from unit, to unit, gate      y [rows, steps, hidden]
// before, after [rows, 2, hidden]: h and c before the first step and behind the last
// unit  a row, serial over the steps
import { sigmoid4, sp, tanh4 } from './lib/math';
import { scratch } from './lib/scratch';
import { lstm_scan as p } from './params.gen';

export function lstm_scan_units(c: usize): u32 {
  return p.rows(c);
}

export function lstm_scan(c: usize, from: u32, to: u32): void {
  const hidden = <usize>p.hidden(c);
  const steps = p.steps(c);
  const line = hidden << 2;
  const w = p.w(c);
  const h = scratch + 1024;
  const cell = h + line;
  const gates = cell + line; // [hidden, 4]
  for (let row = from; row < to; row++) {
    let x = p.x(c) + <usize>row * steps * 4 * line;
    let y = p.y(c) + <usize>row * steps * line;
    const state = <usize>row * 2 * line;
    memory.copy(h, p.before(c) + state, 2 * line); // the cell lies behind h
    for (let t: u32 = 0; t < steps; t++) {
      for (let j: usize = 0; j < line; j += 4) {
        let g = v128.load32_splat(x + j);
        g = v128.load32_lane(x + line + j, g, 1);
        g = v128.load32_lane(x + 2 * line + j, g, 2);
        v128.store(gates + (j << 2), v128.load32_lane(x + 3 * line + j, g, 3));
      }
      let from_: usize = w;
      let k: usize = 0;
      for (; k + 16 <= line; k += 16) { // four units at a time share the passes over the gates
        const h0 = v128.load32_splat(h + k);
        const h1 = v128.load32_splat(h + k, 4);
        const h2 = v128.load32_splat(h + k, 8);
        const h3 = v128.load32_splat(h + k, 12);
        for (let j: usize = 0; j < line << 2; j += 16) {
          const at = from_ + j;
          const low = f32x4.add(f32x4.mul(h0, v128.load(at)), f32x4.mul(h1, v128.load(at + 4 * line)));
          const high = f32x4.add(f32x4.mul(h2, v128.load(at + 8 * line)), f32x4.mul(h3, v128.load(at + 12 * line)));
          v128.store(gates + j, f32x4.add(v128.load(gates + j), f32x4.add(low, high)));
        }
        from_ += 16 * line;
      }
      for (; k < line; k += 4) {
        const h0 = v128.load32_splat(h + k);
        for (let j: usize = 0; j < line << 2; j += 16)
          v128.store(gates + j, f32x4.add(v128.load(gates + j), f32x4.mul(h0, v128.load(from_ + j))));
        from_ += 4 * line;
      }
      for (let j: usize = 0; j < line; j += 4) {
        const g = v128.load(gates + (j << 2));
        const open = sigmoid4(g);
        const fresh = f32x4.extract_lane(tanh4(g), 2);
        const inside = f32x4.extract_lane(open, 1) * load<f32>(cell + j) + f32x4.extract_lane(open, 0) * fresh;
        store<f32>(cell + j, inside);
        store<f32>(h + j, f32x4.extract_lane(open, 3) * f32x4.extract_lane(tanh4(sp(inside)), 0));
      }
      memory.copy(y, h, line);
      x += 4 * line;
      y += line;
    }
    memory.copy(p.after(c) + state, h, 2 * line);
  }
}
