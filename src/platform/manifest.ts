// manifest.json of a model folder: `{ "files": { name: { "sha256": hex, "bytes": n } } }`.
import { MelodyError } from '../errors.ts';

export const MANIFEST_FILE = 'manifest.json';

/** What a manifest says of a file: its SHA-256 in hexadecimal and its size in bytes. */
export interface StatedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** The files that a manifest states. Throws `weights`. */
export function readManifest(bytes: Uint8Array, where: string): StatedFile[] {
  const fault = (what: string) => new MelodyError('weights', `${where}: ${what}`, 'fetch or export the model again');
  const { files } = parseJson(bytes, where) as { files?: Record<string, { sha256?: unknown; bytes?: unknown }> };
  if (typeof files !== 'object' || files === null) throw fault('got no list "files"');
  return Object.entries(files).map(([name, stated]) => {
    if (!/^[\w.-]+$/.test(name) || name.startsWith('.')) throw fault(`${JSON.stringify(name.slice(0, 80))} is not the name of a file`);
    const { sha256, bytes: size } = stated ?? {};
    if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) throw fault(`${name} has no SHA-256`);
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw fault(`${name} has no size`);
    return { name, bytes: size, sha256 };
  });
}

/** A JSON object in UTF-8. Throws `weights`. */
export function parseJson(bytes: Uint8Array, name: string): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // The error below says it.
  }
  throw new MelodyError('weights', `${name}: not a JSON object`, 'fetch or export the model again');
}
