// Node: the GPU through npm `webgpu` (Dawn), files from the disk, addresses through fetch, downloads kept under the user's cache folder.
import { channel } from 'node:diagnostics_channel';
import { existsSync, readFileSync } from 'node:fs';
import { freemem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { MelodyError } from '../errors.ts';
import { type ByteFolder, type ByteSource, blobSource, memorySource } from './bytes.ts';
import { openCached } from './cache.ts';
import { checkAddress, httpFolder, openHttp } from './http.ts';
import { setNap } from './nap.ts';
import { expectAside, runAside } from './node_aside.ts';
import { diskCache, diskFacts, diskStore } from './node_cache.ts';
import { coresOf } from './node_cores.ts';
import { checkHost, followInNode } from './node_fetch.ts';
import { diskFolder, fileError, openFile } from './node_files.ts';
import { lacksGpu } from './node_gpus.ts';
import { rememberedHash, weightsIdentity } from './node_hash.ts';
import { hubFolder, isHubName } from './node_hub.ts';
import { verifiedFolder } from './node_manifest.ts';
import { findModel, isMissing, noModel, resolveInstalled } from './node_models.ts';
import type { BytesLocation, OpenGpuOptions, OpenOptions, Platform, StatedBytes, Thread, ThreadEvents } from './platform.ts';

/**
 * One Dawn for each way to open it, for the life of the process: each has threads and files of its own that it never gives back, and aborts the
 * process when it is collected while a device lives. Node still exits by itself.
 */
const opened = new Map<string, Promise<{ gpu: GPU; setNap: (on: boolean) => void }>>();

async function openGpu({ nap = 'auto', dawn = [] }: OpenGpuOptions = {}): Promise<GPU> {
  const how = [nap, ...dawn].join(' ');
  const starting = opened.get(how) ?? startDawn(nap, dawn);
  opened.set(how, starting);
  try {
    const { gpu, setNap } = await starting;
    if (nap !== 'auto') setNap(nap === 'always'); // as was asked last
    return gpu;
  } catch (error) {
    opened.delete(how); // it may be installed meanwhile
    throw error;
  }
}

async function startDawn(nap: 'auto' | 'always' | 'never', dawn: readonly string[]) {
  const { create, globals } = await importDawn();
  const gpu = create([...dawn]);
  const napping = (on: boolean) => setNap(globals as unknown as Parameters<typeof setNap>[0], on);
  napping(nap === 'always');
  const requestAdapter = gpu.requestAdapter.bind(gpu);
  gpu.requestAdapter = async (options) => {
    const adapter = await withRuntimeFolder(() => requestAdapter(options)); // asks the drivers before it returns
    if (nap === 'auto' && adapter?.info.isFallbackAdapter) napping(true);
    return adapter;
  };
  return { gpu, setNap: napping };
}

/** npm `webgpu`, as this package finds it, or as the working folder does: `npx` runs us from a place where nothing can be installed. */
async function importDawn(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu');
  } catch (cause) {
    const path = resolveInstalled('webgpu');
    const dawn = path === undefined ? undefined : await import(pathToFileURL(path).href).catch(() => undefined);
    if (dawn) return dawn;
    const hint = 'run `npm install webgpu` in this folder; a program made by a bundler must leave it out (mark it external)';
    const why = path === undefined ? 'is not installed' : `cannot be loaded: ${(cause as Error).message}`;
    throw new MelodyError('no_adapter', `the npm package "webgpu" ${why}`, hint, { cause });
  }
}

/** Mesa asks for a window system, whose library complains on stderr where there is no runtime folder: the name of one that does not exist keeps it quiet. */
function withRuntimeFolder<T>(call: () => T): T {
  if (process.platform !== 'linux' || process.env.XDG_RUNTIME_DIR) return call();
  process.env.XDG_RUNTIME_DIR = '/nonexistent';
  try {
    return call();
  } finally {
    delete process.env.XDG_RUNTIME_DIR; // other programs that this one starts must not get it
  }
}

/** Does a text name an address rather than a path? `C:\x` is a path. */
const isAddress = (text: string) => /^[a-z][a-z0-9+.-]+:/i.test(text);

async function openBytes(location: BytesLocation, options: OpenOptions = {}): Promise<ByteSource> {
  if (location instanceof Blob) return blobSource('Blob', location);
  if (location instanceof ArrayBuffer || location instanceof Uint8Array) return memorySource('buffer', location);
  if (location instanceof URL && location.protocol === 'file:') return openFile(fileURLToPath(location));
  if (typeof location !== 'string' && !(location instanceof URL)) {
    throw new MelodyError('invalid_argument', `got ${typeof location}, expected a path, an address or bytes`);
  }
  if (typeof location === 'string' && !isAddress(location)) return openFile(location);
  return openAddress(checkAddress(location), options);
}

function openAddress(address: URL, options: OpenOptions): Promise<ByteSource> {
  checkHost(address, options.allowedHosts);
  const how = { ...options };
  const onHop = (headers: Headers) => {
    const expected = how.expected ?? statedByHub(headers);
    if (expected) how.expected = expected;
  };
  const follow = followInNode(options.redirectHosts ?? [], { token: options.token, fetch: options.fetch, onHop });
  const connect = () => openHttp(address, follow, options.signal, options.onWait);
  return options.cache ? openCached(address.href, diskStore(address.href), connect, how) : connect();
}

/** The hub says of a large file what it is, beside the address that it sends on to. */
function statedByHub(headers: Headers): StatedBytes | undefined {
  const [, sha256] = /^"?([0-9a-f]{64})"?$/.exec(headers.get('x-linked-etag') ?? '') ?? [];
  const size = headers.get('x-linked-size') ?? '';
  return sha256 !== undefined && /^\d{1,15}$/.test(size) ? { sha256, bytes: Number(size) } : undefined;
}

/** A folder that says what its files are. */
const named = (folder: ByteFolder, checked = false): ByteFolder => ({
  ...folder,
  identity: (signal) => weightsIdentity(folder, checked, signal),
});

function openFolder(location: string | URL, options: OpenOptions = {}): ByteFolder {
  const path = location instanceof URL ? location.protocol === 'file:' : !isAddress(location);
  if (path && options.allowedHosts)
    throw new MelodyError('io', 'a path was refused: with allowedHosts only addresses on those hosts are opened');
  if (location instanceof URL && location.protocol === 'file:') return named(diskFolder(fileURLToPath(location)));
  if (typeof location === 'string' && isHubName(location)) return hubFolder(location, options, openFolder);
  if (typeof location === 'string' && !isAddress(location)) {
    const installed = existsSync(join(location, 'config.json')) ? undefined : findModel(location);
    const path = installed ?? location;
    if (isMissing(path)) throw noModel(location);
    return { ...named(diskFolder(path)), part: (name) => named(diskFolder(join(path, name))) };
  }
  const folder = (how: OpenOptions) =>
    httpFolder(checkAddress(location), (address) => openAddress(address, { ...options, cache: false, ...how }));
  if (!options.cache) return folder({});
  const { name, addressOf } = folder({});
  const store = (file: string) => diskStore(addressOf(file));
  const kept = {
    kept: async (file: string) => (await store(file).complete())?.source,
    forget: (file: string) => store(file).remove(),
  };
  return named(
    verifiedFolder(name, (file, how) => folder(how).open(file, options.signal), kept),
    true,
  );
}

/** Under a container's limit too, where Node can tell (20.13, 22). */
const freeMemory = () => (process as { availableMemory?: () => number }).availableMemory?.() || freemem(); // 0 where it cannot be read

/** Dawn comes with the npm package, whose version says which. */
function runtime(): string {
  try {
    const file = resolveInstalled('webgpu/package.json');
    return file === undefined ? 'npm webgpu is not installed' : `npm webgpu ${JSON.parse(readFileSync(file, 'utf8')).version}`;
  } catch {
    return 'npm webgpu';
  }
}

/** Throws `out_of_memory` where the system gives no more threads. */
function newWorker(source: string, data: unknown): Worker {
  try {
    return new Worker(source, { eval: true, workerData: data, execArgv: [] });
  } catch (cause) {
    throw new MelodyError(
      'out_of_memory',
      `no thread can be started: ${(cause as Error).message}`,
      'use fewer (`threads`, --threads 1), end other programs, or raise the limit: ulimit -u',
      { cause },
    );
  }
}

/** Threads ask where they are as they start, and end where that folder was deleted. Throws `io`. */
function checkWorkingFolder(): void {
  try {
    process.cwd();
  } catch (cause) {
    throw fileError('.', cause);
  }
}

function startThread(code: string, data: unknown, on: ThreadEvents): Thread {
  const source = `const { parentPort, workerData } = require('node:worker_threads');
(${code})(workerData, (message) => parentPort.postMessage(message));`;
  checkWorkingFolder();
  const worker = newWorker(source, data);
  let over = false;
  const end = (reason: string) => {
    if (!over) on.end(reason);
    over = true;
  };
  worker.on('message', on.message);
  worker.on('error', (error) => end(String(error)));
  worker.on('exit', (code) => end(`it left with code ${code}`));
  worker.unref();
  return {
    hold: (alive) => (alive ? worker.ref() : worker.unref()),
    stop() {
      over = true;
      void worker.terminate();
    },
  };
}

/** Undefined in a bundle that knows no place of its own, such as one in CommonJS. */
const soundThread = () => (import.meta.url ? new URL('./sound-thread.js', import.meta.url) : undefined);

export const platform: Platform = {
  name: 'node',
  openGpu,
  get lacksGpu() {
    return lacksGpu();
  },
  openBytes,
  openFolder,
  get runtime() {
    return runtime();
  },
  facts: diskFacts(),
  freeMemory,
  hashOf: rememberedHash,
  aside: (name, args, signal) => runAside(soundThread(), name, args, signal),
  expectAside: () => expectAside(soundThread()),
  publish: (name, message) => channel(name).publish(message),
  openCodecs: async () => (await import('./node_codecs.ts')).openCodecs(),
  threads: {
    get cores() {
      return coresOf();
    },
    canShareMemory: true,
    startThread,
  },
  cache: diskCache(),
};
