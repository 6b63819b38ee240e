// Which row a repeated column comes from: c [B, W, S, D] beside x [B, S, K, D], where each column of c stands for K / W columns of x.

export function residualRow(row: u32, columns: u32, repeat: u32, segments: u32): u32 {
  const width = columns / repeat;
  const k = row % columns;
  const s = (row / columns) % segments;
  const b = row / (columns * segments);
  return (b * width + k / repeat) * segments + s;
}
