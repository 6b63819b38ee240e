// The files of a model at an address, each held against manifest.json before anything reads it: kept in the browser where it lets us.
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import { type ByteFolder, type ByteSource, blobSource, memorySource, sha256 } from '../platform/bytes.ts';
import { MANIFEST_FILE, parseJson, readManifest, type StatedFile } from '../platform/manifest.ts';
import type { ModelFiles } from './protocol.ts';

/** Parts that music from words needs; shards with none of them are fetched when they are asked for. */
const NEEDED_PARTS = ['text_tower', 'rvq', 'style_heads', 'semantic_lm', 'dual_path', 'vae_decoder'];
const INDEX = 'model.safetensors.index.json';
const MAX_MANIFEST_BYTES = 1024 * 1024;
/** Bytes asked for at once when nothing is kept. */
const PIECE = 4 * 1024 * 1024;

export interface Fetching {
  signal?: AbortSignal | undefined;
  /** Keep the files in this browser. */
  keep: boolean;
  onFile?: ((file: string, fileReceived: number, fileTotal: number, received: number, total: number) => void) | undefined;
  /** Of a file that is fetched when it is asked for: bytes that are there, and of all of it. */
  onLater?: ((file: string, received: number, total: number) => void) | undefined;
  /** The server of this file has sent nothing for 5 seconds; after 20 it is given up. */
  onWait?: ((file: string) => void) | undefined;
  /** Keeping failed, and why; the files are held in memory instead. */
  onNotKept?: ((message: string) => void) | undefined;
}

/** What a model weighs and how much of it is here. Fetches the manifest and the index alone. Throws `io`, `weights`. */
export async function describeModel(src: string, signal?: AbortSignal): Promise<ModelFiles> {
  const base = folderAddress(src);
  const { files } = await neededFiles(base, { keep: false, signal });
  const entries = await platform.cache.list().catch(() => []);
  const kept = async (file: StatedFile) => {
    const received = entries.find((e) => e.address === addressOf(base, file.name))?.received ?? 0;
    return received < file.bytes && (await fromOthers(file)) ? file.bytes : Math.min(file.bytes, received);
  };
  return {
    files: files.map(({ name, bytes }) => ({ name, bytes })),
    bytes: sum(files.map((f) => f.bytes)),
    kept: sum(await Promise.all(files.map(kept))),
  };
}

/**
 * Fetches what is not here yet of what music from words needs, checks every file's SHA-256, and gives the folder of the model's files. Others are fetched
 * and checked when they are opened. Throws `io`, `weights`, `aborted`, then too.
 */
export async function openModelFiles(src: string, how: Fetching): Promise<ByteFolder> {
  const base = folderAddress(src);
  const { files, others, hash } = await neededFiles(base, how);
  const total = sum(files.map((f) => f.bytes));
  const sources = new Map<string, ByteSource>();
  let before = 0;
  for (const file of files) {
    const onProgress = (received: number) => how.onFile?.(file.name, received, file.bytes, before + received, total);
    sources.set(file.name, await openChecked(base, file, how, onProgress));
    before += file.bytes;
    onProgress(0);
  }
  const open = async (name: string, signal?: AbortSignal) => {
    const other = others.find((file) => file.name === name);
    if (!other || sources.has(name)) return sources.get(name);
    const onProgress = (received: number) => how.onLater?.(name, received, other.bytes);
    onProgress(0);
    const source = await openChecked(base, other, { ...how, signal }, onProgress);
    sources.set(name, source);
    return source;
  };
  return { name: base.href, open, identity: async () => ({ hash, changed: [] }) };
}

async function openChecked(base: URL, file: StatedFile, how: Fetching, onProgress: (received: number) => void): Promise<ByteSource> {
  const address = addressOf(base, file.name);
  let wasKept = false;
  let source: ByteSource;
  try {
    if (how.keep) {
      wasKept = (await platform.cache.list()).some((e) => e.address === address && e.received === e.total);
      const shared = wasKept ? undefined : await fromOthers(file);
      if (shared && (await sha256(await shared.read(0, shared.size, how.signal))) === file.sha256) {
        onProgress(file.bytes);
        return shared;
      }
      source = await platform.openBytes(address, { cache: true, signal: how.signal, onWait: how.onWait, onProgress });
    } else source = await intoMemory(address, how, onProgress);
  } catch (error) {
    if (!how.keep || !isStorageFault(error)) throw error;
    how.onNotKept?.((error as MelodyError).message);
    await platform.cache.remove(address).catch(() => 0);
    source = await intoMemory(address, how, onProgress);
  }
  const bytes = source.size === file.bytes ? await source.read(0, source.size, how.signal) : undefined;
  const got = bytes ? await sha256(bytes) : `of ${source.size} bytes`;
  if (bytes && got === file.sha256) {
    if (how.keep && !wasKept) void toOthers(file, bytes);
    return source;
  }
  if (how.keep) await platform.cache.remove(address).catch(() => 0);
  // What was kept may be an older version; what was just fetched has no excuse.
  if (wasKept) return openChecked(base, file, how, onProgress);
  throw new MelodyError(
    'weights',
    `${file.name} is not the file that manifest.json names; got SHA-256 ${got}, expected ${file.sha256} of ${file.bytes} bytes`,
    'it was cut or changed on its way, and is not used: try again, or ask the site that offers it',
  );
}

/** Cross-Origin Storage, which some browsers have: files under the hashes of their bytes, whichever site fetched them. */
interface SharedFiles {
  requestFileHandle(
    hash: { readonly algorithm: 'SHA-256'; readonly value: string },
    options?: { readonly create: true; readonly origins: '*' },
  ): Promise<FileSystemFileHandle>;
}

/** The handle of a shard, the only files that are worth it. Rejects where the browser has none to give or takes none: it need not say why. */
const sharedHandle = async ({ name, sha256: value }: StatedFile, ...options: [{ create: true; origins: '*' }?]) =>
  name.endsWith('.safetensors')
    ? (globalThis.navigator as { crossOriginStorage?: SharedFiles } | undefined)?.crossOriginStorage?.requestFileHandle(
        { algorithm: 'SHA-256', value },
        ...options,
      )
    : undefined;

/** The file as some site left it. It stays where it is: a copy of ours would take the room that is saved. */
async function fromOthers(file: StatedFile): Promise<ByteSource | undefined> {
  const blob = await sharedHandle(file)
    .then((handle) => handle?.getFile())
    .catch(() => undefined);
  return blob && blobSource(file.name, blob);
}

/** Left for other sites. That it is not taken is no fault: this page has it. */
async function toOthers(file: StatedFile, bytes: Uint8Array): Promise<void> {
  try {
    const stream = await (await sharedHandle(file, { create: true, origins: '*' }))?.createWritable();
    await stream?.write(bytes as Uint8Array<ArrayBuffer>);
    await stream?.close();
  } catch {}
}

async function intoMemory(address: string, { signal, onWait }: Fetching, onProgress: (received: number) => void): Promise<ByteSource> {
  const source = await platform.openBytes(address, { signal, onWait });
  const bytes = new Uint8Array(source.size);
  for (let at = 0; at < bytes.length; at += PIECE) {
    bytes.set(await source.read(at, Math.min(PIECE, bytes.length - at), signal), at);
    onProgress(Math.min(bytes.length, at + PIECE));
  }
  return memorySource(address, bytes);
}

/** The browser refuses to keep more, or keeps nothing at all here. */
function isStorageFault(error: unknown): boolean {
  if (!(error instanceof MelodyError) || error.code !== 'io') return false;
  return /no more storage|has no cache|keeping a download failed/.test(error.message);
}

/** The manifest's files, apart from them the shards that music from words does not need, and its own hash, which names them all. */
async function neededFiles(
  base: URL,
  how: Pick<Fetching, 'keep' | 'signal' | 'onWait'>,
): Promise<{ files: StatedFile[]; others: StatedFile[]; hash: string }> {
  const manifest = await smallFile(addressOf(base, MANIFEST_FILE), how);
  const files = readManifest(manifest, addressOf(base, MANIFEST_FILE));
  const hash = await sha256(manifest);
  const index = files.find((f) => f.name === INDEX);
  if (!index) return { files, others: [], hash };
  const { metadata } = parseJson(await smallFile(addressOf(base, INDEX), how), `${base.href}${INDEX}`) as {
    metadata?: { parts?: Record<string, unknown> };
  };
  if (typeof metadata?.parts !== 'object') return { files, others: [], hash };
  const { parts } = metadata;
  const needed = new Set(NEEDED_PARTS.map((part) => parts[part]));
  const isNeeded = ({ name }: StatedFile) => !name.endsWith('.safetensors') || needed.has(name);
  return { files: files.filter(isNeeded), others: files.filter((file) => !isNeeded(file)), hash };
}

/** A small file in its newest version; offline, the version kept last. */
async function smallFile(address: string, { keep, signal, onWait }: Pick<Fetching, 'keep' | 'signal' | 'onWait'>): Promise<Uint8Array> {
  const readAll = async (source: ByteSource) => {
    if (source.size > MAX_MANIFEST_BYTES)
      throw new MelodyError('weights', `${address}: ${source.size} bytes; expected at most ${MAX_MANIFEST_BYTES}`);
    return source.read(0, source.size, signal);
  };
  const entries = await platform.cache.list().catch(() => []);
  const kept = entries.find((e) => e.address === address && e.received === e.total);
  let fresh: Uint8Array;
  try {
    fresh = await readAll(await platform.openBytes(address, { signal, onWait }));
  } catch (error) {
    if (!kept || !(error instanceof MelodyError) || error.code !== 'io') throw error;
    return readAll(await platform.openBytes(address, { cache: true, signal }));
  }
  if (!keep) return fresh;
  try {
    if (kept) {
      const old = await readAll(await platform.openBytes(address, { cache: true, signal }));
      if (old.length === fresh.length && old.every((byte, i) => byte === fresh[i])) return fresh;
      await platform.cache.remove(address);
    }
    await platform.openBytes(address, { cache: true, signal });
  } catch (error) {
    if (!isStorageFault(error)) throw error; // the weights will say that nothing can be kept
  }
  return fresh;
}

function folderAddress(src: string): URL {
  if (!src || !URL.canParse(src, globalThis.location?.href)) {
    const hint = 'name it in src, for example "weights/melody-small/"';
    throw new MelodyError('invalid_argument', `got ${JSON.stringify(src)}, expected the address of a model folder`, hint);
  }
  const base = new URL(src, globalThis.location?.href);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

const addressOf = (base: URL, name: string) => new URL(encodeURIComponent(name), base).href;
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
