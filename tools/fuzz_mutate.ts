// Mutations of good files for the fuzzers: of bytes, and of the values in JSON. All from one seeded generator, so that a case can be made again.

let state = 1;
export const seedWith = (seed: number): void => {
  state = seed >>> 0;
};
/** Where the generator stands: `seedWith` of it makes what comes next again. */
export const generatorState = (): number => state;

/** A whole number under n (mulberry32). */
export function below(n: number): number {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
}
export const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

const NUMBERS = [0, 1, 2, 3, 7, 8, 16, 24, 127, 128, 255, 256, 32_767, 65_535, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const VALUES = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  0.5,
  1e15,
  1e300,
  2 ** 31,
  2 ** 53,
  '',
  'a',
  '\u0000',
  '__proto__',
  [],
  {},
  [[[]]],
  [1, 2],
  'x'.repeat(3000),
];

/** Another value in the place of any. */
export const oddValue = (): unknown => (below(3) === 0 ? pick(NUMBERS) * (below(2) ? 1 : -1) : structuredClone(pick(VALUES)));

export function mutatedBytes(good: Uint8Array): Uint8Array {
  let bytes = good.slice();
  for (let n = 1 + below(8); n > 0; n--) {
    const at = below(bytes.length + 1);
    const length = below(Math.min(64, bytes.length - at + 1));
    const how = below(6);
    if (how === 0 && at < bytes.length) bytes[at] ^= 1 << below(8);
    else if (how === 1 && at + 4 <= bytes.length) new DataView(bytes.buffer).setUint32(at, pick(NUMBERS), true);
    else if (how === 2 && at + 2 <= bytes.length) new DataView(bytes.buffer).setUint16(at, pick(NUMBERS), true);
    else if (how === 3) bytes = new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
    else if (how === 4) bytes = new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at, at + length), ...bytes.subarray(at)]);
    else bytes = bytes.slice(0, at);
  }
  return bytes;
}

/** Sets a value anywhere in JSON; adds and removes fields too. */
function mutateValue(root: unknown): void {
  let at = root as Record<string, unknown>;
  for (;;) {
    const names = Object.keys(at);
    const name = names.length > 0 && below(12) > 0 ? pick(names) : `field${below(3)}`;
    const inner = at[name];
    if (typeof inner === 'object' && inner !== null && below(4) > 0) at = inner as Record<string, unknown>;
    else {
      if (below(8) === 0) delete at[name];
      else at[name] = oddValue();
      return;
    }
  }
}

export function mutatedJson(good: unknown): Uint8Array {
  if (below(4) === 0) return mutatedBytes(new TextEncoder().encode(JSON.stringify(good)));
  const copy = structuredClone(good);
  for (let n = 1 + below(4); n > 0; n--) mutateValue(copy);
  return new TextEncoder().encode(JSON.stringify(copy));
}
