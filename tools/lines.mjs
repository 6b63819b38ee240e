// @ts-check
// Minified code in lines that are not very long. Node shows the line that an error comes from where nobody catches it: of code in one line that is all
// of it, 86 kB on a terminal or in a log, with the message behind.
import { parseAst } from 'rolldown/parseAst';

/** A line is ended at the first statement or method after so many characters: shorter ones cost bytes of what pages download. */
const LINE = 5000;

/**
 * The same code, and the mappings of its source map, with line breaks before statements and methods of classes.
 * @param {string} code @param {string | undefined} [mappings] as source maps write them
 * @returns {{ code: string, mappings: string | undefined }}
 */
export function breakLines(code, mappings) {
  /** @type {{ line: number, column: number }[]} */
  const breaks = [];
  let out = '';
  let done = 0;
  let lineStart = 0; // of the line in the given code
  let line = 0;
  for (const at of placesIn(code)) {
    for (let end = code.indexOf('\n', lineStart); end >= 0 && end < at; end = code.indexOf('\n', lineStart)) {
      lineStart = end + 1;
      line++;
    }
    if (at - Math.max(done, lineStart) <= LINE) continue;
    out += `${code.slice(done, at)}\n`;
    done = at;
    breaks.push({ line, column: at - lineStart });
  }
  return { code: out + code.slice(done), mappings: mappings === undefined ? undefined : brokenMappings(mappings, breaks) };
}

/** Where statements and methods of classes begin, in order. @param {string} code @returns {number[]} */
function placesIn(code) {
  /** @param {{ type: string, body?: unknown }} made */
  const methodsOf = ({ type, body }) =>
    /^Class/.test(type) ? /** @type {{ body: { start: number }[] }} */ (body).body.map(({ start }) => start) : [];
  return parseAst(code)
    .body.flatMap((statement) => {
      const made = statement.type === 'ExportNamedDeclaration' ? (statement.declaration ?? statement) : statement;
      const parts = made.type === 'VariableDeclaration' ? made.declarations.flatMap(({ init }) => init ?? []) : [made];
      return [statement.start, ...parts.flatMap(methodsOf)];
    })
    .sort((a, b) => a - b);
}

/** @param {string} mappings @param {readonly { line: number, column: number }[]} breaks in order */
function brokenMappings(mappings, breaks) {
  return mappings
    .split(';')
    .map((segments, line) => {
      const here = breaks.filter((one) => one.line === line).map(({ column }) => column);
      if (here.length === 0 || segments === '') return segments + ';'.repeat(here.length);
      let column = 0; // of the segment, in the given code
      let before = 0; // of the one before it on its line of the new code
      let from = 0; // where that line began
      let text = '';
      for (const segment of segments.split(',')) {
        const { value, rest } = firstOf(segment);
        column += value;
        let first = text === '';
        while (here.length > 0 && /** @type {number} */ (here[0]) <= column) {
          from = /** @type {number} */ (here.shift());
          before = from;
          text += ';';
          first = true;
        }
        text += `${first ? '' : ','}${encoded(column - before)}${rest}`;
        before = column;
      }
      return text + ';'.repeat(here.length);
    })
    .join(';');
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The first number of a segment (VLQ, base 64), and what follows. @param {string} segment */
function firstOf(segment) {
  let bits = 0;
  for (let i = 0; ; i++) {
    const digit = DIGITS.indexOf(segment.charAt(i));
    bits += (digit & 31) * 32 ** i;
    if (digit < 32) return { value: bits % 2 ? -(bits - 1) / 2 : bits / 2, rest: segment.slice(i + 1) };
  }
}

/** @param {number} value not negative */
function encoded(value) {
  let text = '';
  let bits = 2 * value;
  do {
    text += DIGITS.charAt((bits % 32) + (bits >= 32 ? 32 : 0));
    bits = Math.floor(bits / 32);
  } while (bits > 0);
  return text;
}
