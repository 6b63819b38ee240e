// Generators of safetensors files and indexes, good and broken, for tools/fuzz_safetensors.ts and test/weights/fuzz.test.ts.
import fc from 'fast-check';
import { DTYPE_BITS, type Dtype } from '../src/weights/safetensors.ts';
import { frame, VERDICT_FILES } from '../test/weights/verdict_files.ts';

/** One tensor of a header as JSON tokens, so that a mutation can put anything anywhere. */
interface Entry {
  name: string;
  fields: [key: string, json: string][];
}

/** A header before it is written, and the data behind it. */
interface Draft {
  entries: Entry[];
  metadata: [string, string][] | undefined;
  pad: string;
  data: Uint8Array;
}

const NASTY_NAMES = [
  '',
  '__proto__',
  'constructor',
  'toString',
  '__metadata__',
  '../x',
  'a\0b',
  '\u202egnp',
  'e\u0301',
  '\u00e9',
  'hasOwnProperty',
  '0',
];
// biome-ignore format: one table
const NASTY_JSON = [
  '0', '1', '-1', '-0', '00', '1.0', '1e0', '1E400', 'NaN', '8', '4294967296', '281474976710656', '281474976710657', '9007199254740993',
  '18446744073709551615', '18446744073709551616', '9'.repeat(400), 'null', 'true', '"2"', '""', '[]', '{}', '[[0]]', '{"a":1}', '"F32"',
  '"f32"', '"F4"', '"BOOL"', '"\\ud800"', '"\\u0000"', '"\\x"', '[0,0]', '[8,0]', '[0,8]', '[0]', '[0,1,2]', '[1,1,1,1,1,1,1,1,1]',
  `${'['.repeat(300)}${']'.repeat(300)}`, '/**/1', '1,', ',', ']', '}', '"', '\\', '\ufeff',
];

const name = fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.string({ maxLength: 12 }), fc.constantFrom(...NASTY_NAMES));
const dtype = fc.constantFrom(...(Object.keys(DTYPE_BITS) as Dtype[]));
const shape = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 });
const json = fc.constantFrom(...NASTY_JSON);

/** A file that must be accepted: distinct honest names, tensors that tile the data, finite values. */
const goodDraft: fc.Arbitrary<Draft> = fc
  .record({
    tensors: fc.uniqueArray(fc.record({ name, dtype, shape }), { selector: (tensor) => tensor.name, maxLength: 6 }),
    metadata: fc.option(fc.uniqueArray(fc.tuple(name, name), { selector: ([key]) => key, maxLength: 3 }), { nil: undefined }),
    pad: fc.constantFrom('', ' ', '\n\t ', ' '.repeat(7)),
    seed: fc.integer(),
    order: fc.boolean(),
  })
  .map(({ tensors, metadata, pad, seed, order }) => {
    let end = 0;
    const wide: [number, number][] = [];
    const entries: Entry[] = [];
    for (const tensor of tensors) {
      const bits = tensor.shape.reduce((n, d) => n * d, DTYPE_BITS[tensor.dtype]);
      if (tensor.name === '' || tensor.name === '__metadata__' || tensor.name.includes('\0') || bits % 8 !== 0) continue;
      const begin = end;
      end += bits / 8;
      if (tensor.dtype === 'I64') wide.push([begin, end]);
      const fields: Entry['fields'] = [
        ['dtype', JSON.stringify(tensor.dtype)],
        ['shape', JSON.stringify(tensor.shape)],
        ['data_offsets', JSON.stringify([begin, end])],
      ];
      entries.push({ name: tensor.name, fields: order ? fields : fields.reverse() });
    }
    if (order) entries.reverse();
    // Bytes of 0 and 1 are honest values of every dtype, BOOL too; I64 must fit 32 bits.
    const data = Uint8Array.from({ length: end }, (_, i) => (Math.imul(seed ^ i, 0x9e3779b1) >>> 31) & 1);
    for (const [from, to] of wide) data.fill(0, from, to);
    return { entries, metadata, pad, data };
  });

function write({ entries, metadata, pad, data }: Draft): Uint8Array {
  const parts = entries.map(
    ({ name, fields }) => `${JSON.stringify(name)}:{${fields.map(([key, value]) => `"${key}":${value}`).join(',')}}`,
  );
  if (metadata)
    parts.unshift(`"__metadata__":{${metadata.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`);
  return frame(`${pad}{${parts.join(`,${pad}`)}}${pad}`, data);
}

/** A change of meaning: a token, a field, an entry, the data. `at` and `value` are free numbers to choose places with. */
type Change = { kind: number; at: number; other: number; json: string; name: string };
const change: fc.Arbitrary<Change> = fc.record({ kind: fc.nat(9), at: fc.nat(1000), other: fc.nat(1000), json, name });

function apply(draft: Draft, { kind, at, other, json, name }: Change): void {
  const { entries } = draft;
  const entry = entries[at % Math.max(1, entries.length)];
  if (!entry || kind === 0) {
    draft.data =
      at % 2
        ? draft.data.subarray(0, Math.max(0, draft.data.length - 1 - (other % 9)))
        : new Uint8Array(draft.data.length + 1 + (other % 9));
    return;
  }
  const field = entry.fields[other % Math.max(1, entry.fields.length)];
  if (kind === 1) entries.push({ name: other % 2 ? entry.name : name, fields: entry.fields });
  else if (kind === 2) entry.name = name;
  else if (kind === 3) entry.fields.push(field ?? ['dtype', json]);
  else if (kind === 4) entry.fields.push([name.replace(/["\\\p{Cc}]/gu, ''), json]);
  else if (kind === 5) entry.fields.splice(other % 3, 1);
  else if (kind === 6) draft.data.fill(255, at % Math.max(1, draft.data.length));
  else if (kind === 7)
    draft.metadata = [
      [name, name],
      [name, json],
    ];
  else if (field && kind === 8) field[1] = json;
  else if (field) field[1] = replaceNumber(field[1], at, json);
}

/** One number inside a token, such as an offset, becomes something else, or shifts by a little. */
function replaceNumber(token: string, at: number, json: string): string {
  const numbers = [...token.matchAll(/\d+/g)];
  const hit = numbers[at % Math.max(1, numbers.length)];
  if (!hit) return json;
  const value = at % 3 === 0 ? String(Number(hit[0]) + (at % 17) - 8) : json;
  return token.slice(0, hit.index) + value + token.slice(hit.index + hit[0].length);
}

/** Byte edits: set, insert, delete, copy a run, cut or a byte of the length. */
const edit = fc.record({
  kind: fc.nat(4),
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  run: fc.integer({ min: 1, max: 24 }),
  byte: fc.nat(255),
});

function editBytes(bytes: Uint8Array, edits: { kind: number; at: number; run: number; byte: number }[]): Uint8Array {
  let out = [...bytes];
  for (const { kind, at, run, byte } of edits) {
    const i = Math.floor(at * out.length);
    if (kind === 0) out[i] = run % 2 ? byte : out[(byte * run) % out.length];
    else if (kind === 1) out.splice(i, 0, byte);
    else if (kind === 2) out.splice(i, run);
    else if (kind === 3) out.splice(i, 0, ...out.slice(i, i + run));
    else if (byte < 64) out = out.slice(0, i);
    else out[i % Math.max(1, Math.min(8, out.length))] = byte; // the length field
  }
  return Uint8Array.from(out);
}

const corpus = VERDICT_FILES.map(({ bytes }) => bytes).filter((bytes) => bytes.length < 2000);

/** One part of a header, written a great many times: what could cost more memory or time than it takes room. */
const REPEATED: readonly ((i: number) => string)[] = [
  (i) => `"${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},`,
  (i) => `"${i}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]},`,
  (i) => `"${i}":{},`,
  () => `"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1],"data_offsets":[0,4]},`,
  (i) => `"\\u0061${i}":{"dtype":"U8","shape":[],"data_offsets":[${i},${i + 1}]},`,
  (i) => `"${i}":"",`,
  () => '\\n',
  () => '\\ud83d\\ude00',
  () => '\\ud800',
  () => '\\\\',
  () => '\u00e9',
  () => '\u4e2d',
  () => '9',
  () => '[',
  () => '{"a":',
  () => ' ',
  () => '0,',
];
const REPEATED_IN = ['{', '{"__metadata__":{', '{"', '{"w":{"dtype":"', '{"w":{"shape":[', '{"w":'];
const EMPTY = '"dtype":"U8","shape":[0],"data_offsets":[0,0]}}';
const CLOSED_BY = ['', '}', '}}', `":{${EMPTY}`, `"z":{${EMPTY}`, `"":""},"z":{${EMPTY}`];
const fitting: [before: string, unit: number, after: string][] = [
  ['{', 0, CLOSED_BY[4]],
  ['{', 1, CLOSED_BY[4]],
  ['{', 4, CLOSED_BY[4]],
  ['{"__metadata__":{', 5, CLOSED_BY[5]],
  ['{"', 6, CLOSED_BY[3]],
  ['{"', 7, CLOSED_BY[3]],
  ['{"', 10, CLOSED_BY[3]],
  ['{"', 11, CLOSED_BY[3]],
];
const large = fc
  .record({
    parts: fc.oneof(
      fc.constantFrom(...fitting),
      fc.tuple(fc.constantFrom(...REPEATED_IN), fc.nat(REPEATED.length - 1), fc.constantFrom(...CLOSED_BY)),
    ),
    size: fc.integer({ min: 300_000, max: 1_000_000 }),
  })
  .map(({ parts: [before, unit, after], size }) => {
    let text = before;
    let count = 0;
    while (text.length < size) text += REPEATED[unit](count++);
    return frame(text + after, unit === 1 || unit === 4 ? count : 0);
  });

/** An index of up to five shards as text, whole or with pieces of it replaced. */
const shardName = fc.oneof(
  fc.nat(4).map((i) => `model-${i}.safetensors`),
  fc.constantFrom('../x.safetensors', '/x.safetensors', 'MODEL-0.safetensors', 'x', '', 'c:\\x.safetensors', 'a\0.safetensors'),
);
const indexText = fc
  .record({
    map: fc.array(fc.tuple(name, shardName), { maxLength: 5 }),
    total: fc.option(json),
    hits: fc.array(fc.tuple(fc.nat(400), fc.nat(12), json), { maxLength: 2 }),
  })
  .map(({ map, total, hits }) => {
    const metadata = total === null ? '' : `"metadata":{"total_size":${total}},`;
    let text = `{${metadata}"weight_map":{${map.map(([key, shard]) => `${JSON.stringify(key)}:${JSON.stringify(shard)}`).join(',')}}}`;
    for (const [at, run, value] of hits) text = text.slice(0, at % text.length) + value + text.slice((at % text.length) + run);
    return new TextEncoder().encode(text);
  });

/** A generator with its name. */
export interface Generator {
  readonly name: string;
  /** What its bytes are. */
  readonly makes: 'weights' | 'index';
  /** All that it makes must be accepted. */
  readonly good: boolean;
  readonly files: fc.Arbitrary<Uint8Array>;
  /** Run one case for so many of the others'. */
  readonly oneIn: number;
}

export const GENERATORS: readonly Generator[] = [
  { name: 'good', makes: 'weights', good: true, oneIn: 1, files: goodDraft.map(write) },
  {
    name: 'structure',
    makes: 'weights',
    good: false,
    oneIn: 1,
    files: fc.tuple(goodDraft, fc.array(change, { minLength: 1, maxLength: 3 })).map(([draft, changes]) => {
      for (const one of changes) apply(draft, one);
      return write(draft);
    }),
  },
  {
    name: 'bytes',
    makes: 'weights',
    good: false,
    oneIn: 1,
    files: fc
      .tuple(fc.oneof(goodDraft.map(write), fc.constantFrom(...corpus)), fc.array(edit, { minLength: 1, maxLength: 4 }))
      .map(([bytes, edits]) => editBytes(bytes, edits)),
  },
  {
    name: 'tokens',
    makes: 'weights',
    good: false,
    oneIn: 1,
    files: fc
      .array(
        fc.oneof(json, fc.constantFrom('{', '}', '[', ']', ':', ',', '"w"', '"dtype"', '"shape"', '"data_offsets"', '"__metadata__"')),
        { maxLength: 40 },
      )
      .map((tokens) => frame(`{${tokens.join('')}`, 16)),
  },
  {
    name: 'noise',
    makes: 'weights',
    good: false,
    oneIn: 1,
    files: fc.tuple(fc.uint8Array({ maxLength: 200 }), fc.nat(220)).map(([noise, n]) => frame(noise, 0, BigInt(n))),
  },
  { name: 'large', makes: 'weights', good: false, oneIn: 200, files: large },
  { name: 'index', makes: 'index', good: false, oneIn: 1, files: indexText },
];
