// @ts-check
// Makes a fresh machine ready: the npm packages of the lock file, and a WebGPU adapter. Runs before `npm start`, `npm test`
// and, for the packages alone, before the builds; plain JavaScript without dependencies, because it runs before there are any. All it says goes to stderr: stdout is the music's.
//
//   node tools/setup.mjs [--no-install] [--force] [--packages]
//
// --no-install   change nothing: say what is missing and how to install it by hand (also MELODY_NO_INSTALL=1)
// --force        ask the driver again, even if it answered before
// --packages     the npm packages alone: what only builds or serves needs no GPU
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adapterKey, dropStamp, probeAdapter, readStamp, writeStamp } from './setup/adapter.mjs';
import { installDependencies, missingDependencies } from './setup/dependencies.mjs';
import { chooseRemedy, installDriver, manualCommands, readMachine } from './setup/driver.mjs';

const say = (/** @type {string[]} */ ...lines) => process.stderr.write(lines.map((line) => `melody setup: ${line}\n`).join(''));

/**
 * @param {{ root: string, install: boolean, force: boolean, packages?: boolean, machine?: import('./setup/driver.mjs').Machine | undefined, aptFolder?: string | undefined, probe?: typeof probeAdapter }} options
 * @returns {boolean} whether everything is in place
 */
export function setUp({ root, install, force, packages = false, machine, aptFolder, probe = probeAdapter }) {
  return ensureDependencies(root, install) && (packages || ensureAdapter({ root, install, force, machine, aptFolder, probe }));
}

/** @param {string} root @param {boolean} install */
function ensureDependencies(root, install) {
  const reason = missingDependencies(root);
  if (!reason) return true;
  if (!install) {
    say(`${reason}. Install the dependencies by hand with:`, '  npm ci');
    return false;
  }
  say(`${reason}: running npm ci`);
  if (installDependencies(root)) return true;
  say('npm ci failed, see above. Is the npm registry reachable?');
  return false;
}

/** @param {Required<Pick<Parameters<typeof setUp>[0], 'root' | 'install' | 'force' | 'probe'>> & Parameters<typeof setUp>[0]} options */
function ensureAdapter({ root, install, force, machine: given, aptFolder, probe }) {
  if (force) dropStamp(root);
  if (readStamp(root, adapterKey(root))) return true;
  let answer = probe();
  if (!answer.ok) {
    const machine = given ?? readMachine();
    say(`no WebGPU adapter on ${machine.name}: ${answer.reason}`);
    const remedy = chooseRemedy(machine);
    if (remedy.kind === 'advice') {
      say(...remedy.lines, 'Then run the same command again.');
      return false;
    }
    if (!install || !machine.canInstall) {
      const why = install ? 'Installing the software Vulkan driver needs root, or sudo without a password.' : 'Asked to install nothing.';
      say(
        `${why} By hand:`,
        ...manualCommands(remedy, machine.canInstall, aptFolder).map((command) => `  ${command}`),
        'Then run the same command again.',
      );
      return false;
    }
    say(
      `installing ${remedy.packages.join(' and ')}${remedy.backports ? ` from ${remedy.backports}-backports` : ''} (apt, under a minute)`,
    );
    const failure = installDriver(remedy, machine.canInstall, { aptFolder });
    if (failure) {
      say(failure, 'By hand:', ...manualCommands(remedy, machine.canInstall, aptFolder).map((command) => `  ${command}`));
      return false;
    }
    answer = probe();
    if (!answer.ok) {
      say(
        `the driver is installed, but there is still no adapter: ${answer.reason}`,
        'Is it too old? WebGPU wants Mesa 24 or newer: use a newer release of this system, or the driver of your GPU. Then run the same command again.',
      );
      return false;
    }
  }
  say(`WebGPU adapter: ${answer.adapter}`);
  writeStamp(root, adapterKey(root), answer.adapter);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const words = process.argv.slice(2);
  const unknown = words.find((word) => !['--no-install', '--force', '--packages'].includes(word));
  if (unknown !== undefined) {
    say(`unknown option ${unknown}; known are --no-install, --force and --packages`);
    process.exit(2);
  }
  const install = !words.includes('--no-install') && !process.env.MELODY_NO_INSTALL;
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  process.exit(setUp({ root, install, force: words.includes('--force'), packages: words.includes('--packages') }) ? 0 : 1);
}
