// @ts-check
// The option types as users read them. In src they are computed from the table of settings (src/pipeline/settings.ts); in the package's
// declarations each is an interface written out, a member per setting with the comment and the range of its entry, so that neither an
// editor nor the API reference shows the table.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
/** @typedef {import('../src/pipeline/settings.ts').Setting} Setting */

/**
 * What tsc emitted for settings.ts, with the interfaces written out and the tables left out.
 * @param {string} emitted @returns {Promise<string>}
 */
export async function settingsTypes(emitted) {
  const { PIECE, STYLE, SAMPLING } = await tables();
  const types = valueTypes(emitted);
  /** @param {Record<string, Setting>} table @param {(setting: Setting) => string} [before] what stands before a member's name */
  const members = (table, before = () => '') =>
    Object.entries(table).map(([name, setting]) => {
      const optional = before(setting) && setting.preset ? '' : '?';
      const type = before(setting) ? typeOf(setting, types) : `${typeOf(setting, types)} | undefined`; // options may be passed on without having them
      return `${comment(emitted, name, setting)}  ${before(setting)}${name}${optional}: ${type};\n`;
    });
  const recipe = Object.fromEntries(Object.entries({ ...PIECE, ...STYLE, ...SAMPLING }).filter(([, { kind }]) => kind !== 'audio'));
  /** @type {Record<string, string[]>} */
  const written = {
    StyleOptions: members(STYLE),
    SamplingSettings: members(SAMPLING),
    PieceSettings: members(PIECE),
    RecipeSettings: members(recipe, () => 'readonly '),
  };
  const kept = ['AudioInput', 'Blend', 'Region', 'Steering'].map((name) => declaration(emitted, name));
  const interfaces = Object.entries(written).map(([name, lines]) => {
    const [head] = declaration(emitted, name).split(' extends ');
    return `${head} {\n${lines.join('')}}\n`;
  });
  return [...kept, ...interfaces].join('');
}

/** The tables themselves, from the source. @returns {Promise<Record<'PIECE' | 'STYLE' | 'SAMPLING', Record<string, Setting>>>} */
async function tables() {
  const { outputFiles } = await build({
    entryPoints: [join(root, 'src/pipeline/settings.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'warning',
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

/** An exported interface with its comment. @param {string} emitted @param {string} name */
function declaration(emitted, name) {
  const found = new RegExp(`(?:/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\n)?export interface ${name} [\\s\\S]*?\\n}\\n`).exec(emitted)?.[0];
  if (!found) throw new Error(`settings: found no "export interface ${name}" in what tsc emitted for settings.ts`);
  return found;
}

/** The TypeScript type of each kind of value. @param {string} emitted @returns {Map<string, string>} */
function valueTypes(emitted) {
  const body = /\binterface Values {\n([\s\S]*?)\n}\n/.exec(emitted)?.[1] ?? '';
  const types = new Map([...body.matchAll(/^ {4}(\w+): (.*);$/gm)].map(([, kind, type]) => [kind, type]));
  if (types.size < 8) throw new Error(`settings: found ${types.size} kinds of values in what tsc emitted, expected 8 or more`);
  return types;
}

/** @param {Setting} setting @param {Map<string, string>} types */
function typeOf({ kind, choices, off }, types) {
  const type = choices ? choices.map((choice) => `'${choice}'`).join(' | ') : types.get(kind);
  if (!type) throw new Error(`settings: kind "${kind}" has no type among ${[...types.keys()].join(', ')}`);
  return off ? `${type} | null` : type;
}

/** The comment of an entry, with the range that the table holds. @param {string} emitted @param {string} name @param {Setting} setting */
function comment(emitted, name, { min, max, over, unit, kind }) {
  const found = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\n {4}readonly ${name}: {\\n`).exec(emitted)?.[1];
  if (!found) throw new Error(`settings: ${name} has no comment`);
  const text = found.replace(/\n\s*\*/g, '\n   *').trimEnd();
  if (min === undefined) return `  /**${text}${text.includes('\n') ? '\n   */' : ' */'}\n`;
  const ends = over ? `over ${min} and up to ${max}` : `${kind === 'whole' ? 'from ' : ''}${min} to ${max}`;
  const sentence = `${kind === 'whole' ? 'A whole number' : 'Range:'} ${ends}${unit ? ` ${unit}` : ''}.`;
  return text.includes('\n') ? `  /**${text}\n   * ${sentence}\n   */\n` : `  /**${text} ${sentence} */\n`;
}
