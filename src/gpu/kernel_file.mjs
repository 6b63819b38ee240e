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
  let source = text.trimEnd();
  for (const [, lib] of text.matchAll(/^\/\/ @use (\w+)/gm)) source += `\n\n${library(lib).trimEnd()}`;
  if (!text.startsWith(`// ${name}: `)) fail(`line 1 must be "// ${name}: <formula>"`);
  if (!/fn main\(/.test(source)) fail('no entry point "main"');

  const params = {};
  const struct = /struct Params\s*\{([^}]*)\}/.exec(source);
  if (!struct) fail('no "struct Params { … }"');
  for (const field of struct[1].replace(/\/\/.*$/gm, '').split(',')) {
    if (!field.trim()) continue;
    const match = /^\s*(\w+)\s*:\s*(u32|i32|f32)\s*$/.exec(field);
    if (!match) fail(`Params field "${field.trim()}" is not "name: u32|i32|f32"`);
    params[match[1]] = match[2];
  }

  const bindings = {};
  let written = false;
  for (const [, index, space, id] of source.matchAll(/@group\(0\)\s*@binding\((\d+)\)\s*var<([^>]+)>\s*(\w+)\s*:/g)) {
    const mode = space.replace(/\s/g, '');
    if (index === '0') {
      if (mode !== 'uniform') fail('binding 0 must be var<uniform> of Params');
      continue;
    }
    if (Number(index) !== Object.keys(bindings).length + 1) fail(`binding ${index} of "${id}" is out of order`);
    if (mode !== 'storage,read' && mode !== 'storage,read_write') fail(`binding "${id}" is var<${space}>, expected storage`);
    if (mode === 'storage,read' && written) fail(`input "${id}" comes after an output`);
    written = mode === 'storage,read_write';
    bindings[id] = written ? 'write' : 'read';
  }
  if (Object.keys(bindings).length > 8) fail('more than 8 storage bindings');

  const consts = {};
  for (const [, id, value] of source.matchAll(/^const (\w+)\s*(?::\s*\w+\s*)?=\s*([-\d.]+)[uif]?;/gm)) consts[id] = Number(value);
  const [overrides, meaning] = [{}, {}];
  for (const [, id, value, means] of source.matchAll(
    /^override (\w+)\s*(?::\s*\w+\s*)?=\s*([-\d.]+|true|false)[uif]?;(\s*\/\/ meaning:)?/gm,
  ))
    (means ? meaning : overrides)[id] = value === 'true' ? 1 : value === 'false' ? 0 : Number(value);
  const variants = [...new Set([...source.matchAll(/\/\/@(\w+) \S/g)].map((m) => m[1]))];
  return { name, params, bindings, consts, overrides, meaning, variants, subgroups: /^enable subgroups;/m.test(source), source };
}
