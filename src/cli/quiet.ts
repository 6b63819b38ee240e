// Dawn and the drivers that it asks are C++ and write to file descriptor 2 by themselves, the first time an adapter is asked for, before that call
// returns. npm `webgpu` has no callback for it, and no toggle, backend or setting of the Vulkan loader or of Mesa keeps it back (they were tried: docs/requirements.md §2.11). So
// the command, whose process is its own, asks once before anything else happens in it, while descriptor 2 leads to a file.
import { closeSync, constants, fstatSync, openSync, readFileSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { platform } from '#platform';
import type { OpenGpuOptions } from '../platform/platform.ts';
import type { Io } from './command.ts';

/** What is known to mean nothing: limits of software adapters that Dawn lowers, and how the Vulkan loader tells that no driver is there, which our own error says. */
const NOISE =
  /^(Warning: (maxDynamic\w+ artificially reduced from |loader_|vkCreateInstance|Couldn't load Vulkan|Couldn't open )|error: XDG_RUNTIME_DIR is| {4}at \w+ \(|\s*$)/;

const STDERR = 2;
const itself = (descriptor: number) => `/proc/self/fd/${descriptor}`;

/** Opens the GPU's entry and asks it once for an adapter. Throws `no_adapter` where npm `webgpu` is missing. */
export async function openGpuQuietly(io: Pick<Io, 'err' | 'env'>, options?: OpenGpuOptions): Promise<GPU> {
  const gpu = await platform.openGpu(options);
  const ask = () => void gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  const told = io.env.MELODY_DEBUG ? ask() : aside(ask);
  const rest = told?.split('\n').filter((line) => !NOISE.test(line));
  if (rest?.length) io.err(`${rest.join('\n')}\n`);
  return gpu;
}

/** The same before a model is loaded, whose loading asks then once more; where it will play on the CPU, no driver is started. */
export async function askQuietly(device: 'auto' | 'gpu' | 'cpu', io: Pick<Io, 'err' | 'env'>): Promise<void> {
  if (device === 'gpu' || (device === 'auto' && !platform.lacksGpu)) await openGpuQuietly(io).catch(() => {}); // loading says why
}

/**
 * What native code writes to standard error during a call, or undefined where that cannot be kept aside: Node has no dup, so a terminal or pipe is
 * opened a second time, which is not the same for a file (it would be written from its start) and not possible for a socket.
 */
function aside(call: () => void): string | undefined {
  const kept = open(STDERR);
  const file = kept === undefined ? undefined : unnamed();
  if (kept === undefined || file === undefined) {
    if (kept !== undefined) closeSync(kept);
    call();
    return undefined;
  }
  try {
    // The lowest free number is given out, and nothing else of this process opens files at this time.
    closeSync(STDERR);
    openSync(itself(file), 'r+');
    call();
  } finally {
    closeSync(STDERR);
    if (open(kept) === undefined) openSync('/dev/null', 'w'); // nobody reads any more
    closeSync(kept);
  }
  const told = readFileSync(itself(file), 'utf8');
  closeSync(file);
  return told;
}

/** Opens what a descriptor leads to once more, where that is a terminal or a pipe that somebody reads. */
function open(descriptor: number): number | undefined {
  if (process.platform !== 'linux') return undefined; // Vulkan's drivers write there; macOS and Windows have Metal and Direct3D
  try {
    const pipe = fstatSync(descriptor).isFIFO();
    if (!pipe && !isatty(descriptor)) return undefined;
    // A pipe without a reader would wait for one.
    return openSync(itself(descriptor), constants.O_WRONLY | constants.O_NOCTTY | (pipe ? constants.O_NONBLOCK : 0));
  } catch {
    return undefined; // another user's terminal, no /proc
  }
}

/** A file without a name, for the words. */
function unnamed(): number | undefined {
  for (const folder of [tmpdir(), '/dev/shm'])
    try {
      const path = join(folder, `melody-${process.pid}-${Date.now()}.words`);
      const file = openSync(path, 'wx+', 0o600);
      unlinkSync(path);
      return file;
    } catch {
      // a disk that may not be written to
    }
  return undefined;
}
