// stereo_spectra: left = m + s, right = m - s of every bin k of the mid m, with the side s = (pan[b] + width[b] turn[k]) m, b = band[k],
//                 pan kept within -1 ... 1, width = exp(min(log width, 0)); NaN stays
//
// x     [rows, x_row]: from column `first` on pan [bands], log width [bands]      mid, left, right [rows, 2 * half]: re | im
// band  [bins]      turn [bins, 2]: cos, sin
// unit  a row
import { exp1 } from './lib/math';
import { stereo_spectra as p } from './params.gen';

export function stereo_spectra_units(c: usize): u32 {
  return p.rows(c);
}

export function stereo_spectra(c: usize, from: u32, to: u32): void {
  const bins = p.bins(c);
  const half = (<usize>p.half(c)) << 2;
  const more = (<usize>p.bands(c)) << 2;
  for (let row = from; row < to; row++) {
    const image = p.x(c) + ((<usize>(row * p.x_row(c) + p.first(c))) << 2);
    const place = row * 2 * half;
    let band: u32 = 0xffffffff;
    let pan: f32 = 0;
    let width: f32 = 0;
    for (let bin: u32 = 0; bin < bins; bin++) {
      const own = load<u32>(p.band(c) + ((<usize>bin) << 2));
      if (own != band) {
        band = own;
        const at = image + ((<usize>band) << 2);
        pan = load<f32>(at);
        if (pan < -1) pan = -1;
        if (pan > 1) pan = 1;
        width = load<f32>(at + more);
        if (width == width) width = exp1(width < -80 ? -80 : width > 0 ? 0 : width);
      }
      const turn = p.turn(c) + ((<usize>bin) << 3);
      const share = pan + width * load<f32>(turn);
      const across = width * load<f32>(turn, 4);
      const at = place + ((<usize>bin) << 2);
      const re = load<f32>(p.mid(c) + at);
      const im = load<f32>(p.mid(c) + at + half);
      const sideRe = re * share - im * across;
      const sideIm = re * across + im * share;
      store<f32>(p.left(c) + at, re + sideRe);
      store<f32>(p.left(c) + at + half, im + sideIm);
      store<f32>(p.right(c) + at, re - sideRe);
      store<f32>(p.right(c) + at + half, im - sideIm);
    }
    const end = (<usize>bins) << 2;
    for (let part: usize = 0; part < 2; part++) {
      memory.fill(p.left(c) + place + part * half + end, 0, half - end);
      memory.fill(p.right(c) + place + part * half + end, 0, half - end);
    }
  }
}
