// Where a published model lies: a folder or the address of one, and the folders in it.
import type { ByteFolder } from '../platform/bytes.ts';

/** A folder with folders in it, as diffusers has a pipeline. */
export interface SystemPlace extends ByteFolder {
  /** The folder of that name in it; it may not be there. */
  part(name: string): ByteFolder;
}

/** The place at a path or address; `open` opens a folder of that path or address. */
export function placeAt(location: string | URL, open: (location: string | URL) => ByteFolder): SystemPlace {
  const own = open(location);
  return { name: own.name, open: (file, signal) => own.open(file, signal), part: (name) => open(within(location, name)) };
}

function within(location: string | URL, name: string): string | URL {
  if (typeof location === 'string' && !URL.canParse(location)) return `${location.replace(/[/\\]+$/, '')}/${name}`;
  const address = new URL(location);
  address.pathname = `${address.pathname.replace(/\/+$/, '')}/${name}/`;
  return address;
}
