// diffusion_step: z[l,d] = cos(omega) z[l,d] - sin(omega) v[l,d] where mask[l] is not 0,  v = guidance v_cond + (1 - guidance) v_null
//
// z, v_cond, v_null [n / dim, dim] (with GUIDED = 0 v = v_cond and v_null is not read)    mask [frames], repeated over the items
// unit  a frame; z is a state, updated in place: a frame with mask 0 is not touched
import { cos4, sin4, sp } from './lib/math';
import { load4, store4 } from './lib/some';
import { diffusion_step as p } from './params.gen';

export function diffusion_step_units(c: usize): u32 {
  return p.n(c) / p.dim(c);
}

export function diffusion_step(c: usize, from: u32, to: u32): void {
  const dim = p.dim(c);
  const cos = cos4(sp(p.omega(c)));
  const sin = sin4(sp(p.omega(c)));
  const guidance = sp(p.guidance(c));
  const rest = f32x4.sub(sp(1), guidance);
  for (let row = from; row < to; row++) {
    if (load<f32>(p.mask(c) + ((<usize>(row % p.frames(c))) << 2)) == 0) continue;
    for (let d: u32 = 0; d < dim; d += 4) {
      const at = (<usize>(row * dim + d)) << 2;
      let v = load4(p.v_cond(c) + at, dim - d);
      if (p.GUIDED(c) != 0) v = f32x4.add(f32x4.mul(guidance, v), f32x4.mul(rest, load4(p.v_null(c) + at, dim - d)));
      store4(p.z(c) + at, f32x4.sub(f32x4.mul(cos, load4(p.z(c) + at, dim - d)), f32x4.mul(sin, v)), dim - d);
    }
  }
}
