// @ts-check
// Is there a WebGPU adapter? The answer is kept in a stamp beside the dependencies, with all that could change it, so that the
// usual start pays for reading a few file dates and not for starting a driver.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @typedef {{ ok: true, adapter: string } | { ok: false, reason: string }} Probe */

/**
 * Starts Dawn in a child process and asks for an adapter.
 * @param {{ timeoutMs?: number, script?: string }} [options]
 * @returns {Probe}
 */
export function probeAdapter({ timeoutMs = 60_000, script = fileURLToPath(new URL('./probe.mjs', import.meta.url)) } = {}) {
  // Mesa complains on stderr when there is no runtime folder; a private empty one keeps it quiet.
  const scratch = process.env.XDG_RUNTIME_DIR ? undefined : mkdtempSync(join(tmpdir(), 'melody-'));
  const child = spawnSync(process.execPath, [script], {
    encoding: 'utf8',
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    env: { ...process.env, ...(scratch && { XDG_RUNTIME_DIR: scratch }) },
  });
  if (scratch) rmSync(scratch, { recursive: true, force: true });
  const said = child.stderr?.trim().split('\n')[0];
  const detail = said ? ` (${said})` : '';
  if (child.error && 'code' in child.error && child.error.code === 'ETIMEDOUT') {
    return { ok: false, reason: `the driver did not answer within ${timeoutMs / 1000} s${detail}` };
  }
  if (child.signal) return { ok: false, reason: `the driver crashed with ${child.signal}${detail}` };
  try {
    const answer = JSON.parse(child.stdout.trim().split('\n').at(-1) ?? '');
    return answer.ok ? { ok: true, adapter: answer.adapter } : { ok: false, reason: `${answer.reason}${detail}` };
  } catch {
    return { ok: false, reason: `the probe gave no answer, exit code ${child.status}${detail}` };
  }
}

/** Folders in which the Vulkan loader looks for drivers, in its own order. */
function driverFolders() {
  const { XDG_CONFIG_HOME = join(homedir(), '.config'), XDG_DATA_HOME = join(homedir(), '.local/share') } = process.env;
  const bases = [XDG_CONFIG_HOME, '/etc/xdg', '/usr/local/etc', '/etc', XDG_DATA_HOME, '/usr/local/share', '/usr/share'];
  return bases.map((base) => join(base, 'vulkan/icd.d'));
}

/**
 * Everything that can change the answer of the probe, as one string.
 * @param {string} root the repository
 */
export function adapterKey(root) {
  const drivers = [];
  for (const folder of driverFolders()) {
    try {
      for (const name of readdirSync(folder)) drivers.push(`${name}@${statSync(join(folder, name)).mtimeMs}`);
    } catch {
      // Most of these folders do not exist on most machines.
    }
  }
  const { version } = JSON.parse(readFileSync(join(root, 'node_modules/webgpu/package.json'), 'utf8'));
  const { VK_ICD_FILENAMES = '', VK_DRIVER_FILES = '' } = process.env;
  return [process.platform, process.arch, `webgpu ${version}`, VK_ICD_FILENAMES, VK_DRIVER_FILES, ...drivers].join('|');
}

const oneWeekMs = 7 * 24 * 3600 * 1000;

/** @param {string} root */
export const stampFile = (root) => join(root, 'node_modules/.cache/melody/adapter.json');

/**
 * The adapter named by a stamp that still holds, or undefined.
 * @param {string} root
 * @param {string} key
 * @returns {string | undefined}
 */
export function readStamp(root, key) {
  try {
    const stamp = JSON.parse(readFileSync(stampFile(root), 'utf8'));
    return stamp.key === key && Date.now() - stamp.time < oneWeekMs ? stamp.adapter : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {string} root
 * @param {string} key
 * @param {string} adapter
 */
export function writeStamp(root, key, adapter) {
  mkdirSync(dirname(stampFile(root)), { recursive: true });
  writeFileSync(stampFile(root), JSON.stringify({ key, adapter, time: Date.now() }));
}

/** @param {string} root */
export const dropStamp = (root) => rmSync(stampFile(root), { force: true });
