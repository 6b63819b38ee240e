// stereo_image: what places a sound in every band, of the spectra M of the mid and S of the side:
//               pan = sum Re(M conj S) / e, within -1 ... 1;  log(width + floor), width^2 = sum |S|^2 / e - (pan before its limits)^2,
//               within 0 ... 1;  e = sum |M|^2 + eps
//
// mid, side [rows, 2 * half]: re | im      lowest [bands + 1]: the first bin of each band, and the end      y [rows, 2 * bands]: pan | log width
// unit  a row
import { log4, sp, sum4 } from './lib/math';
import { load4 } from './lib/some';
import { stereo_image as p } from './params.gen';

export function stereo_image_units(c: usize): u32 {
  return p.rows(c);
}

export function stereo_image(c: usize, from: u32, to: u32): void {
  const half = (<usize>p.half(c)) << 2;
  const bands = p.bands(c);
  for (let row = from; row < to; row++) {
    const mid = p.mid(c) + row * 2 * half;
    const side = p.side(c) + row * 2 * half;
    const y = p.y(c) + ((<usize>(row * 2 * bands)) << 2);
    for (let band: u32 = 0; band < bands; band++) {
      const edge = p.lowest(c) + ((<usize>band) << 2);
      const end = load<u32>(edge, 4);
      let energies = sp(0);
      let shared = sp(0);
      let rests = sp(0);
      for (let bin = load<u32>(edge); bin < end; bin += 4) {
        for (let part: usize = 0; part < 2; part++) {
          const at = part * half + ((<usize>bin) << 2);
          const m = load4(mid + at, end - bin);
          const s = load4(side + at, end - bin);
          energies = f32x4.add(energies, f32x4.mul(m, m));
          shared = f32x4.add(shared, f32x4.mul(m, s));
          rests = f32x4.add(rests, f32x4.mul(s, s));
        }
      }
      const energy = sum4(energies) + p.eps(c);
      const cross = sum4(shared) / energy;
      const square = sum4(rests) / energy - cross * cross;
      const width = sqrt<f32>(square < 0 ? 0 : square > 1 ? 1 : square);
      store<f32>(y + ((<usize>band) << 2), cross < -1 ? -1 : cross > 1 ? 1 : cross);
      store<f32>(y + ((<usize>(bands + band)) << 2), f32x4.extract_lane(log4(sp(width + p.floor(c))), 0));
    }
  }
}
