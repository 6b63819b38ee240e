import { expect, test } from 'vitest';
import { readWav } from '../../src/audio/wav.ts';
import { memorySource } from '../../src/platform/bytes.ts';
import { fileKind } from '../../src/platform/file_kind.ts';
import { readHeader } from '../../src/weights/safetensors.ts';
import { writeSafetensors } from '../../tools/safetensors_write.ts';

const bytes = (...parts: (string | number)[]) =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...part].map((c) => c.charCodeAt(0)) : [part])));
const padded = (start: Uint8Array) => {
  const file = new Uint8Array(400);
  file.set(start);
  return file;
};

const CASES: [Uint8Array, RegExp][] = [
  [bytes('version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9679336\n'), /Git LFS pointer/],
  [bytes('Entry not found'), /Entry not found/],
  [bytes('<!doctype html><html><head><title>Log in</title>'), /web page/],
  [bytes('\n  <html lang="en">'), /web page/],
  [bytes('GGUF', 3, 0, 0, 0), /GGUF/],
  [bytes(0x80, 2, 0x7d, 0x71), /pickle/],
  [bytes(0x80, 3, 0x7d, 0x71), /pickle/],
  [bytes(0x80, 4, 0x95, 8, 0, 0, 0, 0, 0, 0, 0, 0x7d), /pickle/], // what Python writes by default
  [bytes(0x80, 5, 0x95, 8, 0, 0, 0, 0, 0, 0, 0, 0x7d), /pickle/],
  [bytes('PK', 3, 4, 0, 0), /ZIP/],
  [bytes(0x1f, 0x8b, 8, 0), /gzip/],
  [bytes(0x93, 'NUMPY', 1, 0), /NumPy/],
  [bytes(0x89, 'HDF', 13, 10), /HDF5/],
  [bytes('{"model_type": "melody"}'), /JSON/],
  [bytes('fLaC', 0, 0, 0, 34), /FLAC/],
  [bytes('OggS', 0, 2), /Ogg/],
  [bytes('ID3', 4, 0), /MP3/],
  [bytes(0xff, 0xfb, 0x90, 0x64), /MP3/],
  [bytes(0, 0, 0, 32, 'ftypM4A '), /MP4/],
  [bytes('FORM', 0, 0, 1, 0, 'AIFF'), /AIFF/],
  [bytes('MThd', 0, 0, 0, 6), /MIDI/],
  [bytes(0xff, 0xf1, 0x50, 0x80), /AAC/],
  [bytes(0x0b, 0x77, 0xd3, 0x54), /AC-3/],
  [bytes('.snd', 0, 0, 0, 32), /AU/],
  [bytes('caff', 0, 1, 0, 0), /CAF/],
  [bytes(0x30, 0x26, 0xb2, 0x75, 0x8e, 0x66, 0xcf, 0x11), /WMA/],
  [bytes('wvpk', 12, 0x7c, 0, 0), /WavPack/],
  [bytes('TTA1', 1, 0, 2, 0), /TTA/],
  [bytes('MAC ', 0x96, 0x0f), /Monkey/],
  [bytes('#!AMR', 10), /AMR/],
  [bytes('Creative Voice File', 0x1a), /VOC/],
  [bytes('DSD ', 28, 0, 0, 0), /DSF/],
  [bytes('BZh91AY&SY'), /archive/],
  [bytes(0xfd, '7zXZ', 0, 0, 4), /archive/],
  [bytes('7z', 0xbc, 0xaf, 0x27, 0x1c), /archive/],
  [bytes('Rar!', 0x1a, 7, 1, 0), /archive/],
  [bytes(0x89, 'PNG', 13, 10, 26, 10), /picture/],
  [bytes(0xff, 0xd8, 0xff, 0xe0, 0, 16), /picture/],
  [bytes('%PDF-1.7', 10), /PDF/],
  [bytes('PK', 5, 6, 0, 0), /empty ZIP/],
  [bytes('RIFF', 0, 1, 0, 0, 'AVI LIST'), /AVI/],
  [bytes('RIFF', 0, 1, 0, 0, 'WEBPVP8 '), /picture/],
  [bytes('RIFF', 0, 1, 0, 0, 'sfbkLIST'), /sound font/],
  [bytes('FLV', 1, 5, 0, 0, 0, 9), /FLV/],
  [bytes('lmgg', 0, 0, 0, 0), /GGML/],
  [bytes('SQLite format 3', 0), /SQLite/],
  [bytes('PAR1', 21, 4, 21), /Parquet/],
  [bytes(8, 7, 18, 7, 'pytorch'), /ONNX/],
  [bytes(28, 0, 0, 0, 'TFL3'), /TensorFlow Lite/],
  [bytes(0xef, 0xbb, 0xbf, '<!DOCTYPE html><html>'), /web page/],
  [bytes('<!-- a comment -->\n<html>'), /web page/],
];

test.each(CASES)('%# is named, with a next step, by whoever expected weights', async (start, what) => {
  const kind = fileKind(start);
  expect(kind?.what).toMatch(what);
  for (const file of [start, padded(start)]) {
    const error = await readHeader(memorySource('model.safetensors', file)).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'weights', message: expect.stringMatching(what), hint: kind?.hint });
  }
});

test.each(CASES.filter(([start]) => start.length >= 4))('%# is named by whoever expected a WAV', (start, what) => {
  expect(() => readWav(padded(start))).toThrow(what);
});

test('words of a server in place of a file are shown', async () => {
  const error = await readHeader(memorySource('model.safetensors', bytes('Invalid username or password.'))).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: 'weights', message: expect.stringContaining('a text, which begins "Invalid username or') });
});

test('safetensors whose length has the bytes of a mark are no sound', () => {
  for (const [low, high] of [
    [0xff, 0xfb],
    [0xff, 0xf1],
    [0x0b, 0x77],
  ])
    expect(fileKind(bytes(low, high, 0, 0, 0, 0, 0, 0, '{"a":'))).toBeUndefined();
});

test('a sound file whose header has the length that a mark would be is read', async () => {
  // 640 is 80 02 in little-endian bytes, where a pickle starts so too.
  const name = 'x'.repeat(700);
  for (let cut = 0; cut < 200; cut++) {
    const file = writeSafetensors([{ name: name.slice(cut), dtype: 'U8', shape: [1], bytes: Uint8Array.of(1) }]);
    if (file[0] !== 0x80 || file[1] !== 2) continue;
    expect((await readHeader(memorySource('file', file))).tensors.size).toBe(1);
    return;
  }
  expect.unreachable('no name gave that length');
});

test('bytes without a mark have no kind', () => {
  expect(fileKind(Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 123, 125))).toBeUndefined();
  expect(fileKind(new Uint8Array(0))).toBeUndefined();
});
