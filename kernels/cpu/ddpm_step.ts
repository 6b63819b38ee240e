// ddpm_step: one ancestral step from angle a to angle b < a where mask[l] is not 0 (Ho et al. 2020, alpha-bar = cos^2 of the angle)
//   x0 = cos(a) z - sin(a) v      beta = 1 - cos^2 a / cos^2 b = sin(a - b) sin(a + b) / cos^2 b
//   z' = (cos(b) beta x0 + sqrt(1 - beta) sin^2(b) z) / sin^2(a) + sqrt(beta) sin(b) / sin(a) noise
//
// z, v_cond, v_null, noise [n / dim, dim] (with GUIDED = 0 v = v_cond and v_null is not read)    mask [frames], repeated over the items
// unit  a frame; z is a state, updated in place: a frame with mask 0 is not touched
import { cos4, sin4, sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { ddpm_step as p } from './params.gen';

export function ddpm_step_units(c: usize): u32 {
  return p.n(c) / p.dim(c);
}

export function ddpm_step(c: usize, from: u32, to: u32): void {
  const dim = p.dim(c);
  const angles = f32x4(p.angle(c), p.next(c), p.angle(c) - p.next(c), p.angle(c) + p.next(c));
  const sines = sin4(angles);
  const cosines = cos4(angles);
  const sinA = f32x4.extract_lane(sines, 0);
  const cosA = f32x4.extract_lane(cosines, 0);
  const sinB = f32x4.extract_lane(sines, 1);
  const cosB = f32x4.extract_lane(cosines, 1);
  const beta = (f32x4.extract_lane(sines, 2) * f32x4.extract_lane(sines, 3)) / (cosB * cosB); // no difference of nearly equal squares
  const keep = sp((max(cosA, <f32>0) / cosB) * sinB * sinB); // sqrt(1 - beta) = cos a / cos b
  const made = sp(cosB * beta);
  const spread = sp((sqrt(max(beta, <f32>0)) * sinB) / sinA);
  const over = sp(sinA * sinA);
  const guidance = sp(p.guidance(c));
  const rest = f32x4.sub(sp(1), guidance);
  for (let row = from; row < to; row++) {
    if (load<f32>(p.mask(c) + ((<usize>(row % p.frames(c))) << 2)) == 0) continue;
    for (let d: u32 = 0; d < dim; d += 4) {
      const at = (<usize>(row * dim + d)) << 2;
      const z = load4(p.z(c) + at, dim - d);
      let v = load4(p.v_cond(c) + at, dim - d);
      if (p.GUIDED(c) != 0) v = f32x4.add(f32x4.mul(guidance, v), f32x4.mul(rest, load4(p.v_null(c) + at, dim - d)));
      const x0 = f32x4.sub(f32x4.mul(sp(cosA), z), f32x4.mul(sp(sinA), v));
      const mean = f32x4.div(f32x4.add(f32x4.mul(made, x0), f32x4.mul(keep, z)), over);
      store4(p.z(c) + at, f32x4.add(mean, f32x4.mul(spread, load4(p.noise(c) + at, dim - d))), dim - d);
    }
  }
}
