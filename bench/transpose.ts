/** Reorder a row-major array: axis i of the result is axis order[i] of `x`. */
export function transpose<A extends Float32Array | Float64Array>(x: A, shape: readonly number[], order: readonly number[]): A {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const y = x.slice() as A;
  const walk = (axis: number, from: number, to: number): number => {
    const count = shape[order[axis]];
    const stride = strides[order[axis]];
    if (axis === order.length - 1) {
      for (let i = 0; i < count; i++) y[to + i] = x[from + i * stride];
      return to + count;
    }
    let at = to;
    for (let i = 0; i < count; i++) at = walk(axis + 1, from + i * stride, at);
    return at;
  };
  walk(0, 0, 0);
  return y;
}
