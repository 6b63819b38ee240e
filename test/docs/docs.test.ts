// What the documentation names exists: files, links and the sections that comments cite.
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const SKIP = /^(node_modules|dist|out|runs|\.git|\.venv|goldens|results|data|shared)$/;

function files(folder: string, ending: RegExp): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (SKIP.test(entry.name) || entry.isSymbolicLink()) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? files(path, ending) : ending.test(entry.name) ? [path] : [];
  });
}

const pages = files(root, /\.md$/);
const faults = (page: string, pattern: RegExp, missing: (match: RegExpMatchArray) => boolean) =>
  [...readFileSync(page, 'utf8').matchAll(pattern)].filter(missing).map((match) => `${relative(root, page)}: ${match[1]}`);

test('every link to a file leads to one that a clone has', () => {
  expect(pages.length).toBeGreaterThan(10);
  // What git ignores (a row of bench/results that was not added) lies here and nowhere else.
  const kept = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' });
  const cloned = (path: string) => `\0${kept}`.includes(`\0${relative(root, path)}`);
  const links = pages.flatMap((page) =>
    faults(page, /\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g, ([, target]) => {
      const path = join(dirname(page), decodeURI(target));
      return !existsSync(path) || !cloned(path);
    }),
  );
  expect(links).toEqual([]);
});

test('every path that docs, README and CONTRIBUTING name exists', () => {
  const named = pages.filter((page) => /^(docs\/|README\.md|CONTRIBUTING\.md|SECURITY\.md)/.test(relative(root, page)));
  const path = /`((?:src|kernels|test|tools|bench|demo|docs|weights|examples|findings)(?:\/[\w.*-]+)*\/?)`/g;
  const missing = named.flatMap((page) =>
    faults(page, path, ([, name]) => !name.includes('*') && !/\bfoo\b/.test(name) && !existsSync(join(root, name))),
  );
  expect(missing).toEqual([]);
});

test('comments cite pages of docs/ and sections that are there', () => {
  const sources = ['src', 'kernels', 'test', 'tools', 'bench', 'demo', 'weights'].flatMap((folder) =>
    files(join(root, folder), /\.(ts|mjs|wgsl|py|md)$/),
  );
  const wrong: string[] = [];
  let cited = 0;
  for (const source of sources) {
    const text = readFileSync(source, 'utf8');
    for (const [whole, folder, name, sections] of text.matchAll(
      /\b(docs\/)?(system|requirements|training)\.md(?:,? (?:§|sections? )([\d.]+))?/g,
    )) {
      const where = `${relative(root, source)}: ${whole}`;
      cited++;
      const page = join(root, 'docs', `${name}.md`);
      if (!folder || !existsSync(page)) wrong.push(`${where}: not a page of docs/`);
      // §9.5 is item 5 of section 9 where there is no such heading.
      else if (sections) {
        const number = sections.replace(/\.$/, '');
        const headings =
          readFileSync(page, 'utf8')
            .match(/^#+ ([\d.]+)/gm)
            ?.map((line) => line.replace(/^#+ |\.$/g, '')) ?? [];
        if (!headings.includes(number) && !headings.includes(number.split('.')[0])) wrong.push(`${where}: no section ${number}`);
      }
    }
  }
  expect(cited).toBeGreaterThan(40);
  expect(wrong).toEqual([]);
});
