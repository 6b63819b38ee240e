// @ts-check
// Which driver gives this system a WebGPU adapter, and how to get it. Deciding is a pure function of what the machine is;
// carrying it out needs apt and root. Systems that we cannot install on get the exact words to type instead.
import { spawnSync } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backportsSources, readSources } from './apt_sources.mjs';

/**
 * @typedef {{ platform: string, id: string, like: string[], version: number, codename: string, name: string, canInstall: 'root' | 'sudo' | false }} Machine
 * @typedef {{ kind: 'apt', packages: string[], backports?: string } | { kind: 'advice', lines: string[] }} Remedy
 */

/**
 * @param {{ platform?: string, osRelease?: string }} [options]
 * @returns {Machine}
 */
export function readMachine({ platform = process.platform, osRelease = '/etc/os-release' } = {}) {
  /** @type {Map<string, string>} */
  const fields = new Map();
  try {
    for (const line of readFileSync(osRelease, 'utf8').split('\n')) {
      const match = /^([A-Z_]+)=(?:"([^"]*)"|'([^']*)'|(.*))$/.exec(line.trim());
      if (match) fields.set(match[1], match[2] ?? match[3] ?? match[4]);
    }
  } catch {
    // Not Linux, or a very bare one: the generic advice applies.
  }
  const id = fields.get('ID') ?? '';
  return {
    platform,
    id,
    like: (fields.get('ID_LIKE') ?? '').split(/\s+/).filter(Boolean),
    version: Number.parseFloat(fields.get('VERSION_ID') ?? 'NaN'),
    codename: fields.get('VERSION_CODENAME') ?? '',
    name: fields.get('PRETTY_NAME') ?? (id || platform),
    canInstall: installRight(),
  };
}

/** @returns {'root' | 'sudo' | false} */
function installRight() {
  if (!hasProgram('apt-get')) return false;
  if (process.getuid?.() === 0) return 'root';
  return hasProgram('sudo') && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? 'sudo' : false;
}

/** @param {string} name */
function hasProgram(name) {
  return (process.env.PATH ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const packages = ['mesa-vulkan-drivers', 'libvulkan1'];

/**
 * What gives this machine an adapter.
 * @param {Machine} machine
 * @returns {Remedy}
 */
export function chooseRemedy(machine) {
  const is = (/** @type {string[]} */ ...ids) => ids.some((id) => machine.id === id || machine.like.includes(id));
  const advice = (/** @type {string[]} */ ...lines) => /** @type {Remedy} */ ({ kind: 'advice', lines });
  if (machine.platform === 'darwin') {
    return advice(
      'macOS brings its own driver (Metal), nothing can be installed. Needed: macOS 13 or newer, and a session that may use the GPU.',
    );
  }
  if (machine.platform === 'win32') {
    return advice(
      'Windows brings its own driver (Direct3D 12). Needed: 64-bit Windows 10 or 11 and a current graphics driver from Windows Update.',
    );
  }
  if (machine.id === 'debian' || machine.id === 'raspbian') {
    if (machine.version < 12) {
      return advice(`${machine.name} has a Vulkan driver that is too old for WebGPU. Use Debian 12 or newer.`);
    }
    return machine.version === 12 ? { kind: 'apt', packages, backports: machine.codename || 'bookworm' } : { kind: 'apt', packages };
  }
  if (is('ubuntu', 'debian')) return { kind: 'apt', packages };
  if (is('fedora', 'rhel', 'centos')) return advice('Install the Vulkan driver:', '  sudo dnf install mesa-vulkan-drivers vulkan-loader');
  if (is('arch')) {
    return advice(
      'Install a Vulkan driver:',
      '  sudo pacman -S vulkan-icd-loader vulkan-swrast   # or vulkan-radeon, vulkan-intel, nvidia-utils for your GPU',
    );
  }
  if (is('suse', 'opensuse')) return advice('Install the Vulkan driver:', '  sudo zypper install libvulkan1 libvulkan_lvp');
  if (is('alpine')) {
    return advice(
      'The npm package `webgpu` is built for glibc and cannot be loaded on Alpine (musl).',
      'Use a Debian, Ubuntu or Fedora system or image.',
    );
  }
  return advice(
    "Install your system's Vulkan loader (libvulkan.so.1) and Mesa's software Vulkan driver (lavapipe, 24 or newer), or your GPU's driver.",
  );
}

/**
 * The same as `installDriver`, as commands for a person to type. Root is not told to use sudo, which a container may not have.
 * @param {Extract<Remedy, { kind: 'apt' }>} remedy
 * @param {Machine['canInstall']} right
 * @param {string} [aptFolder]
 * @returns {string[]}
 */
export function manualCommands(remedy, right, aptFolder = '/etc/apt') {
  const sudo = right === 'root' ? '' : 'sudo ';
  if (!remedy.backports) return [`${sudo}apt-get update`, `${sudo}apt-get install ${remedy.packages.join(' ')}`];
  const suite = `${remedy.backports}-backports`;
  const text = backportsSources(readSources(aptFolder), remedy.backports);
  const mirror = /URIs: (\S+)/.exec(text ?? '')?.[1] ?? '<your Debian mirror>';
  return [
    `echo 'deb ${mirror} ${suite} main' | ${sudo}tee /etc/apt/sources.list.d/${suite}.list`,
    `${sudo}apt-get update`,
    `${sudo}apt-get install -t ${suite} ${remedy.packages.join(' ')}`,
  ];
}

/**
 * Installs the driver through apt. Returns undefined, or what went wrong.
 * @param {Extract<Remedy, { kind: 'apt' }>} remedy
 * @param {'root' | 'sudo'} right
 * @param {{ aptFolder?: string | undefined }} [options]
 * @returns {string | undefined}
 */
export function installDriver(remedy, right, { aptFolder = '/etc/apt' } = {}) {
  const asRoot = right === 'root' ? [] : ['sudo', '-n'];
  const run = (/** @type {string[]} */ ...command) => {
    const [program, ...args] = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', ...command];
    const child = spawnSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.status === 0) return undefined;
    const output = `${child.stdout ?? ''}\n${child.stderr ?? ''}`.trim().split('\n').slice(-12).join('\n  ');
    return `${command.filter((word) => !word.startsWith('-') && !word.includes('::')).join(' ')} failed:\n  ${output}`;
  };
  const install = ['-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=300', 'install', ...remedy.packages];
  if (!remedy.backports) return run('apt-get', '-q', 'update') ?? run('apt-get', ...install);

  const sources = backportsSources(readSources(aptFolder), remedy.backports);
  if (!sources) return `no package source under ${aptFolder} names Debian ${remedy.backports} main, so its backports cannot be found`;
  const folder = mkdtempSync(join(tmpdir(), 'melody-apt-'));
  try {
    const own = writeAptFolder(folder, sources);
    // -t takes the driver and the packages that it needs newer from backports, and no other.
    return run('apt-get', ...own, '-q', 'update') ?? run('apt-get', ...own, '-t', `${remedy.backports}-backports`, ...install);
  } finally {
    run('rm', '-rf', folder); // As root: under sudo, apt's files in it are root's.
  }
}

/**
 * An apt configuration of our own, in a temporary folder: the backports suite is known for this one installation only, and its package
 * lists go there too. The machine's own files stay as they are.
 * @param {string} folder
 * @param {string} sources
 * @returns {string[]} options for apt-get
 */
function writeAptFolder(folder, sources) {
  chmodSync(folder, 0o755); // apt downloads as its own user, who must be able to look inside.
  mkdirSync(join(folder, 'sources'));
  mkdirSync(join(folder, 'lists'));
  writeFileSync(join(folder, 'sources/melody.sources'), sources);
  const settings = {
    'Dir::Etc::SourceList': '/dev/null',
    'Dir::Etc::SourceParts': join(folder, 'sources'),
    'Dir::State::Lists': join(folder, 'lists'),
    'Dir::Cache::pkgcache': '',
    'Dir::Cache::srcpkgcache': '',
  };
  return Object.entries(settings).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
}
