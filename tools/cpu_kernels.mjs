// @ts-check
// Builds the CPU's kernels: kernels/cpu/*.ts (AssemblyScript) into one WebAssembly module in src/cpu/module.gen.ts, and its inner products
// with relaxed SIMD into a second, small one.
//
// A kernel file has the name of its .wgsl twin, or says with a line `// runs a b c` which WGSL kernels it computes. It exports `name` and
// `name_units`, and reads its command through kernels/cpu/params.gen.ts, made here from the WGSL files: parameters, tensors and meaning
// flags by their names, 0 where a form has none. A name that is not in the WGSL does not compile. `// extra A B` adds words of its own.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { deflateSync } from 'node:zlib';
import { parseKernel } from '../src/gpu/kernel_file.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = join(root, 'kernels/cpu');
const out = join(root, 'src/cpu/module.gen.ts');
/** Words of a command before its fields: function and cost. */
const HEAD = 2;
/** Loops over samples, for src/audio/simd_module.ts: a module of its own, since clips are measured on machines with a GPU too. */
const sound = join(root, 'kernels/sound/sound.ts');
const soundOut = join(root, 'src/audio/simd_module.gen.ts');
const FLAGS = ['--noAssert', '-O3', '--runtime', 'stub', '--disableWarning'];
/** Tables of the kernels lie below the words that host and threads share. */
const SHARED = ['--importMemory', '--sharedMemory', '--maximumMemory', '65536', '--memoryBase', '64'];

/** Does nothing when no source has changed since. Throws when AssemblyScript reports an error. */
export function generateCpu() {
  generateSound();
  const library = (/** @type {string} */ name) => readFileSync(join(root, 'kernels/lib', `${name}.wgsl`), 'utf8');
  const wgsl = new Map(
    names(join(root, 'kernels'), '.wgsl').map((name) => [
      name,
      parseKernel(name, readFileSync(join(root, 'kernels', `${name}.wgsl`), 'utf8'), library),
    ]),
  );
  const kernels = names(folder, '.ts')
    .filter((name) => name !== 'replay' && !name.endsWith('.gen'))
    .map((name) => describe(name, readFileSync(join(folder, `${name}.ts`), 'utf8'), wgsl));
  const made = { 'params.gen.ts': paramsText(kernels), 'index.gen.ts': indexText(kernels) };
  const hash = createHash('sha256')
    .update([...FLAGS, ...SHARED].join())
    .update(readFileSync(fileURLToPath(import.meta.url)));
  for (const [name, text] of Object.entries(made)) hash.update(name).update(text);
  for (const file of [
    ...names(folder, '.ts').filter((n) => !n.endsWith('.gen')),
    ...names(join(folder, 'lib'), '.ts').map((n) => `lib/${n}`),
  ])
    hash.update(readFileSync(join(folder, `${file}.ts`)));
  const mark = `// Made from kernels/cpu by tools/cpu_kernels.mjs. Do not edit. ${hash.digest('hex')}`;
  if (existsSync(out) && readFileSync(out, 'utf8').startsWith(mark)) return;
  for (const [name, text] of Object.entries(made)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'relaxed.gen.ts'), relaxedText(readFileSync(join(folder, 'lib/tiles.ts'), 'utf8')));
  const wasm = compile(['replay.ts', 'index.gen.ts'], ['simd', 'threads'], SHARED);
  const relaxed = compile(['relaxed.gen.ts'], ['simd', 'threads', 'relaxed-simd'], SHARED);
  writeFileSync(out, `${mark}\n${moduleText(kernels, { wasm, relaxed }, mark)}`);
}

/** @param {string} folder @param {string} end */
function names(folder, end) {
  return readdirSync(folder)
    .filter((file) => file.endsWith(end))
    .map((file) => file.slice(0, -end.length))
    .sort();
}

/**
 * @typedef {{ name: string, runs: string[], fields: { id: string, call: string, type: 'u32' | 'f32' | 'usize' }[] }} CpuKernel
 * @param {string} name @param {string} text @param {Map<string, ReturnType<typeof parseKernel>>} wgsl
 * @returns {CpuKernel}
 */
function describe(name, text, wgsl) {
  const listed = (/** @type {string} */ word) => new RegExp(`^// ${word}\\s+(.+)$`, 'm').exec(text)?.[1].trim().split(/\s+/);
  const runs = listed('runs') ?? [name];
  /** @type {Map<string, CpuKernel['fields'][number]>} */
  const fields = new Map();
  const forms = runs.map((form) => {
    const kernel = wgsl.get(form);
    if (!kernel) throw new Error(`kernels/cpu/${name}.ts: there is no kernels/${form}.wgsl`);
    return kernel;
  });
  for (const { params } of forms)
    for (const [id, type] of Object.entries(params)) fields.set(id, { id, call: id, type: type === 'f32' ? 'f32' : 'u32' });
  const scalars = new Set(fields.keys());
  for (const { bindings } of forms)
    for (const id of Object.keys(bindings)) fields.set(`@${id}`, { id: `@${id}`, call: scalars.has(id) ? `${id}_` : id, type: 'usize' });
  for (const { meaning } of forms) for (const id of Object.keys(meaning)) fields.set(id, { id, call: id, type: 'u32' });
  for (const id of listed('extra') ?? []) fields.set(id, { id, call: id, type: 'u32' });
  return { name, runs, fields: [...fields.values()] };
}

/** @param {readonly CpuKernel[]} kernels */
function paramsText(kernels) {
  const space = (/** @type {CpuKernel} */ { name, fields }) =>
    [
      `export namespace ${name} {`,
      ...fields.map(({ call, type }, i) => {
        const load = type === 'usize' ? 'load<u32>' : `load<${type}>`;
        return `  // @ts-ignore: decorator\n  @inline export function ${call}(c: usize): ${type} { return ${load}(c, ${4 * (HEAD + i)}); }`;
      }),
      '}',
    ].join('\n');
  return `// Made from kernels/*.wgsl by tools/cpu_kernels.mjs. Do not edit.\n${kernels.map(space).join('\n')}\n`;
}

/** @param {readonly CpuKernel[]} kernels */
function indexText(kernels) {
  const imports = kernels.map(({ name }) => `import { ${name}, ${name}_units } from './${name}';`);
  // exported, so that Binaryen leaves each a function: inlined into the switch their accumulators lose their registers; nobody calls them by name
  const exports = kernels.map(({ name }, i) => `export { ${name} as k${i} };`);
  return [
    '// Made from kernels/cpu by tools/cpu_kernels.mjs. Do not edit.',
    ...imports,
    "export { plain2x16, plain4x8 } from './lib/tiles';",
    "export { activate } from './lib/act';",
    "export { bytes2x16 } from './lib/bytes';",
    "export { halves2x8 } from './lib/half';",
    ...exports,
    'export function unitsOf(code: u32, c: usize): u32 {',
    '  switch (code) {',
    ...kernels.map(({ name }, i) => `    case ${i}: return ${name}_units(c);`),
    '  }',
    '  return 0;',
    '}',
    'export function run(code: u32, c: usize, from: u32, to: u32): void {',
    '  switch (code) {',
    ...kernels.map(({ name }, i) => `    case ${i}: ${name}(c, from, to); return;`),
    '  }',
    '}',
    '',
  ].join('\n');
}

/** The inner products with one instruction for multiply and add. @param {string} tiles */
function relaxedText(tiles) {
  const [, products] = tiles.split('// the relaxed module begins here\n');
  const text = products.replace(/f32x4\.add\((\w+), f32x4\.mul\((\w+), (\w+)\)\)/g, 'f32x4.relaxed_madd($2, $3, $1)');
  if (text.includes('f32x4.mul') || text === products)
    throw new Error('kernels/cpu/lib/tiles.ts: a product is not written as f32x4.add(sum, f32x4.mul(a, b))');
  return `// Made from kernels/cpu/lib/tiles.ts by tools/cpu_kernels.mjs. Do not edit.\n${text}`;
}

/** Does nothing when its source has not changed since. */
function generateSound() {
  const tool = readFileSync(fileURLToPath(import.meta.url));
  const hash = createHash('sha256').update(tool).update(readFileSync(sound)).digest('hex');
  const mark = `// Made from kernels/sound by tools/cpu_kernels.mjs. Do not edit. ${hash}`;
  if (existsSync(soundOut) && readFileSync(soundOut, 'utf8').startsWith(mark)) return;
  const wasm = compile([sound], ['simd'], ['--use', 'abort=']);
  writeFileSync(
    soundOut,
    `${mark}\n/** Deflated (zlib), in base64. */\nexport const SOUND =\n  '${deflateSync(wasm, { level: 9 }).toString('base64')}';\n`,
  );
}

/** @param {readonly string[]} files of kernels/cpu, or whole paths @param {readonly string[]} features @param {readonly string[]} flags */
function compile(files, features, flags) {
  const work = mkdtempSync(join(tmpdir(), 'melody-asc-'));
  try {
    const wasm = join(work, 'kernels.wasm');
    const asc = join(root, 'node_modules/assemblyscript/bin/asc.js');
    if (!existsSync(asc)) throw new Error('the npm package assemblyscript, which builds kernels/cpu, is not installed: run npm ci');
    const entries = files.map((file) => resolve(folder, file));
    const done = spawnSync(process.execPath, [asc, ...entries, '-o', wasm, ...FLAGS, ...flags, '--enable', features.join()], {
      encoding: 'utf8',
      cwd: root,
    });
    if (done.status !== 0) throw new Error(`AssemblyScript:\n${done.stdout}${done.stderr}`);
    return readFileSync(wasm);
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** @param {readonly CpuKernel[]} kernels @param {{ wasm: Buffer, relaxed: Buffer }} modules @param {string} mark */
function moduleText(kernels, { wasm, relaxed }, mark) {
  const lines = kernels.map(({ runs, fields }) => `${runs.join(' ')}:${fields.map((f) => f.id).join(' ')}`);
  return [
    '// A line a function: the WGSL kernels that it computes, then the words of its command. Text is smaller in a page.',
    `const LINES = \`${lines.join('\n')}\`;`,
    '/** For each WGSL kernel: the function that computes it, and the words of its command (tensors marked by @). */',
    'export const FUNCTIONS: { readonly [kernel: string]: { readonly code: number; readonly fields: readonly string[] } } =',
    "  /* @__PURE__ */ Object.fromEntries(LINES.split('\\n').flatMap((line, code) => {",
    "    const [kernels = '', fields = ''] = line.split(':');",
    "    return kernels.split(' ').map((kernel) => [kernel, { code, fields: fields.split(' ') }]);",
    '  }));',
    '/** Of the sources. */',
    `export const BUILD = '${mark.slice(-16)}';`,
    '/** The module, deflated (zlib), in base64. */',
    `export const WASM =\n  '${deflateSync(wasm, { level: 9 }).toString('base64')}';`,
    '/** The inner products by relaxed_madd, likewise. */',
    `export const RELAXED =\n  '${deflateSync(relaxed, { level: 9 }).toString('base64')}';`,
    '',
  ].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) generateCpu();
