// FLAC, MP3 and Opus in parts: the same samples as of the whole, whatever their length, and no more of the file in memory than was asked for.
import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test, vi } from 'vitest';
import { type CodedPart, codedParts } from '../../src/audio/coded_parts.ts';
import { type AudioFormat, readAudio, writeAudio } from '../../src/audio/sound_file.ts';
import { soundFacts } from '../../src/audio/sound_parts.ts';
import { recipeTags } from '../../src/audio/wav_tags.ts';
import { partsOf } from '../../src/cli/eval_parts.ts';
import { readInput } from '../../src/cli/generate/recipe_file.ts';
import { main } from '../../src/cli/main.ts';
import { type ByteSource, memorySource } from '../../src/platform/bytes.ts';
import { openFile } from '../../src/platform/node_files.ts';
import { haveCodecs } from '../helpers/codecs.ts';
import { music } from './signals.ts';

vi.setConfig({ testTimeout: 180_000 });
const folder = mkdtempSync(join(tmpdir(), 'melody-parts-'));
afterAll(() => rmSync(folder, { recursive: true }));
const RATE = 24_000;
const channels = music(2 * RATE, 2);
const tags = recipeTags({ recipe: { prompt: 'long' }, software: 'melody', license: 'mit', title: 'long' });
const io = (signal = new AbortController().signal) => ({ out() {}, err() {}, terminal: false, env: {}, signal });

/** Five seconds of noise, whose FLAC is many times what is read ahead. */
const noise = [0, 1].map((c) =>
  Float32Array.from({ length: 120_000 }, (_, i) => (((i + 7) * (c + 40_503) * 2_654_435_761) % 65_521) / 70_000 - 0.4),
);

async function save(format: Exclude<AudioFormat, 'wav'>, sound = channels): Promise<{ path: string; bytes: Uint8Array }> {
  const bytes = await writeAudio({ sampleRate: RATE, channels: sound, tags }, format, format === 'flac' ? 'pcm24' : 'pcm16');
  const path = join(folder, `song.${format}`);
  writeFileSync(path, bytes);
  return { path, bytes };
}
async function all(source: ByteSource, most: number): Promise<CodedPart[]> {
  const parts: CodedPart[] = [];
  for await (const part of codedParts(source, most)) parts.push(part);
  return parts;
}
/** The first frame at which the joined parts are not the whole; undefined where they are. */
function differs(parts: readonly CodedPart[], whole: Float32Array[]): string | undefined {
  for (const [c, channel] of whole.entries()) {
    let at = 0;
    for (const part of parts) for (const x of part.channels[c]) if (x !== channel[at++]) return `channel ${c}, frame ${at - 1}`;
    if (at !== channel.length) return `${at} frames, expected ${channel.length}`;
  }
  return undefined;
}

describe.runIf(haveCodecs)('with node-av', () => {
  test.each(['flac', 'mp3', 'opus'] as const)('%s from a disk and from memory: every sample once, parts of like length', async (format) => {
    const { path, bytes } = await save(format);
    const whole = await readAudio(bytes);
    const most = 16_001;
    for (const source of [await openFile(path), memorySource('memory', bytes)]) {
      const parts = await all(source, most);
      expect(differs(parts, whole.channels)).toBeUndefined();
      let frame = 0;
      for (const [i, part] of parts.entries()) {
        const { length } = part.channels[0];
        expect([part.startFrame, part.last]).toEqual([frame, i === parts.length - 1]);
        expect(2 * length).toBeLessThanOrEqual(most);
        expect(2 * length).toBeGreaterThanOrEqual(most / 2 - 2);
        expect([part.sampleRate, part.format, part.tags]).toEqual([whole.sampleRate, whole.format, whole.tags]);
        frame += length;
      }
      expect(parts.length).toBeGreaterThan(9);
    }
    expect(await all(await openFile(path), 2 * whole.channels[0].length)).toMatchObject([{ startFrame: 0, last: true }]);
  });

  it('reads what a part needs when it is asked for, and frees it all where no more is asked for', async () => {
    const { path, bytes } = await save('flac', noise);
    const file = await openFile(path);
    let read = 0;
    const readSync = (at: number, length: number) => {
      read += length;
      return file.readSync?.(at, length) as Uint8Array;
    };
    for await (const part of codedParts({ ...file, readSync }, 20_000)) {
      expect(part.last).toBe(false);
      break;
    }
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(bytes.length / 2);
  });

  it('an error of reading, an end and a cancelled wait come out as what they are', async () => {
    const { path } = await save('flac', noise);
    const abort = new AbortController();
    const parts = codedParts(await openFile(path), 20_000, abort.signal);
    await parts.next();
    abort.abort();
    await expect(parts.next()).rejects.toMatchObject({ code: 'aborted' });
    const changed = codedParts(await openFile(path), 20_000);
    await changed.next();
    appendFileSync(path, 'more');
    await expect(
      (async () => {
        for await (const _ of changed);
      })(),
    ).rejects.toMatchObject({ code: 'io', message: `${path} changed while it was read` });
  });

  it('melody eval names the parts, and where the whole ends once it knows', async () => {
    const { path } = await save('mp3');
    const places = [];
    for await (const { part } of partsOf(path, {}, io(), 80_000)) places.push(part);
    expect(places.length).toBeGreaterThan(2);
    expect(places.map((place) => place?.whole)).toEqual([
      ...places.slice(1).map(() => Number.POSITIVE_INFINITY),
      channels[0].length / RATE,
    ]);
    expect(places.map((place) => place?.start)).toEqual([0, ...places.slice(0, -1).map((place) => place?.end)]);
    expect(places.at(-1)?.end).toBe(channels[0].length / RATE);
  });

  it('melody eval and inspect take a file of more than a gigabyte', async () => {
    const path = join(folder, 'huge.aiff');
    writeAiff(path, 1.1 * 2 ** 30);
    for (const [command, what] of [
      ['eval', 'huge.aiff: 1.00 s, 8000 Hz, mono'],
      ['inspect', '1.000 s, 8000 Hz, 1 channel, 16 bits pcm_s16be'],
    ]) {
      let [out, err] = ['', ''];
      const code = await main([command, path], { ...io(), out: (text) => (out += text), err: (text) => (err += text) });
      expect([code, err]).toEqual([0, '']);
      expect(out).toContain(what);
    }
  });

  it('what a file is, without its samples: as of the whole, in parts', async () => {
    for (const format of ['flac', 'mp3'] as const) {
      const { path, bytes } = await save(format);
      const { channels: whole, ...facts } = await readAudio(bytes);
      for (const start of [true, false])
        expect(await soundFacts(await openFile(path), { start })).toEqual({ ...facts, channels: 2, frames: whole[0].length });
    }
  });

  it('a given sound is read whole and hashed; one that is too long is refused before it is all in memory', async () => {
    const { path, bytes } = await save('flac', noise);
    const { audio, sha256, name } = await readInput(path, io());
    expect([sha256, name]).toEqual([createHash('sha256').update(bytes).digest('hex'), 'song.flac']);
    expect(differs([{ ...audio, startFrame: 0, last: true }], (await readAudio(bytes)).channels)).toBeUndefined();
    await expect(readInput(path, io(), 10_000)).rejects.toMatchObject({
      code: 'audio',
      message: expect.stringMatching(/song\.flac: it lasts more than/),
    });
  });
});

/** A second at 8 kHz behind a chunk of so many bytes that nobody knows, which take no place on the disk. */
function writeAiff(path: string, unknown: number): void {
  const chunk = (name: string, size: number, body: Uint8Array = new Uint8Array()) => {
    const head = Buffer.alloc(8);
    head.write(name);
    head.writeUInt32BE(size, 4);
    return Buffer.concat([head, body]);
  };
  const hole = 2 * Math.floor(unknown / 2);
  const form = Buffer.from([0, 1, 0, 0, 0x1f, 0x40, 0, 16, 0x40, 0x0b, 0xfa, 0, 0, 0, 0, 0, 0, 0]); // mono, 8000 frames, 16 bits, 8000 Hz
  const sound = Buffer.alloc(8 + 16_000);
  for (let i = 0; i < 8000; i++) sound.writeInt16BE(Math.round(9000 * Math.sin(i / 3)), 8 + 2 * i);
  const after = Buffer.concat([chunk('COMM', 18, form), chunk('SSND', sound.length, sound)]);
  writeFileSync(path, Buffer.concat([chunk('FORM', 4 + 8 + hole + after.length, Buffer.from('AIFF')), chunk('junk', hole)]));
  truncateSync(path, 20 + hole);
  appendFileSync(path, after);
}
