// The cache on the disk: for each address a data file and a small JSON that says what it is.
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import type { EntryInfo, Store } from './cache.ts';
import { fileError, openFile } from './node_files.ts';
import type { Cache, CacheEntry, Facts } from './platform.ts';

/** The folder for downloads: $XDG_CACHE_HOME/melody, or what the system has instead. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env, platform: string = process.platform): string {
  // The XDG specification says to ignore relative paths.
  if (env.XDG_CACHE_HOME && isAbsolute(env.XDG_CACHE_HOME)) return join(env.XDG_CACHE_HOME, 'melody');
  if (platform === 'darwin') return join(homedir(), 'Library/Caches/melody');
  if (platform === 'win32' && env.LOCALAPPDATA) return join(env.LOCALAPPDATA, 'melody', 'cache');
  return join(homedir(), '.cache/melody');
}

/** The entry of one address. What a broken-off write leaves is kept: the next attempt goes on from the file's length. */
export function diskStore(address: string, folder = cacheFolder()): Store {
  // A hash as the name: nothing in an address can lead out of the folder.
  const base = join(folder, createHash('sha256').update(address).digest('hex').slice(0, 32));
  const data = `${base}.bin`;
  const guard = <T>(work: Promise<T>) =>
    work.catch((cause: unknown) => {
      throw fileError(data, cause);
    });
  return {
    async info() {
      return readInfo(`${base}.json`, address);
    },
    async begin(info) {
      await guard(mkdir(folder, { recursive: true }));
      // In this order a crash in between leaves an entry that says less than there is, never more.
      await guard(rm(`${base}.json`, { force: true }));
      await guard(writeFile(data, ''));
      await guard(writeFile(`${base}.json`, JSON.stringify(info)));
    },
    async received() {
      const { size } = await stat(data).catch(() => ({ size: 0 }));
      return size;
    },
    async append(offset, bytes) {
      const file = await guard(open(data, 'r+'));
      try {
        let at = 0;
        while (at < bytes.length) at += (await guard(file.write(bytes, at, bytes.length - at, offset + at))).bytesWritten;
      } finally {
        await file.close();
      }
    },
    async open() {
      return { ...(await openFile(data)), name: address };
    },
  };
}

/** Small things learnt, a file each. */
export function diskFacts(folder = cacheFolder()): Facts {
  const file = (key: string) => join(folder, 'facts', createHash('sha256').update(key).digest('hex').slice(0, 32));
  return {
    get: (key) => readFile(file(key), 'utf8').catch(() => undefined),
    async set(key, value) {
      await mkdir(join(folder, 'facts'), { recursive: true }).catch(() => {});
      await writeFile(file(key), value).catch(() => {});
    },
  };
}

/** All that the folder holds. */
export function diskCache(folder = cacheFolder()): Cache {
  const entries = async (): Promise<(CacheEntry & { base: string })[]> => {
    const found = [];
    for (const name of await readdir(folder).catch(() => [])) {
      if (!name.endsWith('.json')) continue;
      const base = join(folder, name.slice(0, -'.json'.length));
      const info = await readInfo(join(folder, name));
      if (!info || info.missing) continue;
      const { size } = await stat(`${base}.bin`).catch(() => ({ size: 0 }));
      found.push({ address: info.address, received: size, total: info.total, base });
    }
    return found;
  };
  return {
    place: folder,
    async list() {
      return (await entries()).map(({ base: _, ...entry }) => entry);
    },
    async remove(address) {
      let freed = 0;
      for (const entry of await entries()) {
        if (address !== undefined && entry.address !== address) continue;
        await rm(`${entry.base}.json`, { force: true });
        await rm(`${entry.base}.bin`, { force: true });
        freed += entry.received;
      }
      return freed;
    },
  };
}

/** What a JSON of ours says, or undefined when it is not one: a damaged entry is no entry. */
async function readInfo(file: string, address?: string): Promise<EntryInfo | undefined> {
  try {
    const info = JSON.parse(await readFile(file, 'utf8'));
    const sound = typeof info?.address === 'string' && Number.isSafeInteger(info.total) && info.total >= 0;
    return sound && (address === undefined || info.address === address) ? info : undefined;
  } catch {
    return undefined;
  }
}
