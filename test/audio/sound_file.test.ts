// Audio files other than WAV: what goes in comes out, at the same place, with its tags; and what is said where the package is missing.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, test, vi } from 'vitest';
import { type AudioFormat, readAudio, writeAudio } from '../../src/audio/sound_file.ts';
import { readRecipe, recipeTags } from '../../src/audio/wav_tags.ts';
import { writeWav } from '../../src/audio/wav_write.ts';
import { haveCodecs } from '../helpers/codecs.ts';
import { music } from './signals.ts';

vi.setConfig({ testTimeout: 180_000 });
const folder = mkdtempSync(join(tmpdir(), 'melody-audio-'));
afterAll(() => rmSync(folder, { recursive: true }));

const note = {
  recipe: { version: 1, prompt: 'Käfer 日本 "quoted"', seed: 7, long: 'ü'.repeat(4000) },
  software: 'melody 9.9',
  license: 'mit',
  title: 'Käfer 日本',
};
/** The shift in samples, −300 … 300, at which y is most like x. */
function lag(x: Float32Array, y: Float32Array): number {
  let best = [Number.NEGATIVE_INFINITY, 0];
  for (let shift = -300; shift <= 300; shift++) {
    let sum = 0;
    for (let i = 4000; i < 8000; i++) sum += x[i] * (y[i + shift] ?? 0);
    if (sum > best[0]) best = [sum, shift];
  }
  return best[1];
}

function power(x: Float32Array): number {
  return x.reduce((sum, v) => sum + v * v, 0) / x.length;
}

describe.runIf(haveCodecs)('with node-av', () => {
  test.each([
    ['flac', 24_000, 1],
    ['flac', 44_100, 2],
    ['mp3', 24_000, 1],
    ['mp3', 44_100, 2],
    ['opus', 48_000, 2],
  ] as const)('%s at %i Hz, %i channels: every sample at its place, and the recipe', async (format, rate, count) => {
    const channels = music(rate, count);
    const bytes = await writeAudio({ sampleRate: rate, channels, tags: recipeTags(note) }, format);
    const file = await readAudio(bytes);
    expect([file.sampleRate, file.channels.length, file.format, file.bitsPerSample]).toEqual([
      rate,
      count,
      format,
      format === 'flac' ? 16 : undefined,
    ]);
    for (const [c, channel] of channels.entries()) {
      const got = file.channels[c];
      expect(got.length).toBe(channel.length);
      expect(lag(channel, got)).toBe(0);
      const error = power(Float32Array.from(channel, (x, i) => got[i] - x)) / power(channel);
      expect(error).toBeLessThan(format === 'flac' ? 1e-30 : 0.02);
    }
    expect(file.warnings).toEqual([]);
    expect(file.tags.info).toMatchObject({ INAM: note.title, ICMT: 'AI-generated', ICOP: 'mit', ISFT: 'melody 9.9' });
    expect(readRecipe(file.tags)).toEqual(note);
    const again = await writeAudio({ sampleRate: rate, channels, tags: recipeTags(note) }, format);
    expect(Buffer.compare(bytes, again)).toBe(0); // no dates, versions or random serial numbers
  });

  it('opus at 24 kHz comes back at 48, as every Opus file does; rates that it lacks are raised', async () => {
    for (const rate of [24_000, 44_100]) {
      const file = await readAudio(await writeAudio({ sampleRate: rate, channels: music(rate, 1) }, 'opus'));
      expect([file.sampleRate, file.channels[0].length]).toEqual([48_000, Math.ceil(((rate + 123) * 48_000) / rate)]);
    }
  });

  it('24 bits of FLAC are kept, and what is over full scale is clamped as in a WAV', async () => {
    const channels = [Float32Array.from({ length: 5000 }, (_, i) => ((i * 7919) % 16_777_216) / 8_388_608 - 1)];
    channels[0][17] = 1.5;
    channels[0][18] = -2;
    const file = await readAudio(await writeAudio({ sampleRate: 48_000, channels }, 'flac', 'pcm24'));
    const wav = await readAudio(writeWav({ sampleRate: 48_000, channels }, 'pcm24'));
    expect(file.bitsPerSample).toBe(24);
    expect(Buffer.compare(Buffer.from(file.channels[0].buffer), Buffer.from(wav.channels[0].buffer))).toBe(0);
  });

  it('refuses what a format cannot hold, before it is encoded', async () => {
    const three = { sampleRate: 48_000, channels: music(48_000, 3) };
    await expect(writeAudio(three, 'mp3')).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('at most 2 channels; got 3'),
    });
    expect((await readAudio(await writeAudio(three, 'opus'))).channels.length).toBe(3);
    await expect(writeAudio({ sampleRate: 48_000, channels: [Float32Array.of(0, Number.NaN)] }, 'flac')).rejects.toMatchObject({
      code: 'non_finite',
    });
    await expect(writeAudio({ sampleRate: 48_000, channels: [] }, 'flac')).rejects.toMatchObject({ code: 'invalid_argument' });
    await expect(writeAudio({ sampleRate: 48_000, channels: [new Float32Array(9)] }, 'aiff' as AudioFormat)).rejects.toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('expected wav, flac, mp3, opus'),
    });
  });

  it('a playlist behind a mark of MP3 makes FFmpeg open nothing', async () => {
    const song = join(folder, 'secret.flac');
    writeFileSync(song, await writeAudio({ sampleRate: 24_000, channels: music(24_000, 1) }, 'flac'));
    const id3 = Uint8Array.of(0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 0);
    for (const text of [
      `#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://${song}\n#EXT-X-ENDLIST\n`,
      `ffconcat version 1.0\nfile '${song}'\n`,
    ]) {
      const list = Buffer.concat([id3, Buffer.from(text)]);
      await expect(readAudio(list)).rejects.toMatchObject({ code: 'audio', message: expect.stringContaining('cannot be opened') });
    }
  });

  it('damaged files are sound as far as they go, or an error of ours, and none ends the process', async () => {
    for (const format of ['flac', 'mp3', 'opus'] as const) {
      const bytes = await writeAudio({ sampleRate: 24_000, channels: music(24_000, 1), tags: recipeTags(note) }, format);
      for (let i = 0; i < 12; i++) {
        const bad = i % 2 ? bytes.slice(0, (bytes.length * (i + 1)) / 14) : bytes.slice();
        for (let k = 0; k < i; k++) bad[(k * 7919 + i * 104_729) % bad.length] ^= 255;
        await readAudio(bad).catch((error) => expect(error, `${format} ${i}`).toMatchObject({ name: 'MelodyError', code: 'audio' }));
      }
    }
  });

  test.runIf(spawnSync('ffmpeg', ['-version']).status === 0)('reads what ffmpeg writes, and ffmpeg and its like read ours', async () => {
    const wav = join(folder, 'in.wav');
    const channels = music(44_100, 2);
    writeFileSync(wav, writeWav({ sampleRate: 44_100, channels }));
    for (const ending of ['flac', 'mp3', 'ogg', 'm4a', 'aiff', 'opus']) {
      const path = join(folder, `theirs.${ending}`);
      execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', wav, '-metadata', 'title=Käfer', path]);
      const file = await readAudio(readFileSync(path));
      const expected = ending === 'opus' ? Math.ceil((44_223 * 48_000) / 44_100) : 44_223;
      expect(Math.abs(file.channels[0].length - expected), ending).toBeLessThanOrEqual(
        ending === 'ogg' ? 256 : ending === 'm4a' ? 1024 : 1,
      );
      if (ending !== 'aiff') expect(file.tags.info.INAM, ending).toBe('Käfer');
      if (ending !== 'opus') expect(lag(channels[0], file.channels[0]), ending).toBe(0);
    }
    // A WAV of ours, as it is and in another coding: the recipe comes along.
    const long = { ...note, recipe: { prompt: 'Käfer '.repeat(300), seed: 7 } };
    writeFileSync(wav, writeWav({ sampleRate: 48_000, channels, tags: recipeTags(long) }));
    for (const words of [['copy.wav', '-c', 'copy'], ['again.wav'], ['again.flac'], ['again.mp3'], ['again.opus'], ['again.ogg']]) {
      const path = join(folder, words[0]);
      execFileSync('ffmpeg', ['-v', 'error', '-y', '-i', wav, ...words.slice(1), path]);
      const { tags } = await readAudio(readFileSync(path));
      expect(readRecipe(tags), path).toEqual(long);
      expect(tags.info, path).not.toHaveProperty('ISRF');
    }
    for (const format of ['flac', 'mp3', 'opus'] as const) {
      const path = join(folder, `ours.${format}`);
      writeFileSync(path, await writeAudio({ sampleRate: 48_000, channels: music(48_000, 2), tags: recipeTags(note) }, format));
      const raw = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-f', 'f32le', '-'], { maxBuffer: 1e8 });
      expect(raw.length / 8, format).toBe(48_123);
    }
  });
});

it('where the package is missing, one sentence says what to install', () => {
  const script = `
    import { readAudio, writeAudio } from ${JSON.stringify(new URL('../../src/audio/sound_file.ts', import.meta.url).pathname)};
    for (const work of [() => writeAudio({ sampleRate: 24000, channels: [new Float32Array(99)] }, 'flac'), () => readAudio(new TextEncoder().encode('fLaC and more'))])
      await work().then(() => console.log('no error'), ({ code, message, hint }) => console.log(JSON.stringify({ code, message, hint })));`;
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--import', hideNodeAv(), new URL('../../tools/run.mjs', import.meta.url).pathname, save(script)],
    { encoding: 'utf8' },
  );
  const lines = stdout.trim().split('\n');
  expect(lines.length, stderr).toBe(2);
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({ code: 'audio', message: expect.stringContaining('"node-av"'), hint: 'npm install node-av@6' });
});

function save(script: string): string {
  const path = join(folder, 'missing.mts');
  writeFileSync(path, script);
  return path;
}

/** A module that makes Node find no node-av. */
function hideNodeAv(): string {
  const path = join(folder, 'hide.mjs');
  writeFileSync(
    path,
    `import Module, { register } from 'node:module';
const find = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) => { if (request.startsWith('node-av')) throw new Error('hidden'); return find(request, ...rest); };
register('data:text/javascript,' + encodeURIComponent("export const resolve = (name, context, next) => { if (name.startsWith('node-av')) throw new Error('hidden'); return next(name, context); };"));`,
  );
  return path;
}
