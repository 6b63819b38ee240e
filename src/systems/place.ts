// Where a published model lies: a folder or the address of one, and the folders in it.
import { platform } from '#platform';
import { MelodyError } from '../errors.ts';
import type { ByteFolder } from '../platform/bytes.ts';
import { HUB_STORES } from '../platform/hub_stores.ts';
import type { OpenOptions } from '../platform/platform.ts';

/** A folder with folders in it, as diffusers has a pipeline. */
export interface SystemPlace extends ByteFolder {
  /** The folder of that name in it; it may not be there. */
  part(name: string): ByteFolder;
}

const HUB = 'huggingface.co';

/** A folder, the address of one, or hf:owner/name; the hub may send on to its own stores, and others to `redirectHosts` alone. */
export function openSystemFolder(location: string | URL, options: OpenOptions): SystemPlace {
  const hub = URL.canParse(location) && new URL(location).hostname === HUB;
  const how = { ...options, ...(hub && { redirectHosts: [...(options.redirectHosts ?? []), ...HUB_STORES] }) };
  return placeAt(location, (place) => platform.openFolder(place, how));
}

/** The place at a path or address; `open` opens a folder of that path or address. */
export function placeAt(location: string | URL, open: (location: string | URL) => ByteFolder): SystemPlace {
  const folder = open(location);
  return { ...withoutPointers(folder), part: (name) => withoutPointers(folder.part?.(name) ?? open(within(location, name))) };
}

/** What git checks out in the place of a large file where Git LFS is not installed: a few lines of text. */
const POINTER = 'version https://git-lfs.';
const LONGEST_POINTER = 1024;

/** The folder, of which a pointer of Git LFS is not a file but an error. */
export function withoutPointers(folder: ByteFolder): ByteFolder {
  return {
    name: folder.name,
    async open(file, signal) {
      const source = await folder.open(file, signal);
      if (!source || source.size > LONGEST_POINTER || source.size < POINTER.length) return source;
      const start = new TextDecoder().decode(await source.read(0, POINTER.length, signal));
      if (start !== POINTER) return source;
      throw new MelodyError(
        'weights',
        `${source.name}: this is a pointer of Git LFS, not the file`,
        'fetch the file itself: git lfs pull, or from the hub',
      );
    },
  };
}

function within(location: string | URL, name: string): string | URL {
  if (typeof location === 'string' && !URL.canParse(location)) return `${location.replace(/[/\\]+$/, '')}/${name}`;
  const address = new URL(location);
  address.pathname = `${address.pathname.replace(/\/+$/, '')}/${name}/`;
  return address;
}
