// The safetensors files of docs/requirements.md §2.1, made here byte by byte. `reference` is what Python's safetensors 0.8.0 says
// (held against test/weights/reference_verdicts.json), `fault` what our reader must name when it refuses; none: we accept.

export interface VerdictFile {
  readonly id: number;
  readonly title: string;
  readonly bytes: Uint8Array;
  readonly reference: 'accept' | 'reject';
  readonly fault?: RegExp | undefined;
}

const utf8 = (text: string) => new TextEncoder().encode(text);

/** Length, header, data; the length may be made to lie. */
export function frame(header: string | Uint8Array, data: number | Uint8Array = 0, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? utf8(header) : header;
  const tail = typeof data === 'number' ? new Uint8Array(data) : data;
  const bytes = new Uint8Array(8 + text.length + tail.length);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(tail, 8 + text.length);
  return bytes;
}

const entry = (dtype: string, shape: string, begin: number, end: number) =>
  `{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${begin},${end}]}`;
const W = entry('F32', '2', 0, 8);
const GOOD = `{"w":${W}}`;
const good = (header: string) => frame(header, 8);
const shaped = (shape: string, data = 8) => frame(`{"w":${entry('F32', shape, 0, data)}}`, data);
const offsets = (list: string, data = 8) => frame(`{"w":{"dtype":"F32","shape":[2],"data_offsets":[${list}]}}`, data);
const named = (json: string) => good(`{"${json}":${W}}`);
const concat = (...parts: (string | number[])[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...utf8(part)] : part)));
const values = (dtype: string, shape: string, data: ArrayBuffer) =>
  frame(`{"w":${entry(dtype, shape, 0, data.byteLength)}}`, new Uint8Array(data));

const length = utf8(GOOD).length;
const accept = 'accept';
const reject = 'reject';
type Row = [id: number, title: string, bytes: Uint8Array, reference: 'accept' | 'reject', fault?: RegExp];

const ROWS: Row[] = [
  // frame
  [1, 'empty file', new Uint8Array(0), reject, /got 0 bytes/],
  [2, 'seven bytes', new Uint8Array(7), reject, /got 7 bytes/],
  [3, 'header length 0', frame('', 8), reject, /expected the header as "\{"; got the end/],
  [4, 'header length 2^64 - 1', frame(GOOD, 8, 2n ** 64n - 1n), reject, /length 18446744073709551615 is over the limit/],
  [5, 'header length one over the cap', frame(GOOD, 8, 100_000_001n), reject, /length 100000001 is over the limit/],
  [6, 'header length past the end', frame(GOOD, 8, BigInt(length + 9)), reject, /past the end/],
  [7, 'header length cuts the JSON', frame(GOOD, 8, BigInt(length - 3)), reject, /got the end of the text/],
  [8, 'header length reaches into the data', frame(GOOD, 8, BigInt(length + 4)), reject, /expected the end of the JSON text/],
  // text
  [9, 'not UTF-8', frame(concat('{"', [0xff], `":${W}}`), 8), reject, /not valid UTF-8/],
  [10, 'byte order mark', frame(concat([0xef, 0xbb, 0xbf], GOOD), 8), reject, /byte order mark/],
  [11, 'lone surrogate escape', named('\\ud800'), reject, /lone surrogate/],
  [12, 'leading spaces', good(`   ${GOOD}`), accept],
  [13, 'trailing spaces', good(`${GOOD}     `), accept],
  [14, 'trailing NUL', good(`${GOOD}\0`), reject, /expected the end/],
  // JSON
  [15, 'an array', good(`[${GOOD}]`), reject, /expected the header as "\{"; got "\[/],
  [16, 'null', good('null'), reject, /expected the header as "\{"; got "null/],
  [17, 'trailing comma', good(`{"w":${W},}`), reject, /expected a key/],
  [18, 'two documents', good(`${GOOD}${GOOD}`), reject, /expected the end/],
  [19, 'nesting 5000 deep', good(`{"w":${'['.repeat(5000)}${']'.repeat(5000)}}`), reject, /tensor "w": expected the entry as "\{"/],
  [70, 'NaN literal', shaped('NaN'), reject, /whole number of plain digits; got "NaN/],
  [71, '-0', shaped('-0', 0), reject, /whole number of plain digits; got "-0\]/],
  [72, 'a comment', good(`{/* */"w":${W}}`), reject, /expected a key/],
  // duplicates
  [
    20,
    'one name, one range, two dtypes',
    frame(`{"w":${entry('F32', '1', 0, 4)},"w":${entry('I32', '1', 0, 4)}}`, 4),
    accept,
    /duplicate key "w"/,
  ],
  [21, 'one name, two ranges', frame(`{"w":${entry('F32', '1', 0, 4)},"w":${entry('F32', '1', 4, 8)}}`, 8), reject, /duplicate key "w"/],
  [22, 'one name, once escaped', good(`{"w":${W},"\\u0077":${W}}`), accept, /duplicate key "w"/],
  [23, 'field twice', good('{"w":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}'), reject, /duplicate key "dtype"/],
  [24, '__metadata__ twice', good(`{"__metadata__":{},"__metadata__":{},"w":${W}}`), reject, /duplicate key "__metadata__"/],
  [25, 'key twice in __metadata__', good(`{"__metadata__":{"a":"1","a":"2"},"w":${W}}`), accept, /duplicate key "a"/],
  // metadata
  [26, 'metadata value a number', good(`{"__metadata__":{"a":1},"w":${W}}`), reject, /a value of __metadata__ as a string; got "1/],
  [27, 'metadata an array', good(`{"__metadata__":["a"],"w":${W}}`), reject, /expected __metadata__ as "\{"/],
  [28, 'metadata null', good(`{"__metadata__":null,"w":${W}}`), accept, /expected __metadata__ as "\{"/],
  [29, 'metadata shaped like a tensor', good(`{"__metadata__":${W}}`), reject, /a value of __metadata__ as a string; got "\[2/],
  // entry
  [30, 'unknown dtype', frame(`{"w":${entry('F33', '2', 0, 8)}}`, 8), reject, /unknown dtype "F33"/],
  [31, 'lower-case dtype', frame(`{"w":${entry('f32', '2', 0, 8)}}`, 8), reject, /unknown dtype "f32"/],
  [32, 'no shape', good('{"w":{"dtype":"F32","data_offsets":[0,8]}}'), reject, /tensor "w": no shape/],
  [33, 'extra field', good('{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}}'), accept, /unknown field "x"/],
  [37, 'dimension a string', shaped('"2"'), reject, /whole number of plain digits; got ""2"/],
  [46, 'one offset', offsets('8'), reject, /must be two numbers; got 1/],
  [47, 'three offsets', offsets('0,8,8'), reject, /more than 2 numbers/],
  // numbers
  [34, 'negative dimension', shaped('-2'), reject, /whole number of plain digits; got "-2\]/],
  [35, 'dimension 1.0', shaped('2,1.0'), reject, /whole number of plain digits; got "1\.0\]/],
  [36, 'dimension 1e0', shaped('2,1e0'), reject, /whole number of plain digits; got "1e0\]/],
  [38, 'product of dimensions overflows', shaped('1099511627776,1099511627776'), reject, /more than 2\^48 elements/],
  [39, 'product times dtype overflows', shaped('2147483648,2147483648'), reject, /more than 2\^48 elements/],
  [40, 'product wraps to 4 elements', shaped('20,922337203685477581', 16), reject, /out of range; got 922337203685477581/],
  [41, 'dimension 2^53 + 1 beside a zero', shaped('9007199254740993,0', 0), accept, /out of range; got 9007199254740993/],
  [45, 'negative begin', offsets('-8,0'), reject, /whole number of plain digits; got "-8,0\]/],
  // offsets
  [42, 'too few bytes', offsets('0,4', 4), reject, /takes 8 bytes; data_offsets \[0, 4\] hold 4/],
  [43, 'too many bytes', offsets('0,12', 12), reject, /takes 8 bytes; data_offsets \[0, 12\] hold 12/],
  [44, 'end before begin', offsets('8,0'), reject, /end before they begin/],
  [48, 'hole at the start', offsets('8,16', 16), reject, /a hole of 8 bytes before tensor "w"/],
  [49, 'hole', frame(`{"a":${W},"b":${entry('F32', '2', 12, 20)}}`, 20), reject, /a hole of 4 bytes before tensor "b"/],
  [50, 'overlap', frame(`{"a":${W},"b":${entry('F32', '2', 4, 12)}}`, 12), reject, /an overlap at the start of tensor "b"/],
  [51, 'ten names on one range', good(`{${[...'abcdefghij'].map((name) => `"${name}":${W}`).join(',')}}`), reject, /an overlap/],
  [52, 'empty tensor on a boundary', good(`{"w":${W},"e":${entry('F32', '0', 8, 8)}}`), accept],
  [53, 'empty tensor inside another', good(`{"w":${W},"e":${entry('F32', '0', 4, 4)}}`), reject, /an overlap at the start of tensor "e"/],
  [54, 'data cut short', frame(GOOD, 7), reject, /cut short/],
  [55, 'bytes after the data', frame(GOOD, 9), reject, /1 bytes follow the last tensor/],
  [56, 'data without tensors', frame('{}', 8), reject, /8 bytes follow/],
  // names
  [57, 'empty name', named(''), accept, /empty name/],
  [58, 'NUL in a name', named('a\\u0000b'), accept, /holds a NUL/],
  [59, 'a path as a name', named('../../etc/passwd'), accept],
  [60, '__proto__', named('__proto__'), accept],
  [61, 'constructor', named('constructor'), accept],
  [62, 'terminal and direction controls in a name', named('\\u001b[31mred\\u202e'), accept],
  [63, 'NFC and NFD twins', good(`{"é":${entry('F32', '1', 0, 4)},"e\u0301":${entry('F32', '1', 4, 8)}}`), accept],
  // layout
  [64, 'rank 64', frame(`{"w":${entry('F32', Array(64).fill(1).join(','), 0, 4)}}`, 4), accept, /more than 8 numbers/],
  [65, 'unaligned F32', frame(`{"b":${entry('U8', '1', 0, 1)},"w":${entry('F32', '1', 1, 5)}}`, concat([7, 0, 0, 128, 63])), accept],
  [66, 'odd header length', good(length % 2 === 1 ? GOOD : `${GOOD} `), accept],
  [67, 'three elements of F4', frame(`{"w":${entry('F4', '3', 0, 1)}}`, 1), reject, /do not fill whole bytes/],
  // values
  [
    68,
    'NaN and infinity as values',
    values('F32', '3', Float32Array.of(1, Number.NaN, Infinity).buffer),
    accept,
    /is NaN or infinite at element 1/,
  ],
  [69, 'BOOL of 2', values('BOOL', '3', Uint8Array.of(0, 1, 2).buffer), accept, /is not 0 or 1 at element 2/],
];

/** All 72, by number. */
export const VERDICT_FILES: readonly VerdictFile[] = ROWS.map(([id, title, bytes, reference, fault]) => ({
  id,
  title,
  bytes,
  reference,
  fault,
})).sort((a, b) => a.id - b.id);
