// group_norm: y[b,l,c] = (x[b,l,c] - mean) * rsqrt(var + eps) * w[c] + bias[c],  mean and var over l and the channels of c's group
//
// x, y  [items, length, channels]    w, bias [channels]
// unit  an item and group; sums go along a line and then over the lines, in f64
import { group_norm as p } from './params.gen';

export function group_norm_units(c: usize): u32 {
  return p.items(c) * p.groups(c);
}

export function group_norm(c: usize, from: u32, to: u32): void {
  const channels = p.channels(c);
  const width = channels / p.groups(c);
  const length = p.length(c);
  const count = <f64>length * <f64>width;
  const line = (<usize>channels) << 2;
  for (let number = from; number < to; number++) {
    const first = (number % p.groups(c)) * width;
    const base = (<usize>((number / p.groups(c)) * length * channels + first)) << 2;
    const x = p.x(c) + base;
    const y = p.y(c) + base;
    let sum: f64 = 0;
    for (let l: u32 = 0; l < length; l++) for (let i: u32 = 0; i < width; i++) sum += <f64>load<f32>(x + l * line + (i << 2));
    const mean = <f32>(sum / count);
    let square: f64 = 0;
    for (let l: u32 = 0; l < length; l++)
      for (let i: u32 = 0; i < width; i++) {
        const d = load<f32>(x + l * line + (i << 2)) - mean;
        square += <f64>(d * d);
      }
    const scale: f32 = <f32>1 / sqrt(<f32>(square / count) + p.eps(c));
    const w = p.w(c) + ((<usize>first) << 2);
    const bias = p.bias(c) + ((<usize>first) << 2);
    for (let l: u32 = 0; l < length; l++)
      for (let i: usize = 0; i < (<usize>width) << 2; i += 4)
        store<f32>(y + l * line + i, (load<f32>(x + l * line + i) - mean) * scale * load<f32>(w + i) + load<f32>(bias + i));
  }
}
