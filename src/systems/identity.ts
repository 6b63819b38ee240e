// What names the very bytes of a published model: SHA-256 over the names and hashes of all files that were opened to play it.
import { platform } from '#platform';
import { type ByteFolder, type ByteSource, sha256 } from '../platform/bytes.ts';
import type { SystemPlace } from './place.ts';

/** Where no file can be hashed a piece at a time (pages), files up to this size are hashed whole. */
const WHOLE_BYTES = 2 ** 26;
/** Decides no sample. */
const CARD = 'README.md';

/** Gives the SHA-256 in hexadecimal, or undefined where a file is too large for this machine to hash. Throws `io`, `aborted`. */
export type Identity = (signal?: AbortSignal) => Promise<string | undefined>;

/** The place, which remembers what is opened in it, and what names all of that. Call `identity` when the model is open. */
export function identified(place: SystemPlace): { place: SystemPlace; identity: Identity } {
  const opened = new Map<string, ByteSource>();
  const remembering = (folder: ByteFolder, path: string): ByteFolder => ({
    name: folder.name,
    async open(file, signal) {
      const source = await folder.open(file, signal);
      if (source && file !== CARD) opened.set(`${path}${file}`, source);
      return source;
    },
  });
  let known: Promise<string | undefined> | undefined;
  return {
    place: { ...remembering(place, ''), part: (name) => remembering(place.part(name), `${name}/`) },
    identity(signal) {
      known ??= hashOfAll(opened, signal);
      known.catch(() => {
        known = undefined; // it may be tried again
      });
      return known;
    },
  };
}

async function hashOfAll(files: ReadonlyMap<string, ByteSource>, signal?: AbortSignal): Promise<string | undefined> {
  const lines: string[] = [];
  for (const [name, source] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const hash = source.sha256 ?? (await (platform.hashOf ?? hashOfWhole)(source, signal));
    if (hash === undefined) return undefined;
    lines.push(`${name} ${hash}`);
  }
  return sha256(new TextEncoder().encode(lines.join('\n')));
}

async function hashOfWhole(source: ByteSource, signal?: AbortSignal): Promise<string | undefined> {
  return source.size > WHOLE_BYTES ? undefined : sha256(await source.read(0, source.size, signal));
}
