// Turns kernels/*.wgsl into src/kernels.gen.ts: one typed constant a kernel, so that a wrong binding, parameter, constant or
// variant name is a TypeScript error and a bundler drops the kernels nobody uses. Plain JavaScript: it runs before anything is built.
// The conventions of a kernel file are in src/gpu/kernel_file.mjs.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { parseKernel } from '../src/gpu/kernel_file.mjs';
import { generateCpu } from './cpu_kernels.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const HEAD = ['// Made from kernels/*.wgsl by tools/kernels.mjs. Do not edit.', "import { kernel } from './gpu/kernel_file.mjs';"];

const library = (name) => readFileSync(join(root, 'kernels/lib', `${name}.wgsl`), 'utf8');

export function generate(folder = join(root, 'kernels'), out = join(root, 'src/kernels.gen.ts')) {
  const names = readdirSync(folder)
    .filter((f) => f.endsWith('.wgsl'))
    .map((f) => f.slice(0, -5))
    .sort();
  const kernels = names.map((name) => {
    const { source, ...meta } = parseKernel(name, readFileSync(join(folder, `${name}.wgsl`), 'utf8'), library);
    const text = JSON.stringify(slim(source));
    const meaning = JSON.stringify(Object.keys(meta.meaning));
    return `export const ${name} = /* @__PURE__ */ kernel<${JSON.stringify(meta)} & { source: string }>('${name}', ${text}, ${meaning});`;
  });
  const text = `${[...HEAD, ...alikeTogether(kernels)].join('\n')}\n`;
  if (!existsSync(out) || readFileSync(out, 'utf8') !== text) writeFileSync(out, text);
  return names.length;
}

/**
 * Comments, blank lines and spaces beside punctuation go: they are a third of the bytes a page would download. Lines stay lines, since
 * errors name them, and lines with variant marks stay as they are.
 * @param {string} source
 */
function slim(source) {
  return source
    .split('\n')
    .map((line) =>
      line.includes('//@')
        ? line.trim()
        : line
            .replace(/\/\/.*$/, '')
            .trim()
            // A space stays between two words and between two operators, which would become one.
            .replace(/(?<![\w ]) +(?![-+*/%&|^<>=! ])|(?<![-+*/%&|^<>=! ]) +(?![\w ])/g, '')
            .replace(/ {2,}/g, ' '),
    )
    .filter(Boolean)
    .join('\n');
}

/**
 * Texts in an order that puts each behind the one that it repeats most of: gzip looks back 32 kB, and a page downloads all of this.
 * @param {string[]} texts
 */
function alikeTogether(texts) {
  const size = (/** @type {string} */ text) => deflateRawSync(text, { level: 9 }).length;
  const rest = new Map(texts.map((text) => [text, size(text)]));
  const ordered = [];
  for (let last = ''; rest.size > 0; ) {
    let best = { text: '', cost: Infinity };
    for (const [text, alone] of rest) {
      const cost = size(last + text) - alone;
      if (cost < best.cost) best = { text, cost };
    }
    ordered.push(best.text);
    rest.delete(best.text);
    last = best.text;
  }
  return ordered;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  generate();
  generateCpu();
}
