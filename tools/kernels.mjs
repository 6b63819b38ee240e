// Turns kernels/*.wgsl into src/kernels/*.gen.ts and their list, src/kernels.gen.ts: one typed constant a kernel, so that a wrong binding, parameter, constant or
// variant name is a TypeScript error and a bundler drops the kernels nobody uses. Plain JavaScript: it runs before anything is built.
// The conventions of a kernel file are in src/gpu/kernel_file.mjs.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { deflateRawSync } from 'node:zlib';
import { parseKernel, usedBy } from '../src/gpu/kernel_file.mjs';
import { generateCpu } from './cpu_kernels.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

const HEAD = (/** @type {string} */ path) => `// Made from kernels/${path}.wgsl by tools/kernels.mjs. Do not edit.\n`;

const read = (/** @type {string} */ path) => readFileSync(join(root, 'kernels', `${path}.wgsl`), 'utf8');
const library = (/** @type {string} */ name) => read(`lib/${name}`);

/** Returns the number of kernels. Throws where a file breaks a rule of the convention. */
export function generate() {
  const folder = join(root, 'src/kernels');
  mkdirSync(folder, { recursive: true });
  const kernels = new Map(namesIn(join(root, 'kernels'), '.wgsl').map((name) => [name, kernelModule(name, read(name))]));
  const used = [...new Set([...kernels.keys()].flatMap((name) => usedBy(read(name))))].sort();
  for (const [name, text] of kernels) writeNew(join(folder, `${name}.gen.ts`), HEAD(name) + text);
  for (const name of used)
    writeNew(join(folder, `lib_${name}.gen.ts`), `${HEAD(`lib/${name}`)}export const ${name} = ${JSON.stringify(slim(library(name)))};\n`);
  const made = new Set([...kernels.keys(), ...used.map((name) => `lib_${name}`)]);
  for (const name of namesIn(folder, '.gen.ts')) if (!made.has(name)) rmSync(join(folder, `${name}.gen.ts`));
  const all = alikeTogether(kernels).map((name) => `export { ${name} } from './kernels/${name}.gen.ts';\n`);
  writeNew(join(root, 'src/kernels.gen.ts'), `${HEAD('*')}${all.join('')}`);
  return kernels.size;
}

/** A module a kernel, so that files of a page which share some kernels need not share all. @param {string} name @param {string} text */
function kernelModule(name, text) {
  const { source, ...meta } = parseKernel(name, text, library);
  const used = usedBy(text);
  const imports = used.map((each) => `import { ${each} } from './lib_${each}.gen.ts';\n`).join('');
  const words = [
    `'${name}'`,
    JSON.stringify(slim(text)),
    JSON.stringify(Object.keys(meta.meaning)),
    ...(used.length ? [`[${used.join(', ')}]`] : []),
  ];
  return `import { kernel } from '../gpu/kernel_file.mjs';
${imports}export const ${name} = /* @__PURE__ */ kernel<${JSON.stringify(meta)} & { source: string }>(${words.join(', ')});
`;
}

/** @param {string} folder @param {string} end */
function namesIn(folder, end) {
  return readdirSync(folder)
    .filter((file) => file.endsWith(end))
    .map((file) => file.slice(0, -end.length))
    .sort();
}

/** Leaves a file that has this text alone, so that nothing is built again for it. @param {string} path @param {string} text */
function writeNew(path, text) {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
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
            .replace(/ {2,}/g, ' ')
            // Bindings are numbered in their order, by the convention: `kernel` does it again.
            .replace(/^@group\(0\)@binding\(\d\)(?=var<)/, ''),
    )
    .filter(Boolean)
    .join('\n');
}

/**
 * Names in an order that puts each text behind the one that it repeats most of: gzip looks back 32 kB, and a page downloads all of this.
 * @param {Map<string, string>} texts by name
 */
function alikeTogether(texts) {
  const size = (/** @type {string} */ text) => deflateRawSync(text, { level: 9 }).length;
  const rest = new Map([...texts].map(([name, text]) => [name, { text, alone: size(text) }]));
  const ordered = [];
  for (let last = ''; rest.size > 0; ) {
    let best = { name: '', cost: Infinity };
    for (const [name, { text, alone }] of rest) {
      const cost = size(last + text) - alone;
      if (cost < best.cost) best = { name, cost };
    }
    ordered.push(best.name);
    last = texts.get(best.name) ?? '';
    rest.delete(best.name);
  }
  return ordered;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  generate();
  generateCpu();
}
