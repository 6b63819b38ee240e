// @ts-check
// Checks the package as npm would publish it: publint reads its package.json against its files, and arethetypeswrong resolves the types of
// every entry as TypeScript does in Node and in bundlers. Prints what is wrong and fails.
//
//   node tools/check_package.mjs [melody-<version>.tgz]    without a file it packs one
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Faults of a packed package as lines of text. @param {string} tarball @returns {string[]} */
export function packageFaults(tarball) {
  const tool = (/** @type {string[]} */ ...words) => {
    const [script, ...rest] = words;
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, 'node_modules', script), ...rest], { encoding: 'utf8' });
    return status === 0 ? [] : [`${rest.join(' ')}: ${stdout}${stderr}`];
  };
  return [
    ...tool('publint/src/cli.js', 'run', tarball, '--strict'),
    // The package is ESM alone: Node from 20 on and bundlers.
    ...tool('@arethetypeswrong/cli/dist/index.js', tarball, '--profile', 'esm-only', '--exclude-entrypoints', './package.json'),
  ];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = mkdtempSync(join(tmpdir(), 'melody-pack-'));
  try {
    const given = process.argv[2];
    if (!given) {
      execFileSync('npm', ['pack', '--pack-destination', folder], { cwd: root, stdio: ['ignore', 'ignore', 2] });
    }
    const tarball = given
      ? resolve(given)
      : join(folder, /** @type {string} */ (readdirSync(folder).find((name) => /^melody-\d/.test(name))));
    const faults = packageFaults(tarball);
    for (const fault of faults) console.error(fault);
    console.log(faults.length === 0 ? 'package: publint and arethetypeswrong find nothing' : `package: ${faults.length} tools find faults`);
    process.exitCode = faults.length === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
