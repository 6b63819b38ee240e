// @ts-check
// Makes a fresh machine ready: the npm packages of the lock file, and a WebGPU adapter. Runs before `npm start` and `npm test`;
// plain JavaScript without dependencies, because it runs before there are any. All it says goes to stderr: stdout is the music's.
//
//   node tools/setup.mjs [--no-install] [--force]
//
// --no-install   change nothing: say what is missing and how to install it by hand (also MELODY_NO_INSTALL=1)
// --force        ask the driver again, even if it answered before
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { adapterKey, dropStamp, probeAdapter, readStamp, writeStamp } from './setup/adapter.mjs';
import { installDependencies, missingDependencies } from './setup/dependencies.mjs';
import { chooseRemedy, installDriver, manualCommands, readMachine } from './setup/driver.mjs';

const say = (/** @type {string[]} */ ...lines) => process.stderr.write(lines.map((line) => `melody setup: ${line}\n`).join(''));

/**
 * @param {{ root: string, install: boolean, force: boolean, machine?: import('./setup/driver.mjs').Machine, aptFolder?: string, probe?: typeof probeAdapter }} options
 * @returns {boolean} whether everything is in place
 */
export function setUp({ root, install, force, machine, aptFolder, probe = probeAdapter }) {
  return ensureDependencies(root, install) && ensureAdapter({ root, install, force, machine, aptFolder, probe });
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
      say(`${why} By hand:`, ...manualCommands(remedy, aptFolder).map((command) => `  ${command}`), 'Then run the same command again.');
      return false;
    }
    say(
      `installing ${remedy.packages.join(' and ')}${remedy.backports ? ` from ${remedy.backports}-backports` : ''} (apt, under a minute)`,
    );
    const failure = installDriver(remedy, machine.canInstall, { aptFolder });
    if (failure) {
      say(failure, 'By hand:', ...manualCommands(remedy, aptFolder).map((command) => `  ${command}`));
      return false;
    }
    answer = probe();
    if (!answer.ok) {
      say(`the driver is installed, but there is still no adapter: ${answer.reason}`);
      return false;
    }
  }
  say(`WebGPU adapter: ${answer.adapter}`);
  writeStamp(root, adapterKey(root), answer.adapter);
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const unknown = process.argv.slice(2).filter((word) => word !== '--no-install' && word !== '--force');
  if (unknown.length > 0) {
    say(`unknown option ${unknown[0]}; known are --no-install and --force`);
    process.exit(2);
  }
  const install = !process.argv.includes('--no-install') && !process.env.MELODY_NO_INSTALL;
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  process.exit(setUp({ root, install, force: process.argv.includes('--force') }) ? 0 : 1);
}
