import { inflateSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { clipPicture } from '../../src/audio/picture.ts';
import { crc32, encodePng } from '../../src/audio/png.ts';
import { concat, gaussian, sine } from './signals.ts';

/** A PNG taken apart by Node's own zlib: sizes, palette and pixels [height][width]. */
function decode(png: Uint8Array) {
  expect([...png.subarray(0, 8)]).toEqual([137, 80, 78, 71, 13, 10, 26, 10]);
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const chunks = new Map<string, Uint8Array>();
  for (let at = 8; at < png.length; ) {
    const length = view.getUint32(at);
    const body = png.subarray(at + 8, at + 8 + length);
    expect(view.getUint32(at + 8 + length)).toBe(crc32(png.subarray(at + 4, at + 8 + length)));
    chunks.set(new TextDecoder().decode(png.subarray(at + 4, at + 8)), body);
    at += 12 + length;
  }
  const header = chunks.get('IHDR') as Uint8Array;
  const headerView = new DataView(header.buffer, header.byteOffset);
  const [width, height] = [headerView.getUint32(0), headerView.getUint32(4)];
  const raw = inflateSync(chunks.get('IDAT') as Uint8Array);
  expect(raw.length).toBe((width + 1) * height);
  const rows = Array.from({ length: height }, (_, y) => raw.subarray(y * (width + 1) + 1, (y + 1) * (width + 1)));
  return { width, height, palette: chunks.get('PLTE') as Uint8Array, rows, ended: chunks.has('IEND') };
}

test('CRC-32 of "123456789" is cbf43926', () => {
  expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
});

test('PNG: pixels and palette come back', async () => {
  const image = decode(
    await encodePng(Uint8Array.of(0, 1, 2, 2, 1, 0), 3, 2, [
      [0, 0, 0],
      [255, 0, 0],
      [1, 2, 3],
    ]),
  );
  expect(image).toMatchObject({ width: 3, height: 2, ended: true });
  expect(image.rows.map((r) => [...r])).toEqual([
    [0, 1, 2],
    [2, 1, 0],
  ]);
  expect([...image.palette]).toEqual([0, 0, 0, 255, 0, 0, 1, 2, 3]);
});

describe('picture of a clip', () => {
  const RATE = 24000;
  /** Row of the loudest shade in a column of the spectrogram (rows under the waveform). */
  const brightest = (rows: Uint8Array[], column: number) => {
    let best = 90;
    for (let y = 90; y < rows.length - 16; y++) if (rows[y][column] < 240 && rows[y][column] > rows[best][column]) best = y;
    return best;
  };
  test('a low tone then a high one: the bright row rises at half time', async () => {
    const x = concat(sine(RATE * 2, 300, RATE, 0.5), sine(RATE * 2, 3000, RATE, 0.5));
    const { rows, width, height } = decode(await clipPicture([x], RATE));
    expect([width, height]).toEqual([960, 400]);
    expect(brightest(rows, 200)).toBeGreaterThan(brightest(rows, 800) + 80);
    expect(brightest(rows, 200)).toBe(brightest(rows, 450));
  });
  test('the waveform spans the level', async () => {
    const { rows } = decode(await clipPicture([concat(new Float32Array(RATE), gaussian(RATE, 1, 0.3))], RATE));
    const wave = (column: number) => rows.slice(0, 84).filter((r) => r[column] === 242).length;
    expect(wave(200)).toBe(1);
    expect(wave(800)).toBeGreaterThan(20);
  });
  test('sizes are kept; silence, NaN, one sample and stereo are drawn', async () => {
    for (const channels of [
      [new Float32Array(RATE)],
      [Float32Array.of(0, Number.NaN, 1)],
      [Float32Array.of(0.5)],
      [sine(99, 440, RATE), sine(99, 880, RATE)],
    ]) {
      expect(decode(await clipPicture(channels, RATE, { width: 200, height: 150 }))).toMatchObject({
        width: 200,
        height: 150,
        ended: true,
      });
    }
  });
  test('impossible sizes are refused', async () => {
    await expect(clipPicture([new Float32Array(10)], RATE, { width: 10 })).rejects.toThrow('from 200 to 4096');
  });
});
