// @ts-check
// Checks that imports go one way: platform ← gpu ← graph ← {ops, weights} ← {models, cases} ← engine ← pipeline ← systems ← melody ← {index, web, cli} ← demo, where
// engine takes from cases but from no model, models and cases know nothing of each other, and audio stands beside pipeline.
// Also: no cycles, no function of Math whose last bits are the engine's own where samples are made, `node:` and other packages only where the machine may be known, and no DOM or process globals elsewhere.
//
//   node tools/check_imports.mjs [folder]
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What each part of src may import, beside itself and errors.ts. @type {Record<string, string[]>} */
const MAY_IMPORT = {
  errors: [],
  elementary: [],
  kernels: ['gpu'],
  platform: [],
  gpu: ['platform'],
  graph: ['gpu', 'platform'],
  cpu: ['graph', 'gpu', 'platform'],
  ops: ['kernels', 'graph', 'gpu', 'platform'],
  weights: ['graph', 'gpu', 'platform'],
  models: ['ops', 'weights', 'graph'],
  cases: ['ops', 'graph', 'gpu', 'platform'],
  engine: ['cases', 'ops', 'cpu', 'graph', 'gpu', 'platform'],
  audio: ['platform'],
  pipeline: ['engine', 'audio', 'models', 'ops', 'weights', 'graph', 'gpu', 'platform'],
  systems: ['public_types', 'pipeline', 'engine', 'cases', 'audio', 'models', 'ops', 'weights', 'graph', 'gpu', 'platform'],
  public_types: ['pipeline', 'engine', 'audio', 'gpu'],
  others: ['systems'],
  melody: ['others', 'systems', 'pipeline', 'weights'],
  index: ['melody', 'systems', 'public_types', 'pipeline', 'engine', 'audio', 'models', 'weights', 'graph', 'gpu', 'platform'],
  cli: ['index', 'systems', 'pipeline', 'engine', 'cases', 'audio', 'models', 'ops', 'kernels', 'weights', 'graph', 'gpu', 'platform'],
  web: ['index', 'public_types', 'pipeline', 'audio', 'platform'],
  demo: ['index', 'web'],
};
/** Parts whose files may not import each other, so that each can be read alone; what they share has files of its own. @type {Record<string, string[]>} */
const NO_SIBLINGS = { models: ['src/models/layers.ts', 'src/models/timbre.ts'] };
/** Where `node:` modules and npm packages may be named, and where the machine's globals may be used. */
const KNOWS_NODE = /^src\/(platform\/(node|nap)|cli\/)/;
const KNOWS_MACHINE = /^(src\/(platform|web|cli)\/|demo\/)/;
const PACKAGES = [
  { files: /^src\/platform\/node\.ts$/, packages: ['webgpu'] },
  { files: /^src\/web\/jsx\/\w+\.d\.ts$/, packages: ['react', 'preact', 'solid-js', 'vue', 'svelte/elements'] }, // types alone
  { files: /^src\/web\/mediabunny\.ts$/, packages: ['mediabunny', '@mediabunny/flac-encoder', '@mediabunny/mp3-encoder'] },
  { files: /^src\/cli\//, packages: ['tinybench', 'wavefile'] }, // bundled into dist/cli.js
];
/** Engines differ in the last bits of these, and Node 22 and 24 in those of **; src/elementary.ts has the same bits everywhere. */
const ENGINE_MATH =
  /Math\.(a?(?:sin|cos|tan)h?|atan2|exp|expm1|log|log2|log10|log1p|pow|cbrt|hypot)\b|(?<![/*])(?<!\b2 )\*\*(?!\/)|\b2 \*\* \(.*\/.*\)/;
/** What makes no samples: references of tests, measures of finished clips, pictures, programs. */
const MAY_DIFFER = /^(src\/(cases|cli|web|audio\/(measures\/(?!tones)|picture))|demo)/;
const GLOBALS = /(?<![\w.$'"`-])(process|document|navigator|localStorage|Buffer)\s*[.[(]/;

/**
 * All faults of a source tree, one line each.
 * @param {string} root the folder that holds src/ and demo/
 * @returns {string[]}
 */
export function checkImports(root) {
  const files = ['src', 'demo'].flatMap((folder) => (existsSync(join(root, folder)) ? sourceFiles(join(root, folder)) : []));
  const faults = [];
  /** @type {Map<string, string[]>} */
  const graph = new Map();
  for (const file of files) {
    const name = relative(root, file).replaceAll('\\', '/');
    const text = readFileSync(file, 'utf8');
    /** @type {string[]} */
    const edges = [];
    for (const { target, line } of importsOf(text)) {
      const fault = target.startsWith('.') || target.startsWith('#') ? undefined : packageFault(name, target);
      if (fault) faults.push(`${name}:${line}: ${fault}`);
      if (!target.startsWith('.') && target !== '#platform') continue;
      const to = target === '#platform' ? 'src/platform/node.ts' : relative(root, resolve(dirname(file), target)).replaceAll('\\', '/');
      edges.push(to);
      const wrong = directionFault(name, to);
      if (wrong) faults.push(`${name}:${line}: ${wrong}`);
    }
    graph.set(name, edges);
    if (!MAY_DIFFER.test(name) && !name.endsWith('.gen.ts')) {
      codeLines(text).forEach((code, index) => {
        const found = ENGINE_MATH.exec(code);
        if (found) faults.push(`${name}:${index + 1}: ${found[0]} has other last bits in other engines; use src/elementary.ts`);
      });
    }
    if (!KNOWS_MACHINE.test(name)) {
      codeLines(text).forEach((code, index) => {
        const found = GLOBALS.exec(code);
        if (found) faults.push(`${name}:${index + 1}: uses ${found[1]}; only src/platform, src/web and src/cli know the machine`);
      });
    }
  }
  return [...faults, ...cycles(graph)];
}

/** @param {string} folder @returns {string[]} */
function sourceFiles(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return name === 'node_modules' ? [] : sourceFiles(path);
    return /\.(ts|mjs|js)$/.test(name) ? [path] : [];
  });
}

/** What a file imports: static, dynamic, re-exported or by type. @param {string} text */
function importsOf(text) {
  const found = [];
  const pattern = /(?:^|[\s;}])(?:import|export)\s+(?:[^'"`;()]*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;
  const code = codeLines(text).join('\n');
  for (const match of code.matchAll(pattern)) {
    const target = match[1] ?? match[2];
    found.push({ target, line: code.slice(0, match.index + match[0].length).split('\n').length });
  }
  return found;
}

/** The lines of a file without its comments; strings that look like comments are rare enough here to be cut. @param {string} text */
function codeLines(text) {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''))
    .replace(/(^|[\s;,{(])\/\/.*$/gm, '$1')
    .split('\n');
}

/** The part of the house that a file belongs to: `gpu` for src/gpu/device.ts. @param {string} name */
function partOf(name) {
  if (name.startsWith('demo/')) return 'demo';
  const match = /^src\/([^/.]+)/.exec(name);
  return match?.[1] ?? name;
}

/** @param {string} from @param {string} to @returns {string | undefined} */
function directionFault(from, to) {
  const [a, b] = [partOf(from), partOf(to)];
  if (b === 'errors' || b === 'elementary') return undefined;
  if (!(a in MAY_IMPORT)) return `"${a}" is no part of the house; add it to tools/check_imports.mjs or put the file elsewhere`;
  if (a === b) {
    const shared = NO_SIBLINGS[a];
    return !shared || shared.includes(to)
      ? undefined
      : `imports ${to}; files of ${a} import none of each other but ${shared.join(' and ')}`;
  }
  return MAY_IMPORT[a].includes(b) ? undefined : `imports ${to}; ${a} may import only ${['errors', ...MAY_IMPORT[a]].join(', ')}`;
}

/** @param {string} from @param {string} target @returns {string | undefined} */
function packageFault(from, target) {
  if (target.startsWith('node:')) return KNOWS_NODE.test(from) ? undefined : `imports ${target}; only src/platform/node* and src/cli may`;
  const allowed = PACKAGES.some(({ files, packages }) => files.test(from) && packages.includes(target));
  return allowed ? undefined : `imports the package "${target}"; the library has no run-time dependency`;
}

/** Every import cycle, once, starting at its first file. @param {Map<string, string[]>} graph @returns {string[]} */
function cycles(graph) {
  const done = new Set();
  /** @type {Set<string>} */
  const found = new Set();
  /** @param {string} file @param {string[]} path */
  const walk = (file, path) => {
    const at = path.indexOf(file);
    if (at >= 0) {
      const loop = path.slice(at);
      const first = loop.indexOf([...loop].sort()[0]);
      found.add(`cycle: ${[...loop.slice(first), ...loop.slice(0, first), loop[first]].join(' → ')}`);
      return;
    }
    if (done.has(file)) return;
    for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
    done.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return [...found];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const faults = checkImports(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))));
  for (const fault of faults) console.error(fault);
  console.log(faults.length === 0 ? 'imports: one direction, no cycles' : `imports: ${faults.length} faults`);
  process.exit(faults.length === 0 ? 0 : 1);
}
