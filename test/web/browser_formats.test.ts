// FLAC, MP3 and Opus files that a page writes (melody/mediabunny), read back outside it: by mediabunny's reader, and where they are there by
// FFmpeg's decoders and the command's own reader.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { ALL_FORMATS, BufferSource, Input } from 'mediabunny';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { readAudio } from '../../src/audio/sound_file.ts';
import { readRecipe, recipeTags } from '../../src/audio/wav_tags.ts';
import type * as Mediabunny from '../../src/web/mediabunny.ts';
import { type Browser, chromiumPath, openBrowser } from '../../tools/chromium.mjs';
import { serveFolder } from '../../tools/serve.mjs';
import { music } from '../audio/signals.ts';
import { haveCodecs } from '../helpers/codecs.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const ffmpeg = spawnSync('ffmpeg', ['-version']).status === 0;
const note = {
  recipe: { version: 1, prompt: 'Käfer 日本 "quoted"', seed: 7, long: 'ü'.repeat(4000) },
  software: 'melody 9.9',
  license: 'weights of x: mit (licence of the model, not of this music)',
  title: 'Käfer 日本',
};
const RATE = 48_000;
const sound = music(RATE, 2);

declare global {
  var files: typeof Mediabunny;
}

describe.runIf(chromiumPath)('files that a page writes', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'melody-formats-'));
  let server: Awaited<ReturnType<typeof serveFolder>>;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const contents = "import * as files from './src/web/mediabunny.ts'; globalThis.files = files;";
    await build({
      stdin: { contents, resolveDir: root },
      bundle: true,
      format: 'esm',
      outfile: join(folder, 'page.js'),
      platform: 'browser',
    });
    writeFileSync(join(folder, 'index.html'), '<!doctype html><title>files</title><script type="module" src="page.js"></script>');
    server = await serveFolder(folder);
    browser = await openBrowser({ webgpu: false });
    page = await browser.context.newPage();
    await page.goto(`${server.origin}/`);
    await page.waitForFunction(() => globalThis.files !== undefined);
  }, 300_000);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true });
  });

  /** What `writeAudio` gives in the page. */
  const written = async (format: Mediabunny.CodedFormat, channels: Float32Array[], sample: 'pcm16' | 'pcm24' = 'pcm16', rate = RATE) => {
    const asked = {
      format,
      sample,
      rate,
      tags: recipeTags(note),
      plain: channels.map((channel) => Buffer.from(channel.buffer).toString('base64')),
    };
    const address = await page.evaluate(async ({ format, sample, rate, tags, plain }) => {
      const read = async (text: string) => new Float32Array(await (await fetch(`data:;base64,${text}`)).arrayBuffer());
      const bytes = await files.writeAudio({ channels: await Promise.all(plain.map(read)), sampleRate: rate, tags }, format, sample);
      const reader = new FileReader();
      reader.readAsDataURL(new Blob([bytes as Uint8Array<ArrayBuffer>]));
      await new Promise((resolve) => reader.addEventListener('load', resolve));
      return reader.result as string;
    }, asked);
    return new Uint8Array(Buffer.from(address.replace(/.*,/, ''), 'base64'));
  };

  test.each(['flac', 'mp3', 'opus'] as const)('%s has its sound, its tags and its recipe', async (format) => {
    const bytes = await written(format, sound);
    const input = new Input({ source: new BufferSource(bytes), formats: ALL_FORMATS });
    const track = await input.getPrimaryAudioTrack();
    expect([await track?.getCodec(), await track?.getSampleRate(), await track?.getNumberOfChannels()]).toEqual([format, RATE, 2]);
    const { title, comment, raw } = await input.getMetadataTags();
    expect([title, comment]).toEqual([note.title, 'AI-generated']);
    const named = format === 'mp3' ? (raw?.TXXX as Record<string, string>) : (raw as Record<string, string>);
    expect(readRecipe({ info: {}, melody: named.MELODY })).toEqual(note);

    if (haveCodecs) {
      const file = await readAudio(bytes); // as `melody inspect` and `--recipe` do
      expect(file.tags.info).toEqual({ INAM: note.title, ICMT: 'AI-generated', ICOP: note.license, ISFT: note.software });
      expect(readRecipe(file.tags)).toEqual(note);
    }
    if (!ffmpeg) return;
    const path = join(folder, `song.${format}`);
    writeFileSync(path, bytes);
    const raw32 = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'f32le', '-'], { maxBuffer: 1e8 });
    const got = new Float32Array(raw32.buffer.slice(raw32.byteOffset, raw32.byteOffset + raw32.length));
    const frames = got.length / 2;
    if (format !== 'mp3') expect(frames).toBe(sound[0].length);
    const left = Float32Array.from({ length: frames }, (_, i) => got[2 * i]);
    // What mediabunny writes of an MP3 does not say how long the encoder's own silence before the sound is.
    const shift = format === 'mp3' ? place(sound[0], left) : 0;
    expect(shift).toBeLessThan(2400);
    let error = 0;
    let power = 0;
    let common = 0;
    for (let i = 0; i < RATE; i++) {
      error += (left[i + shift] - sound[0][i]) ** 2;
      power += sound[0][i] ** 2;
      common += left[i + shift] * sound[0][i];
    }
    expect(error / power).toBeLessThan(format === 'flac' ? 1e-30 : 0.03);
    expect(Math.abs(20 * Math.log10(common / power))).toBeLessThan(0.1); // dB: as loud as it was
  });

  test.runIf(ffmpeg)('an MP3 is as loud as its sound at every rate, and no louder than full scale', async () => {
    const tone = (rate: number, level: number) =>
      Float32Array.from({ length: rate }, (_, i) => level * Math.sin((2 * Math.PI * 440 * i) / rate));
    for (const [channels, rate, level] of [
      [1, 48_000, 0.5],
      [2, 24_000, 0.5],
      [2, 48_000, 0.5],
      [2, 44_100, 0.999],
    ]) {
      const path = join(folder, 'tone.mp3');
      writeFileSync(path, await written('mp3', new Array(channels).fill(tone(rate, level)), 'pcm16', rate));
      const raw = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'f32le', '-'], { maxBuffer: 1e8 });
      const got = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
      const middle = got.subarray(0.3 * rate * channels, 0.8 * rate * channels);
      const rms = Math.sqrt(middle.reduce((sum, x) => sum + x * x, 0) / middle.length);
      const change = 20 * Math.log10((rms * Math.SQRT2) / level);
      expect(change, `${channels} channels, ${rate} Hz`).toBeLessThan(0.05);
      expect(change, `${channels} channels, ${rate} Hz`).toBeGreaterThan(level > 0.9 ? -0.3 : -0.05);
    }
  });

  test.runIf(ffmpeg)('24 bits of FLAC are kept over several blocks, and what is over full scale is clamped', async () => {
    const one = Float32Array.from({ length: 140_000 }, (_, i) => ((i * 7919) % 16_777_216) / 8_388_608 - 1);
    one[17] = 1.5;
    one[18] = -2;
    const path = join(folder, 'deep.flac');
    writeFileSync(path, await written('flac', [one], 'pcm24'));
    const raw = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 's32le', '-'], { maxBuffer: 1e8 });
    const got = new Int32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
    const whole = (x: number) => Math.max(-8_388_608, Math.min(8_388_607, Math.round(x * 8_388_608)));
    expect(got.length).toBe(one.length);
    expect(got.findIndex((sample, i) => sample !== 256 * whole(one[i]))).toBe(-1);
  });

  it('a page whose policy forbids the encoders’ threads is told so, by encoders that say nothing too', async () => {
    const policy = "script-src 'self'; worker-src 'self'";
    writeFileSync(
      join(folder, 'strict.html'),
      `<!doctype html><meta http-equiv="Content-Security-Policy" content="${policy}"><script type="module" src="page.js"></script>`,
    );
    const strict = await browser.context.newPage();
    await strict.goto(`${server.origin}/strict.html`);
    await strict.waitForFunction(() => globalThis.files !== undefined);
    for (const format of ['flac', 'mp3'] as const) {
      const fault = await strict.evaluate(async (format) => {
        const sound = { channels: [new Float32Array(9)], sampleRate: 48_000 };
        return files.writeAudio(sound, format).then(
          () => 'done',
          ({ code, message }) => `${code}: ${message}`,
        );
      }, format);
      expect(fault).toBe("audio: the page's Content-Security-Policy (worker-src) forbids the encoder's thread");
    }
    await strict.close();
  });

  it('what a format or the browser cannot hold is refused in words, and a rate that a format lacks becomes the next higher', async () => {
    const refused = (work: string) => page.evaluate(`(${work})().then(() => 'done', ({ code, message }) => code + ': ' + message)`);
    expect(await refused("() => files.writeAudio({ channels: [1, 2, 3].map(() => new Float32Array(9)), sampleRate: 48000 }, 'mp3')")).toBe(
      'invalid_argument: audio: mp3 holds at most 2 channels; got 3',
    );
    expect(await refused("() => files.writeAudio({ channels: [new Float32Array(9)], sampleRate: 48000 }, 'wav')")).toMatch(
      /^invalid_argument/,
    );
    expect(await refused("() => files.writeAudio({ channels: [Float32Array.of(0, NaN)], sampleRate: 48000 }, 'flac')")).toMatch(
      /^non_finite/,
    );
    expect(await refused("() => files.writeAudio({ channels: [new Float32Array(9)], sampleRate: 12345 }, 'flac')")).toBe(
      'audio: flac: this browser has no encoder for 1 channels at 12345 Hz',
    );
    expect(await page.evaluate(() => files.writableFormats(2, 44_100))).toEqual(['flac', 'mp3', 'opus']);
    expect(await page.evaluate(() => files.writableFormats(4, 12_345))).not.toContain('mp3');
    const bytes = await written('opus', [sound[0]], 'pcm16', 44_100);
    const track = await new Input({ source: new BufferSource(bytes), formats: ALL_FORMATS }).getPrimaryAudioTrack();
    expect(await track?.getSampleRate()).toBe(48_000);
    expect(await track?.computeDuration()).toBeCloseTo(sound[0].length / 44_100, 2);
  });
});

/** The shift in samples, 0 … 2400, at which y is most like x. */
function place(x: Float32Array, y: Float32Array): number {
  let best = [Number.NEGATIVE_INFINITY, 0];
  for (let shift = 0; shift <= 2400; shift++) {
    let sum = 0;
    for (let i = 9000; i < 12_000; i++) sum += x[i] * (y[i + shift] ?? 0);
    if (sum > best[0]) best = [sum, shift];
  }
  return best[1];
}
