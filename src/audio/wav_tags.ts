/**
 * Tags of a WAV file, and the recipe that a generated file carries.
 *
 * The recipe goes into one chunk `mldy` of UTF-8 JSON that `readRecipe` gives back exactly, and once more into INFO's ISRF (form of the source): ffmpeg drops
 * chunks that it does not know, but keeps INFO, in other formats too. The other facts stand as INFO text, which players and editors show, in an `id3 `
 * chunk, whose UTF-8 others read (mutagen, taggers), and in XMP (chunk `_PMX`), where IPTC puts how media were made.
 */
import { MelodyError } from '../errors.ts';
import { id3Of } from './id3.ts';

/** Text that a WAV file carries beside its samples. */
export interface WavTags {
  /** RIFF INFO: four-letter id → text, for example INAM (title), ICMT (comment), ISFT (software), ICOP (licence). */
  info: Record<string, string>;
  /** Text of the iXML chunk, as it stands. */
  ixml?: string | undefined;
  /** Text of the `mldy` chunk, as it stands; see `readRecipe`. A WAV that has it gets an `id3 ` chunk too, of what INFO says. */
  melody?: string | undefined;
  /** Text of the XMP packet (chunk `_PMX`), as it stands. */
  xmp?: string | undefined;
}

/** What a generated file says about itself. */
export interface RecipeNote {
  /** Any JSON value; melody's own recipe holds prompt, seed, steps, guidance and the hash of the weights. */
  recipe: unknown;
  /** Name and version of the program. */
  software: string;
  /** Licence of the audio, as a name or SPDX id; or whose licence it is, where it is not that of the audio. */
  license: string;
  /** Short text that a player may show as the title, usually the prompt. */
  title: string;
}

const AI_COMMENT = 'AI-generated';
/** IPTC's word for media made wholly by a trained model. */
const DIGITAL_SOURCE_TYPE = 'http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia';

/** The tags by which `writeWav` puts a recipe, its licence and a notice that a program made the music into a file. */
export function recipeTags(note: RecipeNote): WavTags {
  return {
    info: { INAM: plain(note.title), ICMT: AI_COMMENT, ISFT: plain(note.software), ICOP: plain(note.license) },
    melody: JSON.stringify({ ...note, aiGenerated: true, digitalSourceType: DIGITAL_SOURCE_TYPE }),
    xmp: xmpOf(note),
  };
}

/** What a file says of rights: the licence of the weights that made the music, which is not that of the music. Default: not stated. */
export const weightsLicence = (model: string, licence = 'not stated'): string =>
  `weights of ${model}: ${licence} (licence of the model, not of this music)`;

/** An XMP packet (ISO 16684-1) with the title, the program and IPTC's DigitalSourceType. */
function xmpOf({ title, software }: RecipeNote): string {
  const xml = (text: string) =>
    plain(text)
      .replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, ' ')
      .replace(/[<>&"]/g, (c) => `&#${c.charCodeAt(0)};`);
  return (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">' +
    '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" ' +
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" ' +
    `Iptc4xmpExt:DigitalSourceType="${DIGITAL_SOURCE_TYPE}" xmp:CreatorTool="${xml(software)}">` +
    `<dc:title><rdf:Alt><rdf:li xml:lang="x-default">${xml(title)}</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>`
  );
}

/** INFO text ends at the first NUL and is UTF-8, so those two things are taken out; the recipe keeps the exact text. */
function plain(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text.replaceAll('\0', ' ').slice(0, 1000)));
}

/** The note of a generated file, or undefined for other files. Throws `audio` when the chunk is there but broken. */
export function readRecipe(tags: WavTags): RecipeNote | undefined {
  if (tags.melody === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(tags.melody);
  } catch (cause) {
    throw new MelodyError('audio', 'wav: the recipe chunk (mldy) is not JSON', undefined, { cause });
  }
  if (typeof value !== 'object' || value === null || !('recipe' in value)) {
    throw new MelodyError('audio', 'wav: the recipe chunk (mldy) has no field "recipe"');
  }
  const fields = value as Record<string, unknown>;
  const text = (name: string) => (typeof fields[name] === 'string' ? fields[name] : '');
  return { recipe: fields.recipe, software: text('software'), license: text('license'), title: text('title') };
}

/** The INFO text that is a copy of the recipe. */
export const RECIPE_INFO = 'ISRF';

/** Takes the copy of a recipe out of `info`, for files that another program has saved again without the chunk `mldy`. */
export function takeRecipe(tags: WavTags): void {
  const copy = tags.info[RECIPE_INFO];
  if (!copy?.startsWith('{"recipe":')) return;
  delete tags.info[RECIPE_INFO];
  tags.melody ??= copy;
}

const MAX_INFO_ENTRIES = 256;

/** Adds the entries of an INFO list to `info`; the first of equal ids wins. A malformed tail ends the list. */
export function readInfo(body: Uint8Array, info: Record<string, string>, little = true): void {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let entries = Object.keys(info).length;
  let at = 0;
  while (at + 8 <= body.length && entries < MAX_INFO_ENTRIES) {
    const id = String.fromCharCode(...body.subarray(at, at + 4));
    const size = view.getUint32(at + 4, little);
    if (size > body.length - at - 8) return;
    if (!Object.hasOwn(info, id)) {
      info[id] = infoText(body.subarray(at + 8, at + 8 + size));
      entries++;
    }
    at += 8 + size + (size & 1);
  }
}

function infoText(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  const text = end < 0 ? bytes : bytes.subarray(0, end);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(text);
  } catch {
    return new TextDecoder('windows-1252').decode(text); // what Windows programs write
  }
}

/** The tags as RIFF chunks, each padded to even length; LIST is the last of them, since some programs take all that follows for a part of it. */
export function encodeTags(tags: WavTags): Uint8Array {
  const parts: Uint8Array[] = [];
  const { melody, info } = tags;
  const copied = melody?.startsWith('{"recipe":') && !melody.includes('\0') ? { [RECIPE_INFO]: melody, ...info } : info;
  const entries = Object.entries(copied).map(([id, text]) => {
    if (!/^[A-Za-z0-9 ]{4}$/.test(id)) throw bad(`INFO id ${JSON.stringify(id)}; expected four letters or digits`);
    if (text.includes('\0')) throw bad(`INFO ${id} holds a NUL character`);
    return chunk(id, exactUtf8(`${text}\0`, id));
  });
  if (tags.ixml !== undefined) parts.push(chunk('iXML', exactUtf8(tags.ixml, 'iXML')));
  if (melody !== undefined) parts.push(chunk('mldy', exactUtf8(melody, 'mldy')), chunk('id3 ', id3Of(info)));
  if (tags.xmp !== undefined) parts.push(chunk('_PMX', exactUtf8(tags.xmp, '_PMX')));
  if (entries.length) parts.push(chunk('LIST', join([exactUtf8('INFO', 'LIST'), ...entries])));
  return join(parts);
}

/** Id, size, body and, when the body is odd, one pad byte that the size does not count. */
export function chunk(id: string, body: Uint8Array, little = true): Uint8Array {
  const out = new Uint8Array(8 + body.length + (body.length & 1));
  out.set(new TextEncoder().encode(id));
  new DataView(out.buffer).setUint32(4, body.length, little);
  out.set(body, 8);
  return out;
}

export function join(parts: Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** UTF-8 that reads back as the same text: a lone surrogate has no UTF-8 form and would silently become U+FFFD. */
function exactUtf8(text: string, where: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) !== text) throw bad(`${where} holds a lone surrogate`);
  return bytes;
}

function bad(message: string): MelodyError {
  return new MelodyError('invalid_argument', `wav tags: ${message}`);
}
