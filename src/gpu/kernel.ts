// From a kernel's text to the text of one pipeline: constants replaced, a storage variant chosen.
import { MelodyError } from '../errors.ts';

/** A parsed kernels/*.wgsl file, as tools/kernels.mjs writes it. `bindings` are in binding order, from 1. */
export interface Kernel {
  readonly name: string;
  readonly params: { readonly [field: string]: 'u32' | 'i32' | 'f32' };
  readonly bindings: { readonly [id: string]: 'read' | 'write' };
  /** Tuning: numbers replaced in the text. They change how a GPU computes, never what. */
  readonly consts: { readonly [id: string]: number };
  /** Tuning: pipeline-overridable constants. */
  readonly overrides: { readonly [id: string]: number };
  /** Pipeline-overridable constants that change what is computed: activations, flags. With params, what every executor reads. */
  readonly meaning: { readonly [id: string]: number };
  readonly variants: readonly string[];
  readonly subgroups: boolean;
  readonly source: string;
}

/** What makes two dispatches of one kernel different pipelines. */
export interface Specialisation {
  /** Storage variant named in the file by `//@name` marks, e.g. 'f16'. */
  readonly variant?: string | undefined;
  /** Replaced `const` values: register tiles, head sizes. */
  readonly consts?: { readonly [id: string]: number };
  /** Pipeline-overridable constants, of tuning and of meaning alike. */
  readonly overrides?: { readonly [id: string]: number };
}

/** WGSL of one specialisation. Throws `kernel` when a constant or variant is not in the file. */
export function specialise(kernel: Kernel, how: Specialisation): string {
  let source = kernel.source;
  if (how.variant !== undefined) {
    if (!kernel.variants.includes(how.variant))
      throw new MelodyError('kernel', `${kernel.name}: no variant "${how.variant}"; got one of [${kernel.variants.join(', ')}]`);
    const mark = new RegExp(`((?:=|\\breturn)\\s+)[^;\\n]+;[^\\n]*?//@${how.variant} ((?:(?!//@)[^\\n])+?)\\s*(?://@[^\\n]*)?$`, 'gm');
    source = source.replace(mark, (_all, head: string, text: string) => `${head}${text};`);
  }
  source = source.replace(/\/\/@[^\n]*/g, ''); // marks of the other variants
  const code = source.replace(/\/\/[^\n]*/g, '');
  if (/\b(f16|vec[234]h)\b/.test(code) && !/^enable f16;/m.test(code)) source = `enable f16; ${source}`; // no new line: errors name lines
  for (const [id, value] of Object.entries(how.consts ?? {})) {
    if (!(id in kernel.consts))
      throw new MelodyError('kernel', `${kernel.name}: no const "${id}"; it has [${Object.keys(kernel.consts).join(', ')}]`);
    source = source.replace(new RegExp(`^(const ${id}\\s*(?::\\s*\\w+\\s*)?=\\s*)[-\\d.]+([uif]?;)`, 'm'), `$1${value}$2`);
  }
  for (const id of Object.keys(how.overrides ?? {}))
    if (!(id in kernel.overrides || id in kernel.meaning)) {
      const all = Object.keys({ ...kernel.overrides, ...kernel.meaning });
      throw new MelodyError('kernel', `${kernel.name}: no override "${id}"; it has [${all.join(', ')}]`);
    }
  return source;
}

/** Cache key of a specialisation: equal keys are equal pipelines. */
export function specialisationKey(kernel: Kernel, how: Specialisation): string {
  const flat = (o: { readonly [id: string]: number } | undefined) =>
    Object.entries(o ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => `${k}=${v}`)
      .join(',');
  return `${kernel.name}|${how.variant ?? ''}|${flat(how.consts)}|${flat(how.overrides)}`;
}
