// The whole of set-up in a made-up checkout, with an apt-get and a sudo that only write down what they were asked.
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { probeAdapter } from '../../tools/setup/adapter.mjs';
import type { Machine } from '../../tools/setup/driver.mjs';
import { setUp } from '../../tools/setup.mjs';

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SOURCES = 'deb http://mirror.example/debian bookworm main\ndeb http://mirror.example/debian bookworm-updates main\n';

let root: string;
let said: string;
const path = process.env.PATH;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'melody-test-'));
  for (const folder of ['bin', 'apt', 'node_modules/webgpu']) mkdirSync(join(root, folder), { recursive: true });
  lock('package-lock.json', { '': { version: '1' }, 'node_modules/webgpu': { version: '0.6.2' } });
  lock('node_modules/.package-lock.json', { 'node_modules/webgpu': { version: '0.6.2' } });
  writeFileSync(join(root, 'node_modules/webgpu/package.json'), '{"version":"0.6.2"}');
  writeFileSync(join(root, 'apt/sources.list'), SOURCES);
  process.env.PATH = `${join(root, 'bin')}:${path}`;
  process.env.LOG = join(root, 'log');
  // The fake also notes which suites its sources name, as the real one would see them.
  shim(
    'apt-get',
    'echo "apt-get $*" >>"$LOG"; for w in $*; do case $w in Dir::Etc::SourceParts=*) grep -h ^Suites $(echo $w | cut -d= -f2)/* >>"$LOG";; esac; done',
  );
  shim('sudo', 'echo "sudo $1 $2" >>"$LOG"; shift; exec "$@"');
  shim('npm', 'echo "npm $*" >>"$LOG"; exit 1');
  said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
});

afterEach(() => {
  process.env.PATH = path;
  delete process.env.LOG;
  vi.restoreAllMocks();
  rmSync(root, { recursive: true, force: true });
});

function lock(name: string, packages: object) {
  writeFileSync(join(root, name), JSON.stringify({ packages }));
}

function shim(name: string, script: string) {
  writeFileSync(join(root, 'bin', name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(root, 'bin', name), 0o755);
}

const log = () => (existsSync(join(root, 'log')) ? readFileSync(join(root, 'log'), 'utf8') : '');

const DEBIAN_12: Machine = {
  platform: 'linux',
  id: 'debian',
  like: [],
  version: 12,
  codename: 'bookworm',
  name: 'Debian 12',
  canInstall: 'root',
};

/** Answers of the adapter probe, one a call. */
function probes(...answers: (string | false)[]) {
  const left = [...answers];
  return vi.fn(() => {
    const adapter = left.shift();
    return adapter ? { ok: true as const, adapter } : { ok: false as const, reason: 'none found' };
  });
}

function run(options: Partial<Parameters<typeof setUp>[0]>) {
  return setUp({ root, install: true, force: false, machine: DEBIAN_12, aptFolder: join(root, 'apt'), ...options });
}

test('Debian 12 as root: the driver comes from backports, through a configuration of our own that is gone afterwards', () => {
  expect(run({ probe: probes(false, 'llvmpipe') })).toBe(true);
  const [update, suites1, suites2, suites3, install] = log().split('\n');
  expect(update).toMatch(/^apt-get .*Dir::Etc::SourceList=\/dev\/null .*-q update$/);
  expect([suites1, suites2, suites3]).toEqual(['Suites: bookworm', 'Suites: bookworm-updates', 'Suites: bookworm-backports']);
  expect(install).toMatch(/^apt-get .*-t bookworm-backports .*install mesa-vulkan-drivers libvulkan1$/);
  const ours = /SourceParts=(\S+)\/sources/.exec(update)?.[1] ?? '';
  expect(ours).toContain(tmpdir());
  expect(existsSync(ours)).toBe(false);
  expect(readFileSync(join(root, 'apt/sources.list'), 'utf8')).toBe(SOURCES);
  expect(said).toContain('WebGPU adapter: llvmpipe');
});

test('a second run asks nobody: not the driver, not apt', () => {
  run({ probe: probes('llvmpipe') });
  const probe = probes();
  said = '';
  expect(run({ probe })).toBe(true);
  expect(probe).not.toHaveBeenCalled();
  expect([said, log()]).toEqual(['', '']);
});

test('--force and another driver version ask the driver again', () => {
  run({ probe: probes('llvmpipe') });
  const forced = probes('llvmpipe');
  run({ probe: forced, force: true });
  expect(forced).toHaveBeenCalledOnce();
  writeFileSync(join(root, 'node_modules/webgpu/package.json'), '{"version":"0.7.0"}');
  lock('package-lock.json', { 'node_modules/webgpu': { version: '0.7.0' } });
  lock('node_modules/.package-lock.json', { 'node_modules/webgpu': { version: '0.7.0' } });
  const updated = probes('llvmpipe');
  run({ probe: updated });
  expect(updated).toHaveBeenCalledOnce();
});

test('--packages asks no driver, but wants the packages', () => {
  const probe = probes();
  vi.stubEnv('npm_execpath', '');
  expect(run({ packages: true, probe })).toBe(true);
  expect([said, log(), probe.mock.calls]).toEqual(['', '', []]);
  rmSync(join(root, 'node_modules/.package-lock.json'));
  expect(run({ packages: true, probe })).toBe(false); // the npm of this test fails
  expect(log()).toMatch(/^npm ci /);
  vi.unstubAllEnvs();
});

test('what builds or serves sets its packages up first', () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8'));
  for (const name of ['build', 'demo', 'build:demo']) expect(scripts[`pre${name}`]).toBe('node tools/setup.mjs --packages');
});

test('a damaged stamp is no stamp', () => {
  run({ probe: probes('llvmpipe') });
  writeFileSync(join(root, 'node_modules/.cache/melody/adapter.json'), '{"key":');
  const probe = probes('llvmpipe');
  run({ probe });
  expect(probe).toHaveBeenCalledOnce();
});

test('with sudo that asks for no password, apt runs through it', () => {
  expect(run({ machine: { ...DEBIAN_12, canInstall: 'sudo' }, probe: probes(false, 'llvmpipe') })).toBe(true);
  expect(log()).toMatch(/^sudo -n env\napt-get /);
});

test('newer Debian and Ubuntu: their own packages, their own sources', () => {
  expect(run({ machine: { ...DEBIAN_12, version: 13 }, probe: probes(false, 'llvmpipe') })).toBe(true);
  expect(log()).not.toContain('Dir::');
  expect(log()).not.toContain('-t ');
  expect(log()).toContain('apt-get -q update\n');
});

test('without root and sudo nothing is installed; the commands by hand are printed', () => {
  expect(run({ machine: { ...DEBIAN_12, canInstall: false }, probe: probes(false) })).toBe(false);
  expect(log()).toBe('');
  expect(said).toContain('sudo apt-get install -t bookworm-backports mesa-vulkan-drivers libvulkan1');
  expect(said).toContain('deb http://mirror.example/debian bookworm-backports main');
});

test('--no-install installs nothing and says how', () => {
  expect(run({ install: false, probe: probes(false) })).toBe(false);
  expect(log()).toBe('');
  expect(said).toContain('Asked to install nothing. By hand:');
});

test('another system is told what to install, and apt is left alone', () => {
  expect(run({ machine: { ...DEBIAN_12, id: 'fedora', version: 41, name: 'Fedora 41' }, probe: probes(false) })).toBe(false);
  expect(said).toContain('no WebGPU adapter on Fedora 41: none found');
  expect(said).toContain('sudo dnf install mesa-vulkan-drivers vulkan-loader');
  expect(log()).toBe('');
});

test('an apt that fails is reported with its own words', () => {
  shim('apt-get', 'echo "E: Unable to locate package mesa-vulkan-drivers" >&2; exit 100');
  expect(run({ machine: { ...DEBIAN_12, version: 13 }, probe: probes(false) })).toBe(false);
  expect(said).toContain('apt-get update failed:');
  expect(said).toContain('E: Unable to locate package');
});

test('a machine whose sources name no Debian mirror is told so', () => {
  writeFileSync(join(root, 'apt/sources.list'), '');
  expect(run({ probe: probes(false) })).toBe(false);
  expect(said).toContain('no package source under');
  expect(log()).toBe('');
});

test('a driver that still gives no adapter is an error, and leaves no stamp', () => {
  expect(run({ probe: probes(false, false) })).toBe(false);
  expect(said).toContain('the driver is installed, but there is still no adapter');
  expect(said).toContain('use a newer release of this system');
  expect(existsSync(join(root, 'node_modules/.cache/melody/adapter.json'))).toBe(false);
});

test.each([
  ['no node_modules at all', () => rmSync(join(root, 'node_modules'), { recursive: true }), 'node_modules is missing'],
  [
    'another version than the lock file wants',
    () => lock('package-lock.json', { 'node_modules/webgpu': { version: '9.0.0' } }),
    'webgpu 9.0.0 is wanted, 0.6.2 is installed',
  ],
  [
    'a package that lacks',
    () => lock('package-lock.json', { 'node_modules/a/node_modules/b': { version: '1.0.0' } }),
    'b 1.0.0 is wanted, none',
  ],
])('%s: npm ci', (_name, breakIt, reason) => {
  breakIt();
  vi.stubEnv('npm_execpath', '');
  const probe = probes('llvmpipe');
  expect(run({ probe })).toBe(false); // the fake npm fails
  expect(log()).toBe('npm ci --no-audit --no-fund\n');
  expect(said).toContain(reason);
  expect(said).toContain('npm ci failed');
  expect(probe).not.toHaveBeenCalled();
  vi.unstubAllEnvs();
});

test('dependencies missing under --no-install: said, not done', () => {
  rmSync(join(root, 'node_modules'), { recursive: true });
  expect(run({ install: false, probe: probes('llvmpipe') })).toBe(false);
  expect(said).toContain('npm ci');
  expect(log()).toBe('');
});

test('optional packages of other platforms need not be there', () => {
  lock('package-lock.json', { 'node_modules/webgpu': { version: '0.6.2' }, 'node_modules/x-win32': { version: '1.0.0', optional: true } });
  expect(run({ probe: probes('llvmpipe') })).toBe(true);
});

test('npm ci runs for real in a checkout without node_modules', () => {
  rmSync(join(root, 'node_modules'), { recursive: true });
  rmSync(join(root, 'bin/npm'));
  // The one dependency is a folder, so that no registry is asked.
  mkdirSync(join(root, 'local'));
  writeFileSync(join(root, 'local/package.json'), '{"name":"webgpu","version":"0.6.2"}');
  const project = { name: 'x', version: '1.0.0', dependencies: { webgpu: 'file:local' } };
  writeFileSync(join(root, 'package.json'), JSON.stringify(project));
  const packages = { '': project, local: { name: 'webgpu', version: '0.6.2' }, 'node_modules/webgpu': { resolved: 'local', link: true } };
  writeFileSync(join(root, 'package-lock.json'), JSON.stringify({ ...project, lockfileVersion: 3, requires: true, packages }));
  expect(run({ probe: probes('llvmpipe') })).toBe(true);
  expect(said).toContain('node_modules is missing: running npm ci');
  expect(existsSync(join(root, 'node_modules/webgpu/package.json'))).toBe(true);
  said = '';
  expect(run({ probe: probes() })).toBe(true);
  expect(said).toBe('');
});

const script = (text: string) => {
  const file = join(root, 'probe.mjs');
  writeFileSync(file, text);
  return file;
};

test.each([
  ['crashes', 'process.kill(process.pid, "SIGSEGV")', /crashed with SIGSEGV/],
  ['aborts with a word', 'console.error("bad driver"); process.abort()', /crashed with SIGABRT \(bad driver\)/],
  ['hangs', 'setInterval(() => {}, 1000)', /did not answer within 1 s/],
  ['says nonsense', 'console.log("hello")', /gave no answer, exit code 0/],
  ['finds nothing', 'console.log(JSON.stringify({ ok: false, reason: "no adapter" }))', /^no adapter$/],
])('a driver that %s is a reason, not a crash of ours', (_name, text, expected) => {
  // Only the one that hangs is to reach its limit, however slow the machine is.
  const answer = probeAdapter({ script: script(text), timeoutMs: expected.test('did not answer within 1 s') ? 1000 : 60_000 });
  expect(answer.ok).toBe(false);
  expect(answer.ok ? '' : answer.reason).toMatch(expected);
});

test('the real probe finds this machine’s adapter', () => {
  expect(probeAdapter()).toMatchObject({ ok: true, adapter: expect.stringMatching(/\w/) });
});

test('the script itself: a fast second run, unknown options refused', () => {
  // A checkout that shares this one's packages but has a cache of its own is not needed: this one is set up, or no test would run.
  cpSync(join(repository, 'tools'), join(root, 'tools'), { recursive: true, filter: (from) => !from.includes('train') });
  rmSync(join(root, 'node_modules'), { recursive: true });
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
  cpSync(join(repository, 'package-lock.json'), join(root, 'package-lock.json'));
  const setup = (...words: string[]) => spawnSync(process.execPath, [join(root, 'tools/setup.mjs'), ...words], { encoding: 'utf8' });
  expect(setup('--instal')).toMatchObject({ status: 2, stderr: expect.stringContaining('unknown option --instal') });
  expect(setup('--no-install')).toMatchObject({ status: 0 });
  // Processor seconds, as bash counts them: other tests may have the machine while this one runs.
  const timed = `TIMEFORMAT='%U %S'; time "${process.execPath}" "${join(root, 'tools/setup.mjs')}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', timed], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([0, '']);
  const [user, system] = stderr.trim().split(' ').map(Number);
  expect(user + system).toBeLessThan(0.5);
});
