/** Control, format (bidi, zero-width), line-separator, unpaired, private and unassigned characters: what can lie about a printed name. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/gu;
const LONGEST = 200;

/** A name from a file as it may be printed: unsafe characters become `\u{hex}`, and past 200 characters it is cut. */
export function printable(name: string): string {
  const cut = name.length > LONGEST ? `${name.slice(0, LONGEST)}…` : name;
  return cut.replace(UNSAFE, (c) => `\\u{${(c.codePointAt(0) as number).toString(16)}}`);
}
