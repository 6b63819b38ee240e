// The examples as somebody has them who installed the package: in a folder of their own, with the built package among the modules.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const MINUTES = 60_000;
/** Packages that this repository does not have (webpack, Rollup, React): `MELODY_TEST_INSTALL=1` installs them from the registry. */
export const install = Boolean(process.env.MELODY_TEST_INSTALL);
/** Next has hundreds of megabytes: `MELODY_TEST_INSTALL=next` installs it too. */
export const installNext = process.env.MELODY_TEST_INSTALL === 'next';

export class Examples {
  readonly folder: string;

  /** `packages`: of this repository's, beside melody itself. */
  constructor(packages: readonly string[] = []) {
    const built = spawnSync(process.execPath, [join(root, 'tools/build.mjs'), '--if-stale', '--types'], { encoding: 'utf8' });
    expect(built).toMatchObject({ status: 0 });
    this.folder = mkdtempSync(join(tmpdir(), 'melody-examples-'));
    cpSync(join(root, 'examples'), this.folder, { recursive: true });
    mkdirSync(join(this.folder, 'node_modules/@types'), { recursive: true });
    symlinkSync(root, join(this.folder, 'node_modules/melody'));
    for (const name of packages) symlinkSync(join(root, 'node_modules', name), join(this.folder, 'node_modules', name));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Runs a script of an example, in its folder. */
  node(example: string, ...words: string[]) {
    return spawnSync(process.execPath, words, { cwd: join(this.folder, example), encoding: 'utf8', timeout: 8 * MINUTES });
  }

  /** What an example needs beside melody, from the registry. */
  npmInstall(example: string): void {
    const into = join(this.folder, example);
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(into, 'package.json'), 'utf8'));
    const packages = Object.entries({ ...dependencies, ...devDependencies }).filter(([name]) => !/^(melody|esbuild$|next$)/.test(name));
    // A package.json of its own: without one npm installs into the folder above and removes what is linked there.
    writeFileSync(join(into, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const words = ['install', '--no-audit', '--no-fund', '--no-save', ...packages.map(([name, range]) => `${name}@${range}`)];
    expect(spawnSync('npm', words, { cwd: into, encoding: 'utf8' })).toMatchObject({ status: 0 });
  }
}
