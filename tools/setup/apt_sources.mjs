// @ts-check
// Debian 12's own Mesa (22.3) is too old for Dawn; bookworm-backports has a newer one. The suite is read from the mirror that this
// machine already uses: the addresses come from its own source files, so no registry is named here and mirrors and proxies keep working.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * One package source in deb822 form.
 * @typedef {{ types: string[], uris: string[], suites: string[], components: string[], options: [string, string][] }} Source
 */

/**
 * Stanzas of a `.sources` file (deb822). Disabled ones are left out.
 * @param {string} text
 * @returns {Source[]}
 */
export function parseDeb822(text) {
  const sources = [];
  const lines = text.split(/\r?\n/).filter((line) => !line.startsWith('#'));
  for (const block of lines.join('\n').split(/\n\s*\n/)) {
    /** @type {Map<string, string>} */
    const fields = new Map();
    let name = '';
    for (const line of block.split('\n')) {
      const field = /^([A-Za-z0-9-]+):\s*(.*)$/.exec(line);
      if (field) {
        name = field[1];
        fields.set(name, field[2]);
      } else if (/^\s+\S/.test(line) && name) {
        fields.set(name, `${fields.get(name)}\n${line}`);
      }
    }
    const words = (/** @type {string} */ key) => (fields.get(key) ?? '').split(/\s+/).filter(Boolean);
    if (!fields.has('URIs') || /^no$/i.test(fields.get('Enabled') ?? '')) continue;
    const known = ['Types', 'URIs', 'Suites', 'Components', 'Enabled'];
    sources.push({
      types: words('Types'),
      uris: words('URIs'),
      suites: words('Suites'),
      components: words('Components'),
      options: /** @type {[string, string][]} */ ([...fields].filter(([key]) => !known.includes(key))),
    });
  }
  return sources;
}

/** Options of one-line sources, under their deb822 names. */
const optionNames = new Map([
  ['signed-by', 'Signed-By'],
  ['arch', 'Architectures'],
  ['trusted', 'Trusted'],
  ['check-valid-until', 'Check-Valid-Until'],
]);

/**
 * Lines of a `sources.list` file: `deb [option=value …] uri suite component…`.
 * @param {string} text
 * @returns {Source[]}
 */
export function parseOneLine(text) {
  const sources = [];
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)/.exec(line);
    if (!match) continue;
    /** @type {[string, string][]} */
    const options = [];
    for (const pair of (match[1] ?? '').split(/\s+/).filter(Boolean)) {
      const [key, value = ''] = pair.split('=');
      const name = optionNames.get(key);
      if (name) options.push([name, value.replaceAll(',', ' ')]);
    }
    sources.push({
      types: ['deb'],
      uris: [match[2]],
      suites: [match[3]],
      components: match[4].split(/\s+/).filter(Boolean),
      options,
    });
  }
  return sources;
}

/**
 * Every enabled binary source under an apt configuration folder (normally /etc/apt).
 * @param {string} aptFolder
 * @returns {Source[]}
 */
export function readSources(aptFolder) {
  const sources = [];
  for (const [file, parse] of sourceFiles(aptFolder)) {
    try {
      sources.push(...parse(readFileSync(file, 'utf8')));
    } catch {
      // A file that apt may read and we may not (or that is gone) is simply no source of addresses for us.
    }
  }
  return sources.filter((source) => source.types.includes('deb'));
}

/** @param {string} aptFolder @returns {[string, (text: string) => Source[]][]} */
function sourceFiles(aptFolder) {
  const parts = join(aptFolder, 'sources.list.d');
  /** @type {string[]} */
  let names = [];
  try {
    names = readdirSync(parts).sort();
  } catch {
    // No such folder: sources.list alone.
  }
  return [
    [join(aptFolder, 'sources.list'), parseOneLine],
    ...names.filter((n) => n.endsWith('.list')).map((n) => /** @type {any} */ ([join(parts, n), parseOneLine])),
    ...names.filter((n) => n.endsWith('.sources')).map((n) => /** @type {any} */ ([join(parts, n), parseDeb822])),
  ];
}

/**
 * The text of a `.sources` file with Debian's own suites of this release and its backports, or undefined when this machine names no
 * mirror that carries the release's `main`.
 * @param {Source[]} sources
 * @param {string} codename such as `bookworm`
 */
export function backportsSources(sources, codename) {
  const own = new Set([codename, `${codename}-updates`, `${codename}-security`, `${codename}-backports`]);
  const debian = sources.filter((s) => s.components.includes('main') && s.suites.some((suite) => own.has(suite)));
  // Third parties, too, call their suites after Debian's releases; only Debian's archive also has the release's -updates.
  const archives = new Set(debian.filter((s) => s.suites.includes(`${codename}-updates`)).flatMap((s) => s.uris));
  const releases = debian.filter((s) => s.suites.includes(codename));
  const base =
    releases.find((s) => s.uris.some((uri) => archives.has(uri))) ??
    releases.find((s) => s.uris.some((uri) => /\/debian\/?$/.test(uri))) ??
    releases[0];
  if (!base) return undefined;
  const backports = { ...base, suites: [`${codename}-backports`], components: ['main'] };
  const release = debian.filter((s) => s !== base && s.uris.some((uri) => base.uris.includes(uri) || /security/.test(uri)));
  return [base, ...release, backports].map(stanza).join('\n');
}

/** @param {Source} source */
function stanza(source) {
  const fields = [
    ['Types', 'deb'],
    ['URIs', source.uris.join(' ')],
    ['Suites', source.suites.join(' ')],
    ['Components', source.components.join(' ')],
    ...source.options,
  ];
  return `${fields.map(([key, value]) => `${key}: ${value}`).join('\n')}\n`;
}
