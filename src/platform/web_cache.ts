// The cache in a browser: the Cache API holds each file as a JSON and numbered pieces, so that a broken-off download can go on.
import { MelodyError } from '../errors.ts';
import { aborted, type ByteSource, checkRange, sha256 } from './bytes.ts';
import { type EntryInfo, forgetMisses, PIECE, type Store } from './cache.ts';
import type { DownloadCache, Facts } from './platform.ts';

const CACHE_NAME = 'melody-2';

/** Keys of the Cache API are addresses; these are ours alone and never fetched. */
const keyOf = (address: string, part: string) => `https://melody.invalid/${encodeURIComponent(address)}/${part}`;

/** The browser's cache, or an error where pages have none (some private modes, http pages). */
async function openCache(): Promise<Cache> {
  try {
    return await caches.open(CACHE_NAME);
  } catch (cause) {
    throw new MelodyError('io', 'this page has no cache to keep downloads in', 'load without `cache`, or leave private browsing', {
      cause,
    });
  }
}

async function readInfo(cache: Cache, key: string | Request): Promise<EntryInfo | undefined> {
  const response = await cache.match(key);
  return response?.json().catch(() => undefined);
}

async function put(cache: Cache, key: string, body: BodyInit): Promise<void> {
  try {
    await cache.put(key, new Response(body));
  } catch (cause) {
    if ((cause as Error).name !== 'QuotaExceededError')
      throw new MelodyError('io', `keeping a download failed: ${cause}`, undefined, { cause });
    throw new MelodyError('io', 'the browser gives this page no more storage', 'remove other downloads, or load without `cache`', {
      cause,
    });
  }
}

/** The entry of one address. Every piece but the last has `PIECE` bytes. A page's tabs share it; the page itself loads in one at a time. */
export function webStore(address: string): Store {
  const pieceKey = (index: number) => keyOf(address, String(index));
  return {
    async complete() {
      const cache = await openCache();
      const info = await readInfo(cache, keyOf(address, 'info'));
      if (!info || (await countPieces(cache, info)) !== info.total) return undefined;
      return { info, source: pieceSource(cache, info, pieceKey) };
    },
    async begin(info) {
      const cache = await openCache();
      const kept = await readInfo(cache, keyOf(address, 'info'));
      const resumes = kept !== undefined && kept.total === info.total && kept.etag !== undefined && kept.etag === info.etag;
      if (!resumes) {
        await removeEntry(cache, address);
        await put(cache, keyOf(address, 'info'), JSON.stringify(info));
      }
      let received = resumes ? await countPieces(cache, info) : 0;
      return {
        get received() {
          return received;
        },
        async append(bytes) {
          await put(cache, pieceKey(received / PIECE), bytes as Uint8Array<ArrayBuffer>);
          received += bytes.length;
        },
        async finish(expected) {
          const source = pieceSource(cache, info, pieceKey);
          const found = expected === undefined ? undefined : await sha256(await source.read(0, info.total));
          if (found === expected) return { source };
          await removeEntry(cache, address);
          return { wrong: found as string };
        },
        async leave() {},
      };
    },
    async remove() {
      await removeEntry(await openCache(), address);
    },
  };
}

/** Bytes in the pieces from the first on, up to the first one that lacks (a browser may evict them). */
async function countPieces(cache: Cache, info: EntryInfo): Promise<number> {
  const count = Math.ceil(info.total / PIECE);
  for (let index = 0; index < count; index++) {
    if (!(await cache.match(keyOf(info.address, String(index))))) return index * PIECE;
  }
  return info.total;
}

function pieceSource(cache: Cache, info: EntryInfo, pieceKey: (index: number) => string): ByteSource {
  return {
    name: info.address,
    size: info.total,
    async read(offset, length, signal) {
      checkRange(this, offset, length);
      const bytes = new Uint8Array(length);
      let at = 0;
      while (at < length) {
        if (signal?.aborted) throw aborted(info.address);
        const index = Math.floor((offset + at) / PIECE);
        const response = await cache.match(pieceKey(index));
        if (!response) throw new MelodyError('io', `${info.address}: the browser dropped a part of it from its cache`, 'load it again');
        // A blob of the cache lies on the disk; the slice alone comes into memory.
        const blob = await response.blob();
        const from = offset + at - index * PIECE;
        const part = new Uint8Array(await blob.slice(from, from + length - at).arrayBuffer());
        if (part.length === 0)
          throw new MelodyError('io', `${info.address}: a part in the cache is too short`, 'remove it and load it again');
        bytes.set(part, at);
        at += part.length;
      }
      return bytes;
    },
  };
}

async function removeEntry(cache: Cache, address: string): Promise<void> {
  const prefix = keyOf(address, '');
  for (const request of await cache.keys()) if (request.url.startsWith(prefix)) await cache.delete(request);
}

/** Keys may be long; a digest of them names the entry. `info` entries alone count as downloads. */
async function factKey(key: string): Promise<string> {
  return keyOf(`fact ${await sha256(new TextEncoder().encode(key))}`, 'fact');
}

export const webFacts: Facts = {
  async get(key) {
    const found = await openCache().then(
      async (cache) => cache.match(await factKey(key)),
      () => undefined,
    );
    return found?.text();
  },
  async set(key, value) {
    await openCache()
      .then(async (cache) => cache.put(await factKey(key), new Response(value)))
      .catch(() => {});
  },
};

/** All that this page's origin keeps. */
export function webCache(): DownloadCache {
  const infos = async (cache: Cache) => {
    const found: EntryInfo[] = [];
    for (const request of await cache.keys()) {
      const info = request.url.endsWith('/info') ? await readInfo(cache, request) : undefined;
      if (info) found.push(info);
    }
    return found;
  };
  return {
    place: `browser cache "${CACHE_NAME}"`,
    async list() {
      const cache = await openCache();
      const found = await infos(cache);
      return Promise.all(
        found.map(async (info) => ({ address: info.address, total: info.total, received: await countPieces(cache, info) })),
      );
    },
    async remove(address) {
      forgetMisses();
      const cache = await openCache();
      let freed = 0;
      for (const info of await infos(cache)) {
        if (address !== undefined && info.address !== address) continue;
        freed += await countPieces(cache, info);
        await removeEntry(cache, info.address);
      }
      return freed;
    },
    // The page holds every file against the manifest each time it loads (web/model_files.ts), so nothing wrong stays here.
    verify: async () => [],
  };
}
