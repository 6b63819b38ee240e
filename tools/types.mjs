// @ts-check
// One rolled-up type declaration for each entry of the package: what tsc emits for every file, joined into one, internals left out.
// tsc drops what a docstring marks `@internal`; what is left must need no type but the platform's own.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';
import { settingsTypes } from './settings_types.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
/** The declaration that package.json names, the source that it describes, and its heading in the API reference. */
const ENTRIES = {
  'index.d.ts': {
    source: 'index.d.ts',
    heading: 'Music from text, in Node and in browsers: `import { Melody } from "melody"`.\n * @module melody',
  },
  'systems.d.ts': {
    source: 'systems/index.d.ts',
    heading: 'Published music models from their own folders: `import { loadSystem } from "melody/systems"`.\n * @module melody/systems',
  },
  'player.d.ts': {
    source: 'web/index.d.ts',
    heading:
      'The engine in a worker, a player and `<melody-player>`, for pages: `import { Session } from "melody/player"`.\n * @module melody/player',
  },
  'mediabunny.d.ts': {
    source: 'web/mediabunny.d.ts',
    heading:
      'FLAC, MP3 and Opus files in pages, by npm `mediabunny`: `import { writeAudio } from "melody/mediabunny"`.\n * @module melody/mediabunny',
  },
};

/** Writes the declarations of every entry into a folder. Exits the process with tsc's errors where there are any. @param {string} folder */
export async function emitTypes(folder) {
  const loose = mkdtempSync(join(tmpdir(), 'melody-types-'));
  try {
    const words = [join(root, 'node_modules/typescript/bin/tsc'), '-p', join(root, 'tsconfig.build.json'), '--outDir', loose];
    if (spawnSync(process.execPath, words, { stdio: 'inherit' }).status !== 0) process.exit(1);
    const settings = join(loose, 'pipeline/settings.d.ts');
    writeFileSync(settings, await settingsTypes(readFileSync(settings, 'utf8')));
    cpSync(join(root, 'src/web/jsx'), join(folder, 'jsx'), { recursive: true });
    for (const [name, { source, heading }] of Object.entries(ENTRIES)) {
      const plugins = [dts({ dtsInput: true, emitDtsOnly: true, sourcemap: false })];
      const bundle = await rolldown({ input: join(loose, source), plugins, checks: { pluginTimings: false } });
      const { output } = await bundle.generate({ format: 'es' });
      await bundle.close();
      if (output.length !== 1 || output[0].type !== 'chunk') throw new Error(`types: ${name} became ${output.length} files, expected one`);
      writeFileSync(join(folder, name), `/**\n * ${heading}\n */\n${declarations(output[0].code)}`);
    }
  } finally {
    rmSync(loose, { recursive: true, force: true });
  }
}

/** Without the bundler's own comments, and with the custom element's class as a page has it. @param {string} code */
function declarations(code) {
  return code
    .replace(/^\/\/#(end)?region.*\n/gm, '')
    .replace(/^\/\*\*[^\n]*\*\/\ndeclare const Base: {[\s\S]*?\n};\n/m, '')
    .replace(' extends Base {', ' extends HTMLElement {')
    .replace(/([;}]) (\/\*\*[^\n]*\*\/)\n/g, '$1\n$2\n'); // a comment belongs to what follows it, on a line of its own
}
