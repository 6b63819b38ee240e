// Reads a kernel file. Plain JavaScript, because tools/kernels.mjs runs it before anything is built.
//
// A kernel file (see docs/kernels.md) is valid WGSL with four conventions:
//   struct Params { … }                       4-byte scalars, bound at @group(0) @binding(0) as var<uniform>
//   @binding(n) var<storage, read|read_write> inputs first, then outputs
//   const NAME = 8u;  override NAME = 64u;    numbers that src/ops may replace: they tune how a GPU computes, unless the comment of an
//                                             override begins with "meaning:", which then changes what is computed
//   alias w4 = vec4f;   //@f16 vec2u          in the variant "f16" the text between `=` or `return` and `;` is the mark's;
//                                             a line may have several marks; text that names f16 gets `enable f16;`
// and one extension: a line `// @use name` appends kernels/lib/name.wgsl (module scope has no order in WGSL).

/**
 * Parse one kernel's text; `library` gives the text of a name it uses. Throws an Error naming the file and the rule broken.
 * @param {string} name @param {string} text @param {(name: string) => string} library
 */
export function parseKernel(name, text, library) {
  const fail = (what) => {
    throw new Error(`${name}.wgsl: ${what}`);
  };
  const source = [text, ...usedBy(text).map(library)].map((part) => part.trimEnd()).join('\n\n');
  if (!text.startsWith(`// ${name}: `)) fail(`line 1 must be "// ${name}: <formula>"`);
  if (!/fn main\(/.test(source)) fail('no entry point "main"');

  const struct = /struct Params\s*\{([^}]*)\}/.exec(source);
  if (!struct) fail('no "struct Params { … }"');
  for (const field of struct[1].replace(/\/\/.*$/gm, '').split(','))
    if (field.trim() && !/^\s*(\w+)\s*:\s*(u32|i32|f32)\s*$/.test(field)) fail(`Params field "${field.trim()}" is not "name: u32|i32|f32"`);

  let [next, written] = [1, false];
  for (const [, index, space, id] of source.matchAll(/@group\(0\)\s*@binding\((\d+)\)\s*var<([^>]+)>\s*(\w+)\s*:/g)) {
    const mode = space.replace(/\s/g, '');
    if (index === '0') {
      if (mode !== 'uniform') fail('binding 0 must be var<uniform> of Params');
      continue;
    }
    if (Number(index) !== next++) fail(`binding ${index} of "${id}" is out of order`);
    if (mode !== 'storage,read' && mode !== 'storage,read_write') fail(`binding "${id}" is var<${space}>, expected storage`);
    if (mode === 'storage,read' && written) fail(`input "${id}" comes after an output`);
    written = mode === 'storage,read_write';
  }
  if (next > 9) fail('more than 8 storage bindings');
  const meaning = [...source.matchAll(/^override (\w+)[^;\n]*;\s*\/\/ meaning:/gm)].map(([, id]) => id);
  return kernel(name, source, meaning);
}

/** Names of the files of kernels/lib that a kernel's text uses. @param {string} text */
export const usedBy = (text) => [...text.matchAll(/^\/\/ @use (\w+)/gm)].map(([, name]) => name);

/**
 * What a kernel's text says of itself: a third of a page's kernels would be lists that repeat it. `meaning` names the overrides that change
 * what is computed, `libraries` are texts that follow its own.
 * @param {string} name @param {string} text @param {readonly string[]} meaning @param {readonly string[]} [libraries]
 */
export function kernel(name, text, meaning, libraries = []) {
  let bindings = 0;
  // The texts that tools/kernels.mjs writes leave numbers of bindings out, which follow from their order.
  const source = [text, ...libraries].join('\n').replace(/^var<(?:uniform|storage)/gm, (line) => `@group(0)@binding(${bindings++})${line}`);
  const all = (/** @type {RegExp} */ pattern) => [...source.matchAll(pattern)];
  const fields = all(/struct Params\s*\{([^}]*)\}/g)[0][1].matchAll(/(\w+)\s*:\s*([uif]32)/g);
  const numbers = (word) =>
    all(new RegExp(`^${word} (\\w+)\\s*(?::\\s*\\w+\\s*)?=\\s*(true|false|[-\\d.]+)[uif]?;`, 'gm')).map(([, id, value]) => [
      id,
      value === 'true' ? 1 : Number(value) || 0,
    ]);
  const overrides = numbers('override');
  const pick = (means) => Object.fromEntries(overrides.filter(([id]) => meaning.includes(id) === means));
  return {
    name,
    params: Object.fromEntries([...fields].map(([, id, type]) => [id, type])),
    bindings: Object.fromEntries(all(/var<storage,\s*read(_write)?>\s*(\w+)/g).map(([, write, id]) => [id, write ? 'write' : 'read'])),
    consts: Object.fromEntries(numbers('const')),
    overrides: pick(false),
    meaning: pick(true),
    variants: [...new Set(all(/\/\/@(\w+) \S/g).map(([, id]) => id))],
    subgroups: /^enable subgroups;/m.test(source),
    source,
  };
}
