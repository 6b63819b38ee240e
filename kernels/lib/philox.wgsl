// Philox4x32-10 (Salmon et al., SC 2011): four random words of a counter and a key, the same on every device.

fn wide_multiply(a: u32, b: u32) -> vec2u {   // (high, low) words of a * b
  let a0 = a & 0xffffu; let a1 = a >> 16u;
  let b0 = b & 0xffffu; let b1 = b >> 16u;
  let low = a0 * b0;
  let mid1 = a1 * b0 + (low >> 16u);          // cannot overflow: (2^16-1)^2 + 2^16-1 < 2^32
  let mid2 = a0 * b1 + (mid1 & 0xffffu);
  return vec2u(a1 * b1 + (mid1 >> 16u) + (mid2 >> 16u), a * b);
}

fn philox(counter: vec4u, key: vec2u) -> vec4u {
  var c = counter;
  var k = key;
  for (var round = 0u; round < 10u; round++) {
    let m0 = wide_multiply(0xd2511f53u, c.x);
    let m1 = wide_multiply(0xcd9e8d57u, c.z);
    c = vec4u(m1.x ^ c.y ^ k.x, m1.y, m0.x ^ c.w ^ k.y, m0.y);
    k += vec2u(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}
