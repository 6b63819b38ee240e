// The cache on the disk. Of an address with hash H it holds
//
//   H.json                what the complete file is, and the name of its data: written beside and renamed, so it is there whole or not at all
//   H.<id>.bin            data of a complete file
//   H.<id>.part, .owner   a download and who writes it; nobody else does. What a dead process left is taken over by renaming its .owner
//
// so processes that share the folder never write into the same file, and "complete" means that the hash of all bytes was taken.
import { createHash, randomBytes } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, hostname, tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { ByteSource } from './bytes.ts';
import { type Download, type EntryInfo, forgetMisses, type Store } from './cache.ts';
import { fileError, openFile } from './node_files.ts';
import type { CacheEntry, DownloadCache, Facts } from './platform.ts';

/** A part whose owner cannot be asked whether it lives (another machine) is free after this time without a byte. */
const OWNER_SILENCE_MS = 10 * 60_000;
/** Data that no entry names any more is kept this long for processes that still read it. */
const OLD_DATA_MS = 60 * 60_000;

/** The folder for downloads: $XDG_CACHE_HOME/melody, or what the system has instead. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  // The XDG specification says to ignore relative paths.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, 'melody');
  if (platform === 'win32' && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, 'melody', 'cache');
  const home = homeFolder();
  if (home === undefined) return join(tmpdir(), `melody-cache-${process.getuid?.() ?? 'user'}`);
  return join(home, platform === 'darwin' ? 'Library/Caches/melody' : '.cache/melody');
}

/** Where the user is at home; undefined for one without HOME and without an entry among the users (containers that run as any number). */
export function homeFolder(): string | undefined {
  try {
    return homedir() || undefined;
  } catch {
    return undefined;
  }
}

interface Record extends EntryInfo {
  data: string;
  sha256: string;
  /** When the data was last written to (mtime, ms): one that was written to since is hashed again. */
  written?: number;
}

interface Owner extends EntryInfo {
  /** Absent once its process gave the part up. */
  pid?: number;
  host?: string;
}

/** The entry of one address. */
export function diskStore(address: string, folder = cacheFolder()): Store {
  // A hash as the name: nothing in an address can lead out of the folder.
  const hash = createHash('sha256').update(address).digest('hex').slice(0, 32);
  const path = (name: string) => join(folder, name);
  return {
    async complete() {
      const record = await readRecord(path(`${hash}.json`));
      if (record?.address !== address || !(await isAsKept(folder, `${hash}.json`, record))) return undefined;
      return { info: record, source: await openNamed(path(record.data), record) };
    },
    async begin(info) {
      await guard(folder, mkdir(folder, { recursive: true }));
      await removeOldData(folder, hash);
      const id = randomBytes(6).toString('hex');
      const part = path(`${hash}.${id}.part`);
      if (info.etag === undefined || !(await takeOver(folder, hash, info, part))) {
        await guard(part, own(part, info));
        await guard(part, writeFile(part, ''));
      }
      return openDownload(folder, hash, id, info);
    },
    async remove() {
      for (const name of await namesOf(folder, hash)) await rm(path(name), { force: true });
    },
  };
}

async function openDownload(folder: string, hash: string, id: string, info: EntryInfo): Promise<Download> {
  const part = join(folder, `${hash}.${id}.part`);
  const owner = `${part}.owner`;
  const file = await guard(part, open(part, 'r+'));
  const digest = createHash('sha256');
  let received = 0;
  try {
    for await (const bytes of file.createReadStream({ autoClose: false, start: 0 })) {
      digest.update(bytes);
      received += bytes.length;
    }
  } catch (cause) {
    await file.close();
    throw fileError(part, cause);
  }
  return {
    get received() {
      return received;
    },
    async append(bytes) {
      await guard(part, writeAll(file, bytes, received));
      digest.update(bytes);
      received += bytes.length;
    },
    async finish(expected) {
      const sha256 = digest.digest('hex');
      await guard(part, file.sync());
      await file.close();
      if (expected !== undefined && sha256 !== expected) {
        await rm(part, { force: true });
        await rm(owner, { force: true });
        return { wrong: sha256 };
      }
      const data = `${hash}.${id}.bin`;
      const before = await readRecord(join(folder, `${hash}.json`));
      if (before?.sha256 === sha256 && (await isAsKept(folder, `${hash}.json`, before))) {
        await rm(part, { force: true }); // another process was first; whoever reads its data goes on undisturbed
        await rm(owner, { force: true });
        return { source: await openNamed(join(folder, before.data), { ...info, sha256 }) };
      }
      await guard(part, rename(part, join(folder, data)));
      const written = (await guard(part, stat(join(folder, data)))).mtimeMs;
      await guard(part, writeWhole(join(folder, `${hash}.json`), { ...info, data, sha256, written } satisfies Record));
      await rm(owner, { force: true });
      return { source: await openNamed(join(folder, data), { ...info, sha256 }) };
    },
    async leave() {
      await file.close();
      await writeWhole(owner, info satisfies Owner);
    },
  };
}

/** Makes a part that nobody writes, of the same version of the same file, our own. */
async function takeOver(folder: string, hash: string, info: EntryInfo, to: string): Promise<boolean> {
  for (const name of await namesOf(folder, hash)) {
    if (!name.endsWith('.part.owner')) continue;
    const part = join(folder, name.slice(0, -'.owner'.length));
    const owner = await readJson<Owner>(join(folder, name));
    const known = await stat(part).catch(() => undefined);
    if (!owner || !known || owner.total !== info.total || owner.etag !== info.etag || known.size > info.total) continue;
    if (lives(owner, known.mtimeMs)) continue;
    try {
      await rename(join(folder, name), `${to}.owner`); // one process alone succeeds
      const claimed = await readJson<Owner>(`${to}.owner`);
      if (claimed && lives(claimed, Date.now())) {
        await rename(`${to}.owner`, join(folder, name)); // somebody took it up since it was read above
        continue;
      }
      await own(to, info); // before there is a part of that name, which others would take for a dead process's
      await rename(part, to);
      return true;
    } catch {
      // Another was faster.
    }
  }
  return false;
}

/** Says that this process writes a part. */
const own = (part: string, info: EntryInfo) => writeWhole(`${part}.owner`, { ...info, pid: process.pid, host: hostname() } satisfies Owner);

/** Is this part probably still being written? */
function lives({ pid, host }: Owner, lastWritten: number): boolean {
  if (pid === undefined) return false;
  return host === hostname() ? processLives(pid) : Date.now() - lastWritten < OWNER_SILENCE_MS;
}

/** Does this machine run a process of that number? */
export function processLives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Removes what no entry names: data replaced long ago, parts that a dead process left and nobody took up in that time. */
async function removeOldData(folder: string, hash: string): Promise<void> {
  const current = (await readRecord(join(folder, `${hash}.json`)))?.data;
  for (const name of await namesOf(folder, hash)) {
    if (name === current || name === `${hash}.json` || name.endsWith('.owner')) continue;
    const known = await stat(join(folder, name)).catch(() => undefined);
    if (!known || Date.now() - known.mtimeMs < OLD_DATA_MS) continue;
    await rm(join(folder, name), { force: true });
    await rm(join(folder, `${name}.owner`), { force: true });
  }
}

const FACTS = 'facts';

/** Small things learnt, a file each. */
export function diskFacts(folder = cacheFolder()): Facts {
  const file = (key: string) => join(folder, FACTS, createHash('sha256').update(key).digest('hex').slice(0, 32));
  return {
    get: (key) => readFile(file(key), 'utf8').catch(() => undefined),
    async set(key, value) {
      await mkdir(join(folder, FACTS), { recursive: true }).catch(() => {});
      await writeWhole(file(key), value).catch(() => {});
    },
  };
}

/** All that the folder holds. */
export function diskCache(folder = cacheFolder()): DownloadCache {
  const names = () => readdir(folder).catch(() => [] as string[]);
  const list = async (): Promise<CacheEntry[]> => {
    const found = new Map<string, CacheEntry>();
    for (const name of await names()) {
      const { address, received, total } = (await entryOf(folder, name)) ?? {};
      if (address === undefined || received === undefined || total === undefined) continue;
      const known = found.get(address);
      if (!known || known.received < received) found.set(address, { address, received, total });
    }
    return [...found.values()];
  };
  return {
    place: folder,
    list,
    async remove(address) {
      forgetMisses();
      const hash = address === undefined ? undefined : createHash('sha256').update(address).digest('hex').slice(0, 32);
      let freed = 0;
      for (const name of await names()) {
        if (!OURS.test(name) || (hash !== undefined && !name.startsWith(`${hash}.`))) continue;
        const { size } = await stat(join(folder, name)).catch(() => ({ size: 0 }));
        if (/\.(bin|part)$/.test(name)) freed += size;
        await rm(join(folder, name), { force: true, recursive: true });
      }
      if (hash === undefined) await rm(join(folder, FACTS), { force: true, recursive: true });
      return freed;
    },
    async verify() {
      const bad: string[] = [];
      for (const name of await names()) {
        const record = name.endsWith('.json') ? await readRecord(join(folder, name)) : undefined;
        if (!record) continue;
        const got = await hashOf(join(folder, record.data)).catch(() => undefined);
        if (got === record.sha256) continue;
        bad.push(record.address);
        await diskStore(record.address, folder).remove();
      }
      return bad;
    },
  };
}

/** Names that this cache gives, damaged entries and those of earlier versions included. */
const OURS = /^[0-9a-f]{32}\./;

async function entryOf(folder: string, name: string): Promise<CacheEntry | undefined> {
  if (!OURS.test(name)) return undefined;
  if (name.endsWith('.json')) {
    const record = await readRecord(join(folder, name));
    if (!record || !(await sizeIs(join(folder, record.data), record.total))) return undefined;
    return { address: record.address, received: record.total, total: record.total };
  }
  if (!name.endsWith('.part.owner')) return undefined;
  const owner = await readJson<Owner>(join(folder, name));
  const known = await stat(join(folder, name.slice(0, -'.owner'.length))).catch(() => undefined);
  return owner && known ? { address: owner.address, received: known.size, total: owner.total } : undefined;
}

/** The record of a complete file, or undefined when it is not one: a damaged entry is no entry. */
async function readRecord(file: string): Promise<Record | undefined> {
  const record = await readJson<Record>(file);
  const named = typeof record?.data === 'string' && OURS.test(record.data) && /^[\w.]+$/.test(record.data);
  return named && typeof record.sha256 === 'string' ? record : undefined;
}

/** A JSON of ours with an address and a size, or undefined. */
async function readJson<T extends EntryInfo>(file: string): Promise<T | undefined> {
  try {
    const info = JSON.parse(await readFile(file, 'utf8'));
    return typeof info?.address === 'string' && Number.isSafeInteger(info.total) && info.total >= 0 ? info : undefined;
  } catch {
    return undefined;
  }
}

/** Writes a small file beside and renames it, so that no reader sees half of it. */
async function writeWhole(file: string, value: unknown): Promise<void> {
  const beside = `${file}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    await writeFile(beside, typeof value === 'string' ? value : JSON.stringify(value));
    await rename(beside, file);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => {});
    throw error;
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let at = 0;
  while (at < bytes.length) at += (await file.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
}

async function hashOf(file: string): Promise<string> {
  const handle = await open(file, 'r');
  const digest = createHash('sha256');
  for await (const bytes of handle.createReadStream()) digest.update(bytes);
  return digest.digest('hex');
}

const namesOf = async (folder: string, hash: string) =>
  (await readdir(folder).catch(() => [] as string[])).filter((name) => name.startsWith(`${hash}.`));

/** Is the data of a record what was kept? Its length says so, and its hash where it was written to since (a repaired or copied disk, another program). */
async function isAsKept(folder: string, name: string, record: Record): Promise<boolean> {
  const data = join(folder, record.data);
  const known = await stat(data).catch(() => undefined);
  if (known?.size !== record.total) return false;
  if (record.written === undefined || record.written === known.mtimeMs) return true;
  if ((await hashOf(data).catch(() => undefined)) !== record.sha256) return false;
  await writeWhole(join(folder, name), { ...record, written: known.mtimeMs } satisfies Record).catch(() => {}); // a disk that is read only
  return true;
}

const sizeIs = async (file: string, size: number) => (await stat(file).catch(() => undefined))?.size === size;

const openNamed = async (file: string, { address, sha256 }: EntryInfo & { sha256: string }): Promise<ByteSource> => ({
  ...(await openFile(file)),
  name: address,
  sha256,
});

const guard = <T>(file: string, work: Promise<T>): Promise<T> =>
  work.catch((cause: unknown) => {
    throw fileError(file, cause);
  });
