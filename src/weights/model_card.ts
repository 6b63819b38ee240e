// What README.md of a model folder says of it.
import type { ByteFolder } from '../platform/bytes.ts';

/** `license` of the model card's front matter. */
export async function licenceOf(folder: ByteFolder, signal?: AbortSignal): Promise<string | undefined> {
  const source = await folder.open('README.md', signal);
  if (!source) return undefined;
  const text = new TextDecoder().decode(await source.read(0, Math.min(source.size, 64 * 1024), signal));
  const matter = /^---\r?\n([\s\S]*?)\r?\n---/.exec(text)?.[1] ?? '';
  return /^license:\s*(\S.*?)\s*$/m.exec(matter)?.[1];
}
