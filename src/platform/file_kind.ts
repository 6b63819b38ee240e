// Recognises, by its first bytes, a file that is not what was expected, and says what to do next.

/** A kind of file that people hand to the wrong reader. */
export interface FileKind {
  /** With its article: "an HTML page". */
  readonly what: string;
  /** What to do instead. */
  readonly hint: string;
}

const DOWNLOAD = 'download the file itself: the address of the page is not that of the file';
/** The hint of all that is sound, and no WAV. */
export const CONVERT_AUDIO = 'convert it: ffmpeg -i <file> out.wav';
const CONVERT_WEIGHTS = 'only safetensors are read, since pickles can run code: convert it with safetensors.torch.save_file in Python';

/** What a WAV is too, so that it says nothing to whoever wants one. */
export const SOME_RIFF: FileKind = { what: 'a RIFF file, such as WAV', hint: 'see what it holds: melody inspect' };
const SAFETENSORS = 'take the safetensors of the same model';
const OTHER_FILE = 'name the file that holds the sound or the weights';

const ascii = (text: string) => [...text].map((character) => character.charCodeAt(0));

/** First bytes and what they are the mark of; `at` is where the mark stands (default 0). */
const KINDS: readonly { readonly mark: readonly number[]; readonly at?: number; readonly kind: FileKind }[] = [
  {
    mark: ascii('version https://git-lfs'),
    kind: { what: 'a Git LFS pointer, the note that stands for a large file', hint: 'fetch the file itself: git lfs pull' },
  },
  {
    mark: ascii('Entry not found'),
    kind: { what: 'the words "Entry not found", a hub\'s answer', hint: 'check the name of the file and the revision' },
  },
  { mark: ascii('GGUF'), kind: { what: 'a GGUF model, as llama.cpp uses it', hint: SAFETENSORS } },
  ...[[2], [3], [4, 0x95], [5, 0x95]].map((protocol) => ({
    mark: [0x80, ...protocol],
    kind: { what: 'a Python pickle', hint: CONVERT_WEIGHTS },
  })),
  { mark: ascii('PK\x05\x06'), kind: { what: 'an empty ZIP archive', hint: DOWNLOAD } },
  { mark: ascii('PK\x03\x04'), kind: { what: 'a ZIP archive, such as PyTorch (.pt, .bin) and NumPy (.npz) write', hint: CONVERT_WEIGHTS } },
  { mark: [0x1f, 0x8b], kind: { what: 'a gzip archive', hint: 'unpack it first: gunzip' } },
  { mark: [0x28, 0xb5, 0x2f, 0xfd], kind: { what: 'a Zstandard archive', hint: 'unpack it first: zstd -d' } },
  {
    mark: [0x93, ...ascii('NUMPY')],
    kind: { what: 'a NumPy array (.npy)', hint: 'convert it with safetensors.numpy.save_file in Python' },
  },
  { mark: [0x89, ...ascii('HDF')], kind: { what: 'an HDF5 file', hint: SAFETENSORS } },
  { mark: ascii('AVI '), at: 8, kind: { what: 'an AVI film', hint: CONVERT_AUDIO } },
  { mark: ascii('WEBP'), at: 8, kind: { what: 'a picture', hint: OTHER_FILE } },
  { mark: ascii('sfbk'), at: 8, kind: { what: 'a sound font', hint: 'it plays MIDI files: fluidsynth -F out.wav <file> song.mid' } },
  { mark: ascii('RIFF'), kind: SOME_RIFF },
  { mark: ascii('fLaC'), kind: { what: 'a FLAC file', hint: CONVERT_AUDIO } },
  { mark: ascii('OggS'), kind: { what: 'an Ogg file (Opus or Vorbis)', hint: CONVERT_AUDIO } },
  { mark: ascii('ftyp'), at: 4, kind: { what: 'an MP4 file (M4A, AAC)', hint: CONVERT_AUDIO } },
  { mark: ascii('FORM'), kind: { what: 'an AIFF file', hint: CONVERT_AUDIO } },
  { mark: ascii('MThd'), kind: { what: 'a MIDI file', hint: 'render it to audio first: fluidsynth -F out.wav <sound font> <file>' } },
  { mark: [0x1a, 0x45, 0xdf, 0xa3], kind: { what: 'a Matroska or WebM file', hint: CONVERT_AUDIO } },
  { mark: ascii('ID3'), kind: { what: 'an MP3 file', hint: CONVERT_AUDIO } },
  { mark: ascii('.snd'), kind: { what: 'an AU file', hint: CONVERT_AUDIO } },
  { mark: ascii('caff'), kind: { what: 'a CAF file of Apple', hint: CONVERT_AUDIO } },
  { mark: [0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11], kind: { what: 'a WMA file', hint: CONVERT_AUDIO } },
  { mark: ascii('wvpk'), kind: { what: 'a WavPack file', hint: CONVERT_AUDIO } },
  { mark: ascii('TTA1'), kind: { what: 'a TTA file', hint: CONVERT_AUDIO } },
  { mark: ascii('MAC '), kind: { what: "a Monkey's Audio file", hint: CONVERT_AUDIO } },
  { mark: ascii('#!AMR'), kind: { what: 'an AMR file', hint: CONVERT_AUDIO } },
  { mark: ascii('Creative Voice File'), kind: { what: 'a VOC file', hint: CONVERT_AUDIO } },
  { mark: ascii('DSD '), kind: { what: 'a DSF file', hint: CONVERT_AUDIO } },
  ...['BZh', '\xfd7zXZ', '7z\xbc\xaf', 'Rar!'].map((mark) => ({
    mark: ascii(mark),
    kind: { what: 'an archive (bzip2, xz, 7z or RAR)', hint: 'unpack it first' },
  })),
  ...['\x89PNG', '\xff\xd8\xff', 'GIF8'].map((mark) => ({ mark: ascii(mark), kind: { what: 'a picture', hint: OTHER_FILE } })),
  { mark: ascii('FLV\x01'), kind: { what: 'an FLV film', hint: CONVERT_AUDIO } },
  ...['lmgg', 'fmgg', 'tjgg'].map((mark) => ({
    mark: ascii(mark),
    kind: { what: 'a model of GGML, from before GGUF', hint: SAFETENSORS },
  })),
  { mark: ascii('SQLite format 3'), kind: { what: 'an SQLite database', hint: OTHER_FILE } },
  { mark: ascii('PAR1'), kind: { what: 'a Parquet table', hint: OTHER_FILE } },
  { mark: ascii('%PDF'), kind: { what: 'a PDF document', hint: DOWNLOAD } },
  { mark: ascii('TFL3'), at: 4, kind: { what: 'a TensorFlow Lite model', hint: SAFETENSORS } },
];

/** Does a file begin as safetensors do: a length below 4 GB in eight bytes, then an object? Marks of two bytes may be such a length. */
const beginsAsWeights = (start: Uint8Array) => start.subarray(4, 8).every((byte) => byte === 0) && start[8] === 0x7b;

/** The kind of a file by its first bytes (64 are enough), or undefined where they are no mark that is known. */
export function fileKind(start: Uint8Array): FileKind | undefined {
  const found = KINDS.find(({ mark, at = 0 }) => mark.every((byte, i) => start[at + i] === byte));
  if (found) return found.kind;
  const [sync = 0, version = 0, rate = 0] = start;
  if (!beginsAsWeights(start)) {
    // MPEG audio without tags: eleven set bits, a layer and a bit rate that exist; AAC has a twelfth one and no layer.
    const frame = sync === 0xff && rate >> 4 !== 0xf;
    if (frame && (version & 0xe6) > 0xe0 && rate !== 0x3c) return { what: 'an MP3 file', hint: CONVERT_AUDIO }; // ff fe 3c is "<" in UTF-16
    if (frame && (version & 0xf6) === 0xf0) return { what: 'an AAC file', hint: CONVERT_AUDIO };
    if (sync === 8 && version >= 3 && version <= 20 && rate === 0x12) return { what: 'an ONNX model', hint: SAFETENSORS }; // a version, a producer
    if (sync === 0x0b && version === 0x77) return { what: 'an AC-3 file', hint: CONVERT_AUDIO };
  }
  const words = start.subarray(0, 64);
  const text = String.fromCharCode(...words)
    .replace(/^\xef\xbb\xbf/, '') // a byte-order mark
    .trimStart();
  if (/^(<!doctype html|<!--|<html|<head|<\?xml)/i.test(text)) return { what: 'a web page', hint: DOWNLOAD };
  if (/^[[{]\s*["\]}]/.test(text)) return { what: 'a JSON file', hint: 'name the file of the weights or the sound' };
  if (words.length > 8 && words.every((byte) => (byte >= 0x20 && byte < 0x7f) || (byte >= 9 && byte <= 13)))
    return {
      what: `a text, which begins "${text.slice(0, 24).trimEnd()}"`,
      hint: "read it: it may be a server's answer in place of the file",
    };
  return undefined;
}
