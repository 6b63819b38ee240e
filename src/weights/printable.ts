/** Control, format (bidi, zero-width), line-separator, unpaired, private and unassigned characters: what can lie about a printed name. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;
const LONGEST = 200;

const escaped = (c: string) => `\\u{${(c.codePointAt(0) as number).toString(16)}}`;

/** A name from a file as it may be printed: unsafe characters become `\u{hex}`, and past 200 characters it is cut. */
export function printable(name: string): string {
  return (name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name).replace(UNSAFE, escaped);
}

/** A message of any length as it may be printed: as `printable`, but line breaks stay. */
export const printableText = (text: string): string => text.replace(UNSAFE, (c) => (c === '\n' ? c : escaped(c)));
