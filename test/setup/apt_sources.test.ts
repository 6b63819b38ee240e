import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backportsSources, parseDeb822, parseOneLine, readSources } from '../../tools/setup/apt_sources.mjs';

const DEBIAN_12 = `Types: deb
# a comment inside a stanza
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
`;

test('deb822: fields, comments and stanzas', () => {
  const [first, second, ...rest] = parseDeb822(DEBIAN_12);
  expect(rest).toEqual([]);
  expect(first).toEqual({
    types: ['deb'],
    uris: ['http://mirror.example/debian'],
    suites: ['bookworm', 'bookworm-updates'],
    components: ['main'],
    options: [['Signed-By', '/usr/share/keyrings/debian-archive-keyring.gpg']],
  });
  expect(second.suites).toEqual(['bookworm-security']);
});

test('deb822: a key written into the stanza keeps its lines', () => {
  const [source] = parseDeb822(
    'Types: deb\nURIs: http://a.example/debian\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN\n .\n abc\n',
  );
  expect(source.options).toEqual([['Signed-By', '\n -----BEGIN\n .\n abc']]);
});

test('deb822: disabled stanzas are left out', () => {
  expect(parseDeb822(`Enabled: no\n${DEBIAN_12}`)).toHaveLength(1);
});

test('one-line sources: options, comments, source packages', () => {
  const text = `# deb http://no.example/debian bookworm main
deb [signed-by=/k.gpg arch=amd64,arm64] http://mirror.example/debian bookworm main contrib # why
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm-updates main`;
  expect(parseOneLine(text)).toEqual([
    {
      types: ['deb'],
      uris: ['http://mirror.example/debian'],
      suites: ['bookworm'],
      components: ['main', 'contrib'],
      options: [
        ['Signed-By', '/k.gpg'],
        ['Architectures', 'amd64 arm64'],
      ],
    },
    { types: ['deb'], uris: ['http://mirror.example/debian'], suites: ['bookworm-updates'], components: ['main'], options: [] },
  ]);
});

test('backports come from the machine’s own mirror, with its key', () => {
  const text = backportsSources(parseDeb822(DEBIAN_12), 'bookworm') ?? '';
  const added = parseDeb822(text).at(-1);
  expect(added).toEqual({
    types: ['deb'],
    uris: ['http://mirror.example/debian'],
    suites: ['bookworm-backports'],
    components: ['main'],
    options: [['Signed-By', '/usr/share/keyrings/debian-archive-keyring.gpg']],
  });
  expect(parseDeb822(text)).toHaveLength(3);
});

test('a third party that calls its suite after the release is not taken for Debian', () => {
  const thirdParty = 'Types: deb\nURIs: http://tools.example/apt\nSuites: bookworm\nComponents: main\n';
  const text = backportsSources(parseDeb822(`${thirdParty}\n${DEBIAN_12}`), 'bookworm') ?? '';
  expect(parseDeb822(text).at(-1)?.uris).toEqual(['http://mirror.example/debian']);
  expect(text).not.toContain('tools.example');
});

test('release and updates in separate one-line sources still find the archive', () => {
  const text =
    'deb http://x.example/y bookworm main\ndeb http://m.example/deb bookworm main\ndeb http://m.example/deb bookworm-updates main';
  expect(parseDeb822(backportsSources(parseOneLine(text), 'bookworm') ?? '').at(-1)?.uris).toEqual(['http://m.example/deb']);
});

test('no source of the release, no backports', () => {
  expect(backportsSources(parseOneLine('deb http://m.example/debian trixie main'), 'bookworm')).toBeUndefined();
  expect(backportsSources([], 'bookworm')).toBeUndefined();
});

test('an apt folder is read whole: sources.list, .list and .sources, nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'melody-test-'));
  mkdirSync(join(folder, 'sources.list.d'));
  writeFileSync(join(folder, 'sources.list'), 'deb http://one.example/debian bookworm main\n');
  writeFileSync(join(folder, 'sources.list.d/a.list'), 'deb http://two.example/debian bookworm main\n');
  writeFileSync(join(folder, 'sources.list.d/b.sources'), DEBIAN_12);
  writeFileSync(join(folder, 'sources.list.d/c.list.disabled'), 'deb http://no.example/debian bookworm main\n');
  const hosts = readSources(folder).map(({ uris }) => new URL(uris[0]).host);
  expect(hosts).toEqual(['one.example', 'two.example', 'mirror.example', 'mirror.example']);
  expect(readSources(join(folder, 'none'))).toEqual([]);
});
