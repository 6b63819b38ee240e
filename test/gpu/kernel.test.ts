import { describe, expect, it } from 'vitest';
import { type Kernel, specialise } from '../../src/gpu/kernel.ts';
import { parseKernel } from '../../src/gpu/kernel_file.mjs';
import * as K from '../../src/kernels.gen.ts';

const kernel = parseKernel(
  'double',
  `// double: y = 2 x, x in f16 or f32
alias Word = f32; //@f16 u32 //@half f16
const N = 4u;
override WG = 8u;
struct Params { n: u32 }
@group(0) @binding(0) var<uniform> p: Params;
@group(0) @binding(1) var<storage, read> x: array<Word>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
fn at(i: u32) -> f32 { return x[i]; //@f16 unpack2x16float(x[i / 2u])[i % 2u] //@half f32(x[i])
}
@compute @workgroup_size(WG)
fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = 2.0 * at(id.x); }
`,
  () => '',
) as Kernel;

describe('specialise', () => {
  it('takes the mark of the variant asked for, of several on a line, and leaves no mark behind', () => {
    expect(kernel.variants).toEqual(['f16', 'half']);
    const [plain, f16, half] = [undefined, 'f16', 'half'].map((variant) => specialise(kernel, { variant }));
    expect(plain).toContain('alias Word = f32;');
    expect(plain).toContain('return x[i];');
    expect(f16).toContain('alias Word = u32;');
    expect(f16).toContain('return unpack2x16float(x[i / 2u])[i % 2u];');
    expect(half).toContain('alias Word = f16;');
    expect(half).toContain('return f32(x[i]);');
    for (const text of [plain, f16, half]) expect(text).not.toContain('//@');
  });

  it('enables f16 where the code names it, not for a comment, on the first line, so that line numbers stay', () => {
    expect(specialise(kernel, {})).not.toContain('enable');
    expect(specialise(kernel, { variant: 'f16' })).not.toContain('enable');
    const half = specialise(kernel, { variant: 'half' });
    expect(half.startsWith('enable f16; // double:')).toBe(true);
    expect(half.split('\n')).toHaveLength(kernel.source.split('\n').length);
  });

  it('replaces constants and refuses names that the file does not have', () => {
    expect(specialise(kernel, { consts: { N: 7 } })).toContain('const N = 7u;');
    expect(() => specialise(kernel, { variant: 'bf16' })).toThrow('double: no variant "bf16"; got one of [f16, half]');
    expect(() => specialise(kernel, { consts: { M: 7 } })).toThrow('double: no const "M"; it has [N]');
    expect(() => specialise(kernel, { overrides: { ROWS: 7 } })).toThrow('double: no override "ROWS"; it has [WG]');
  });
});

describe('kernels', () => {
  it('have no half literal, f16(x) or -0.0, which Dawn, naga and Mesa compute in different ways', () => {
    const literal = /\b[\d.]+h\b|\bf16\(|-\s*0\.?0*f?\b(?![.\d])/;
    for (const wrong of ['x * 0.1h', 'f32(f16(x))', 'max(-0.0, x)', 'max(- 0f, x)']) expect(wrong).toMatch(literal);
    for (const right of ['x * 0.1', 'array<vec4h>', 'x - 0.5', 'i - 0u', '-0.01']) expect(right).not.toMatch(literal);
    for (const { name, source } of Object.values(K)) {
      const code = source.replace(/\/\/(?!@).*/g, '');
      expect(code.match(literal)?.[0], name).toBeUndefined();
    }
  });

  it('size workgroup arrays by names or constants: naga (Firefox, Deno) fails on an expression of overrides', () => {
    const wrong = Object.values(K).flatMap(({ name, source }) => {
      const overrides = [...source.matchAll(/^override (\w+)/gm)].map(([, id]) => id);
      const sizes = [...source.matchAll(/var<workgroup>\s*\w+\s*:\s*array<\w+,([^>]*)>/g)].map(([, size]) => size.trim());
      return sizes
        .filter((size) => !/^\w+$/.test(size) && overrides.some((id) => new RegExp(`\\b${id}\\b`).test(size)))
        .map((size) => `${name}: ${size}`);
    });
    expect(wrong).toEqual([]);
  });
});
