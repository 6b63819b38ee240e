// ID3v2.4 (id3.org/id3v2.4.0-structure) in a WAV's `id3 ` chunk: text frames alone, by the INFO id that says the same.

const FRAMES: Readonly<Record<string, string>> = {
  INAM: 'TIT2',
  IART: 'TPE1',
  IPRD: 'TALB',
  ICRD: 'TDRC',
  IGNR: 'TCON',
  ISFT: 'TSSE',
  ICOP: 'TCOP',
  ICMT: 'COMM',
};
const MAX_FRAMES = 256;
const UTF8 = 3;

/** The tag of what INFO says; what ID3 has no frame for is left out. */
export function id3Of(info: Readonly<Record<string, string>>): Uint8Array {
  const frames = Object.entries(info).flatMap(([id, text]) => {
    const frame = Object.hasOwn(FRAMES, id) ? FRAMES[id] : undefined;
    if (!frame) return [];
    const body = new TextEncoder().encode(`${frame === 'COMM' ? 'eng\0' : ''}${text}`);
    return [...new TextEncoder().encode(frame), ...size(body.length + 1), 0, 0, UTF8, ...body];
  });
  return Uint8Array.from([0x49, 0x44, 0x33, 4, 0, 0, ...size(frames.length), ...frames]);
}

/** Adds what the tag says to `info`, where that does not say it yet. A malformed tail ends the tag. */
export function readId3(tag: Uint8Array, info: Record<string, string>): void {
  const version = tag[3] ?? 0;
  if (tag.length < 10 || tag[0] !== 0x49 || tag[1] !== 0x44 || tag[2] !== 0x33 || version < 3 || version > 4) return;
  if ((tag[5] ?? 0) & 0xc0) return; // unsynchronised or with an extended head: nobody writes that into a WAV
  const end = Math.min(tag.length, 10 + syncsafe(tag, 6));
  let at = 10;
  for (let n = 0; n < MAX_FRAMES && at + 10 <= end && tag[at] !== 0; n++) {
    const id = String.fromCharCode(...tag.subarray(at, at + 4));
    const length = version === 4 ? syncsafe(tag, at + 4) : new DataView(tag.buffer, tag.byteOffset).getUint32(at + 4);
    const body = tag.subarray(at + 10, at + 10 + length);
    at += 10 + length;
    if (at > end) return;
    const name = Object.keys(FRAMES).find((one) => FRAMES[one] === id);
    if (!name || Object.hasOwn(info, name) || body.length < 2) continue;
    const text = textOf(body[0] ?? 0, body.subarray(id === 'COMM' ? 4 : 1));
    if (text !== undefined) info[name] = (id === 'COMM' ? text.slice(text.indexOf('\0') + 1) : text).split('\0', 1)[0] ?? '';
  }
}

/** Bytes of a tag that stands in front of a file, or 0. `start`: its first ten bytes at least. */
export function id3Length(start: Uint8Array): number {
  if (start.length < 10 || start[0] !== 0x49 || start[1] !== 0x44 || start[2] !== 0x33 || (start[3] ?? 9) > 4) return 0;
  return 10 + syncsafe(start, 6) + ((start[5] ?? 0) & 0x10 ? 10 : 0); // and a footer, where its flag is set
}

/** Text in one of ID3's four encodings; undefined where it is in none. */
function textOf(encoding: number, bytes: Uint8Array): string | undefined {
  const name = ['windows-1252', 'utf-16le', 'utf-16be', 'utf-8'][encoding];
  if (!name) return undefined;
  const big = encoding === 1 && bytes[0] === 0xfe;
  return new TextDecoder(big ? 'utf-16be' : name).decode(bytes);
}

/** Seven bits a byte. */
const size = (n: number) => [(n >> 21) & 127, (n >> 14) & 127, (n >> 7) & 127, n & 127];
const syncsafe = (bytes: Uint8Array, at: number) => [0, 1, 2, 3].reduce((n, i) => n * 128 + ((bytes[at + i] ?? 0) & 127), 0);
