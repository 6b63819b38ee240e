// Files in memory as a folder, for tests and fuzzing.
import { type ByteFolder, memorySource } from '../src/platform/bytes.ts';

export function memoryFolder(name: string, files: ReadonlyMap<string, Uint8Array>): ByteFolder {
  return {
    name,
    async open(file) {
      const data = files.get(file);
      return data && memorySource(`${name}/${file}`, data);
    },
  };
}
