// Lines that are not very long, and source maps that still hold.
import { SourceMap } from 'node:module';
import { transformSync } from 'esbuild';
import { expect, test } from 'vitest';
import { breakLines } from '../../tools/lines.mjs';

const source = [
  'export const text = `one',
  'two`;',
  ...Array.from({ length: 300 }, (_, i) => `export function thrower${i}(value) {\n  if (value > ${i}) throw new Error("at ${i}");\n}`),
  'export class Many {',
  ...Array.from({ length: 200 }, (_, i) => `  method${i}() {\n    return "method ${i}";\n  }`),
  '}',
].join('\n');

test('statements and methods are left whole, lines are short, and every place has the source that it had', async () => {
  const { code, map } = transformSync(source, { minify: true, sourcemap: true, target: 'es2022' });
  const { mappings, ...rest } = JSON.parse(map) as { mappings: string; sources: string[]; names: string[]; version: number };
  const broken = breakLines(code, mappings);
  const longest = (text: string) => Math.max(...text.split('\n').map((line) => line.length));
  expect(longest(code)).toBeGreaterThan(15_000);
  expect(longest(broken.code)).toBeLessThan(5200);
  expect(broken.code.replaceAll('\n', '')).toBe(code.replaceAll('\n', ''));
  const made = await import(`data:text/javascript,${encodeURIComponent(broken.code)}`);
  expect(made.text).toBe('one\ntwo');
  expect(new made.Many().method150()).toBe('method 150');

  const before = new SourceMap({ ...rest, mappings } as never);
  const after = new SourceMap({ ...rest, mappings: broken.mappings } as never);
  const placeOf = (text: string, what: string) => {
    const lines = text.slice(0, text.indexOf(what)).split('\n');
    return [lines.length - 1, (lines.at(-1) ?? '').length] as const;
  };
  for (const what of [...Array.from({ length: 300 }, (_, i) => `"at ${i}"`), ...Array.from({ length: 200 }, (_, i) => `"method ${i}"`)]) {
    const old = before.findEntry(...placeOf(code, what)) as { originalLine: number; originalColumn: number };
    const now = after.findEntry(...placeOf(broken.code, what)) as { originalLine: number; originalColumn: number };
    expect([now.originalLine, now.originalColumn]).toEqual([old.originalLine, old.originalColumn]);
    expect(source.split('\n')[now.originalLine]).toContain(what);
  }
});

test('code without long lines stays as it is', () => {
  expect(breakLines('const a=1;const b=2;\n', 'AAAA,MAAM')).toEqual({ code: 'const a=1;const b=2;\n', mappings: 'AAAA,MAAM' });
});
