// Where this package lies, whether run from dist/ or from the sources: its weights and configs are found from here.
import { existsSync, readFileSync } from 'node:fs';

/** The nearest folder above this file with our package.json, as a file URL that ends in a slash. */
export function packageRoot(from: string = import.meta.url): URL {
  for (let folder = new URL('.', from); ; folder = new URL('..', folder)) {
    const file = new URL('package.json', folder);
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'melody') return folder;
    if (folder.href === new URL('..', folder).href) throw new Error(`no package.json of melody above ${from}`);
  }
}
