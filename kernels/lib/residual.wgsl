// What a normalisation adds to its input first: nothing (ADD = 0), a row of the same number (1), or the row of a repeated
// column (2): c [B, W, S, D] beside x [B, S, K, D], where each column of c stands for `repeat` = K / W columns of x.
fn residual_row(row: u32) -> u32 {
  if (ADD != 2u) { return row; }
  let width = p.columns / p.repeat;
  let k = row % p.columns;
  let s = (row / p.columns) % p.segments;
  let b = row / (p.columns * p.segments);
  return (b * width + k / p.repeat) * p.segments + s;
}
