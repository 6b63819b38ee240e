// fft: one step, of `radix`, of the Fourier transforms of rows of 2 * points real numbers, packed in complex ones, z[i] = x[2i] + i x[2i + 1]:
//   y[l * step + s] = sum_j e^(∓2 pi i j l step / points) z[(l mod points / radix / step) * radix * step + j * step + s]      (Stockham 1966; + if `inverse`)
//
// x     READ 0 [rows, 2 * points]: re | im     1 [samples], frame t from sample t * hop - pad on, under a Hann window, zeros outside
//       2 [rows, 2 * half], the spectra of real rows, of which they are packed
// turn  [2 * points]: cos, sin of 2 pi k / (2 points)
// y     WRITE 0 [rows, 2 * points]: re | im     1 [rows, 2 * half], the first `bins` of the spectra of the real rows, then zeros
//       2 [samples], the real rows under a Hann window, overlap-added, over 3 points, the sum of their squares at four covers
// grid  [elements of y / WG], of complex ones half as many     the last step has `step` 1, and WRITE 1 and 2 are last steps

override WG = 64u;      // threads per workgroup
override READ = 0u;     // meaning: see x
override WRITE = 0u;    // meaning: see y

struct Params { rows: u32, points: u32, radix: u32, step: u32, inverse: u32, half: u32, bins: u32, hop: u32, pad: u32, samples: u32 }
@group(0) @binding(0) var<uniform>             p: Params;
@group(0) @binding(1) var<storage, read>       x: array<f32>;
@group(0) @binding(2) var<storage, read>       turn: array<vec2f>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

fn times(a: vec2f, b: vec2f) -> vec2f { return vec2f(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }

fn hann(n: u32) -> f32 { return 0.5 - 0.5 * turn[n].x; }

fn sample(row: u32, n: u32) -> f32 {
  let at = row * p.hop + n;
  return select(0.0, x[min(at - p.pad, p.samples - 1u)] * hann(n), at >= p.pad && at - p.pad < p.samples);
}

fn point(row: u32, k: u32) -> vec2f {
  if (READ == 1u) { return vec2f(sample(row, 2u * k), sample(row, 2u * k + 1u)); }
  if (READ == 0u) { return vec2f(x[row * 2u * p.points + k], x[row * 2u * p.points + p.points + k]); }
  let at = row * 2u * p.half;
  let m = p.points - k;
  let a = vec2f(x[at + k], select(x[at + p.half + k], 0.0, k == 0u));
  let b = vec2f(x[at + m], select(-x[at + p.half + m], 0.0, k == 0u));
  let odd = times(turn[k], a - b);
  return a + b + vec2f(-odd.y, odd.x);
}

fn sum(row: u32, l: u32, s: u32) -> vec2f {
  let at = l % (p.points / p.radix / p.step) * p.radix * p.step + s;
  var k = l * p.step % p.points;
  if (p.inverse == 0u) { k = p.points - k; }
  var total = vec2f(0.0);
  for (var j = 0u; j < p.radix; j++) { total += times(turn[2u * (j * k % p.points)], point(row, at + j * p.step)); }
  return total;
}

@compute @workgroup_size(WG)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lid: u32) {
  let i = (wid.x + wid.y * nwg.x) * WG + lid;
  if (WRITE == 2u) {
    if (i >= p.samples) { return; }
    let at = i + p.pad;
    var total = 0.0;
    var t = min(at / p.hop, p.rows - 1u);
    loop {
      let n = at - t * p.hop;
      if (n >= 2u * p.points) { break; }
      let pair = sum(t, n / 2u, 0u);
      total += hann(n) * select(pair.x, pair.y, n % 2u == 1u);
      if (t == 0u) { break; }
      t--;
    }
    y[i] = total / (3.0 * f32(p.points));
    return;
  }
  let cols = select(p.points, p.half, WRITE == 1u);
  if (i >= p.rows * cols) { return; }
  let row = i / cols;
  let col = i % cols;
  let at = row * 2u * cols + col;
  var value = vec2f(0.0);
  if (WRITE == 0u) {
    value = sum(row, col / p.step, col % p.step);
  } else if (col < p.bins) {
    let a = sum(row, col % p.points, 0u);
    let b = sum(row, (p.points - col) % p.points, 0u) * vec2f(1.0, -1.0);
    let odd = times(turn[col] * vec2f(1.0, -1.0), a - b);
    value = 0.5 * (a + b + vec2f(odd.y, -odd.x));
  }
  y[at] = value.x;
  y[at + cols] = value.y;
}
