// The same formula in plain double precision, one thing at a time: what the kernel is checked against.
export default function reference({ x, gate }, { gain }) {
  return { y: Float64Array.from(x, (v, i) => (v / (1 + Math.exp(-gate[i]))) * gain) };
}
