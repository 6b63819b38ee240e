// @ts-check
// Are the npm packages of the lock file installed? Compares contents, not dates: a fresh checkout of the same lock file is no reason
// to install anything again.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Why `npm ci` has to run, or undefined when all is in place.
 * @param {string} root
 * @returns {string | undefined}
 */
export function missingDependencies(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const installed = readPackages(join(root, 'node_modules/.package-lock.json'));
  if (!wanted) return undefined; // Installed as a package, not a checkout: npm has already done it.
  if (!installed) return 'node_modules is missing';
  for (const [path, entry] of Object.entries(wanted)) {
    const present = installed[path];
    // Optional packages are for one platform each; npm leaves the others out.
    if (path === '' || (!present && entry.optional)) continue;
    if (present?.version !== entry.version) {
      return `${path.replace(/^.*node_modules\//, '')} ${entry.version} is wanted, ${present?.version ?? 'none'} is installed`;
    }
  }
  return undefined;
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean }> | undefined}
 */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/**
 * Runs `npm ci` with the npm that called us, else the one on the PATH. Its output goes to stderr: stdout is the music's.
 * @param {string} root
 * @returns {boolean} whether it worked
 */
export function installDependencies(root) {
  const npm = process.env.npm_execpath;
  const viaNode = npm !== undefined && /\.c?js$/.test(npm);
  const [command, before] = viaNode ? [process.execPath, [npm]] : ['npm', []];
  const args = [...before, 'ci', '--no-audit', '--no-fund'];
  const child = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: !viaNode && process.platform === 'win32' });
  return child.status === 0;
}
