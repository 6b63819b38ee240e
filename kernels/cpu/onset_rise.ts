// onset_rise: y[t,b] = min(sum_{j<per} max(x[per t + j, b] - x[per t + j - 1, b], 0), limit),  x[-1] = x[0]
//
// x     [frames * per, bands]: log band powers        y [frames, bands]
// unit  a frame
import { onset_rise as p } from './params.gen';

export function onset_rise_units(c: usize): u32 {
  return p.frames(c);
}

export function onset_rise(c: usize, from: u32, to: u32): void {
  const bands = p.bands(c);
  const line = (<usize>bands) << 2;
  for (let frame = from; frame < to; frame++) {
    const first = frame * p.per(c);
    for (let b: usize = 0; b < line; b += 4) {
      let sum: f32 = 0;
      for (let t = max(first, 1); t < first + p.per(c); t++) {
        const x = p.x(c) + t * line + b;
        sum += max(load<f32>(x) - load<f32>(x - line), <f32>0);
      }
      store<f32>(p.y(c) + frame * line + b, min(sum, p.limit(c)));
    }
  }
}
