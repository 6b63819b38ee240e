// Files on the disk as byte sources.
import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MelodyError } from '../errors.ts';
import { type ByteFolder, type ByteSource, checkFileName, checkRange } from './bytes.ts';

/**
 * The regular file at `path`. It is opened anew for each read, so nothing has to be closed; a file that changed in between is an error.
 * Throws `io`.
 */
export async function openFile(path: string): Promise<ByteSource> {
  const known = await withFile(path, async (_file, found) => found);
  const source: ByteSource = {
    name: path,
    size: known.size,
    // The third number is that of the system's own clock: programs that keep dates set the second alone.
    version: `${known.ino} ${known.size} ${known.mtimeMs} ${known.ctimeMs}`,
    async read(offset, length, signal, into) {
      checkRange(this, offset, length, signal);
      return withFile(path, async (file, now) => {
        checkSame(path, known, now);
        const bytes = into ?? new Uint8Array(length);
        let at = 0;
        while (at < length) {
          const { bytesRead } = await file.read(bytes, at, length - at, offset + at);
          if (bytesRead === 0) throw new MelodyError('io', `${path}: got ${at} bytes at ${offset}, expected ${length}`);
          at += bytesRead;
        }
        return bytes;
      });
    },
    readSync(offset, length) {
      checkRange(this, offset, length);
      let file: number | undefined;
      try {
        file = openSync(path, 'r');
        checkSame(path, known, fstatSync(file));
        const bytes = new Uint8Array(length);
        let at = 0;
        while (at < length) {
          const count = readSync(file, bytes, at, length - at, offset + at);
          if (count === 0) throw new MelodyError('io', `${path}: got ${at} bytes at ${offset}, expected ${length}`);
          at += count;
        }
        return bytes;
      } catch (cause) {
        throw fileError(path, cause);
      } finally {
        if (file !== undefined) closeSync(file);
      }
    },
  };
  return source;
}

function checkSame(path: string, known: Stat, now: Stat): void {
  if (now.size !== known.size || now.mtimeMs !== known.mtimeMs || now.ino !== known.ino) {
    throw new MelodyError('io', `${path} changed while it was read`, 'load it again');
  }
}

interface Stat {
  size: number;
  mtimeMs: number;
  ctimeMs: number;
  ino: number;
}

async function withFile<T>(path: string, use: (file: FileHandle, found: Stat) => Promise<T>): Promise<T> {
  let file: FileHandle | undefined;
  try {
    if (path.includes('\0')) throw new MelodyError('io', 'a path must not contain a NUL character');
    checkRegular(path, await stat(path)); // before it is opened: opening a pipe waits for a writer, perhaps for ever
    file = await open(path, 'r');
    const known = await file.stat();
    checkRegular(path, known);
    return await use(file, known);
  } catch (cause) {
    throw fileError(path, cause);
  } finally {
    await file?.close();
  }
}

function checkRegular(path: string, known: Stats): void {
  if (known.isFile()) return;
  if (known.isDirectory()) throw new MelodyError('io', `${path}: got a folder, expected a file`, 'name a file in it');
  throw new MelodyError('io', `${path}: got a device or pipe, expected a file`, 'a sound may come through standard input: give - instead');
}

const workingFolderGone = (cause: unknown) =>
  new MelodyError('io', 'the folder in which this runs was deleted', 'go to another one: cd', { cause });

/** A file-system error as `io`, in words. */
export function fileError(path: string, cause: unknown): MelodyError {
  if (cause instanceof MelodyError) return cause;
  const { code, message, syscall } = cause as NodeJS.ErrnoException;
  if (syscall === 'uv_cwd') return workingFolderGone(cause);
  const known: Record<string, [string, string]> = {
    ENOENT: ['no such file', 'check the path'],
    EACCES: ['no permission', 'check who may read or write it'],
    EISDIR: ['got a folder, expected a file', 'name a file in it'],
    ENOTDIR: ['a part of the path is a file, not a folder', 'check the path'],
    ENAMETOOLONG: ['the name is too long', 'use a shorter one'],
    EMFILE: ['too many open files', 'raise the limit: ulimit -n 1024'],
    ENFILE: ['too many open files', 'close other programs'],
    EROFS: ['the disk is read-only', 'choose another place'],
    ENOSPC: ['the disk is full', 'free some space and try again'],
  };
  const [what, hint] = known[code ?? ''] ?? [message, undefined];
  return new MelodyError('io', `${path}: ${what}`, hint, { cause });
}

/** A folder on the disk. */
export function diskFolder(path: string): ByteFolder {
  return {
    name: path,
    async open(file) {
      checkFileName(path, file);
      try {
        return await openFile(join(path, file));
      } catch (error) {
        const cause = (error as Error).cause as NodeJS.ErrnoException | undefined;
        if (cause?.code === 'ENOENT') return undefined;
        throw error;
      }
    },
  };
}
