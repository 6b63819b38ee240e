// Philox4x32-10 (Salmon et al., SC 2011): four random words of a counter and a key, the same on every device.

/** The words of counter (c0, c1, 0, 0) to `out` [4]. */
export function philox(c0: u32, c1: u32, low: u32, high: u32, out: usize): void {
  let c2: u32 = 0;
  let c3: u32 = 0;
  for (let round = 0; round < 10; round++) {
    const m0 = <u64>0xd2511f53 * <u64>c0;
    const m1 = <u64>0xcd9e8d57 * <u64>c2;
    c0 = <u32>(m1 >> 32) ^ c1 ^ low;
    c1 = <u32>m1;
    c2 = <u32>(m0 >> 32) ^ c3 ^ high;
    c3 = <u32>m0;
    low += 0x9e3779b9;
    high += 0xbb67ae85;
  }
  store<u32>(out, c0);
  store<u32>(out, c1, 4);
  store<u32>(out, c2, 8);
  store<u32>(out, c3, 12);
}
