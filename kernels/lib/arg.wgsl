// arg(x + iy) in turns, -1/2 ... 1/2, to about 1e-7; 0 for 0. The built-in atan2 may be off by 4096 units in the last place.
// atan of Cephes (Moshier) on [0, tan(pi/8)], unfolded by symmetry.
fn arg_turns(x: f32, y: f32) -> f32 {
  let ax = abs(x);
  let ay = abs(y);
  let large = max(ax, ay);
  if (large == 0.0) { return 0.0; }
  let q = min(ax, ay) / large;
  let far = q > 0.41421356;
  let v = select(q, (q - 1.0) / (q + 1.0), far);
  let z = v * v;
  let atan_v = v + v * z * (-3.33329491539e-1 + z * (1.99777106478e-1 + z * (-1.38776856032e-1 + z * 8.05374449538e-2)));
  var turns = atan_v * 0.15915494 + select(0.0, 0.125, far);
  if (ay > ax) { turns = 0.25 - turns; }
  if (x < 0.0) { turns = 0.5 - turns; }
  return select(turns, -turns, y < 0.0);
}
