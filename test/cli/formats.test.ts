// FLAC, MP3 and Opus on the command line: made, read for a recipe, continued, shown and measured. And what is refused before any work.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, test, vi } from 'vitest';
import { readAudio } from '../../src/audio/sound_file.ts';
import { readRecipe } from '../../src/audio/wav_tags.ts';
import { writeWav } from '../../src/audio/wav_write.ts';
import { fileFormat, formatOf } from '../../src/cli/generate/formats.ts';
import { main } from '../../src/cli/main.ts';
import { haveCodecs } from '../helpers/codecs.ts';

vi.setConfig({ testTimeout: 180_000 });
const model = fileURLToPath(new URL('../../weights/melody-tiny', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'melody-formats-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string) => join(folder, name);

async function melody(...argv: string[]) {
  let out = '';
  let err = '';
  const write = (data: string | Uint8Array) => {
    out += typeof data === 'string' ? data : '';
  };
  const code = await main(argv, {
    out: write,
    err: (text) => (err += text),
    terminal: false,
    env: {},
    signal: new AbortController().signal,
  });
  return { code, out, err };
}
const generate = (...words: string[]) =>
  melody('generate', '--model', model, '--out-dir', folder, '--steps', '1', '--duration', '0.8', ...words);

describe('which format', () => {
  test.each([
    [undefined, undefined, undefined, 'wav'],
    [undefined, 'a.mp3', undefined, 'mp3'],
    [undefined, 'a.OGG', undefined, 'opus'],
    ['flac24', 'a.flac', undefined, 'flac24'],
    ['flac24', 'a', undefined, 'flac24'],
    [undefined, undefined, 'wav24', 'wav24'],
    [undefined, 'a.wav', 'wav24', 'wav24'],
    [undefined, 'a.flac', 'wav24', 'flac'],
    [undefined, 'a', 'mp3', 'mp3'],
    [undefined, undefined, 's16le', 'wav'], // of a stream
    [undefined, undefined, 7, 'wav'],
  ])('--format %s, --out %s, a recipe of %s: %s', (asked, out, before, name) => {
    expect(fileFormat(asked, out, before).name).toBe(name);
  });

  test.each([
    ['mp3', 'a.wav', /--format mp3 does not fit --out a.wav/],
    ['wav', 'a.flac', /--format wav does not fit --out a.flac/],
    ['aac', undefined, /--format: got "aac", expected one of wav, wav24, wavf32, flac, flac24, mp3, opus/],
    ['s16le', undefined, /--format: got "s16le"/],
  ])('--format %s, --out %s is refused', (asked, out, message) => {
    expect(() => fileFormat(asked, out, undefined)).toThrow(message);
  });

  it('raw samples are for streams', async () => {
    expect(formatOf('s24le', true)).toMatchObject({ raw: true });
    expect(formatOf('mp3', true)).toMatchObject({ file: 'mp3' });
  });
});

describe('melody eval of a folder', () => {
  it('goes down, passes over hidden files, and tells of every file that it cannot read', async () => {
    const music = file('music');
    mkdirSync(join(music, 'deep', 'er'), { recursive: true });
    const wav = writeWav({ sampleRate: 24_000, channels: [Float32Array.from({ length: 24_000 }, (_, i) => 0.3 * Math.sin(i / 9))] });
    writeFileSync(join(music, 'a.wav'), wav);
    writeFileSync(join(music, 'deep', 'er', 'b.WAV'), wav);
    writeFileSync(join(music, '._a.wav'), 'what macOS leaves');
    writeFileSync(join(music, 'notes.txt'), 'no music');
    writeFileSync(join(music, 'deep', 'c.flac'), 'fLaC and no more');
    const { code, out, err } = await melody('eval', music);
    expect(code).toBe(1);
    expect(out.match(/^\S.*: 1\.00 s/gm)).toHaveLength(2);
    expect(err.match(/^melody: /gm)).toHaveLength(1);
    expect(err).toContain('c.flac: ');
  });
});

describe.runIf(haveCodecs)('with node-av', () => {
  test.each(['flac', 'mp3', 'opus'])(
    '.%s: made, made again from its recipe to the same bytes, shown, measured, continued',
    async (ending) => {
      const first = file(`first.${ending}`);
      expect(await generate('calm piano, 96 bpm', '--seed', '7', '--out', `first.${ending}`, '--picture')).toMatchObject({ code: 0 });
      expect(existsSync(file('first.png'))).toBe(true);
      const made = await readAudio(readFileSync(first));
      expect(readRecipe(made.tags)?.recipe).toMatchObject({ prompt: 'calm piano, 96 bpm', seed: 7, format: ending });
      expect(made.channels[0].length / made.sampleRate).toBe(0.8);

      expect(await melody('generate', '--model', model, '--recipe', first, '--out', file(`again.${ending}`))).toMatchObject({ code: 0 });
      expect(Buffer.compare(readFileSync(file(`again.${ending}`)), readFileSync(first))).toBe(0);

      const shown = await melody('inspect', first);
      expect(shown).toMatchObject({ code: 0 });
      expect(shown.out).toContain('calm piano, 96 bpm');
      expect(shown.out).toMatch(new RegExp(`0\\.800 s, (24|48)000 Hz, 1 channel, (16 bits )?${ending}\n`));
      expect(JSON.parse((await melody('inspect', '--json', first)).out)).toMatchObject({ kind: ending, aiGenerated: true, seconds: 0.8 });

      const measured = await melody('eval', first);
      expect(measured.out).toContain(`first.${ending}: 0.80 s`);
      const longer = file(`longer-${ending}.wav`);
      expect(await generate('calm piano', '--continue', first, '--out', `longer-${ending}.wav`)).toMatchObject({ code: 0 });
      const whole = await readAudio(readFileSync(longer));
      expect(whole.channels[0].length / whole.sampleRate).toBeCloseTo(1.6, 3);
      rmSync(file('first.png'));
    },
  );

  it('24 bits of FLAC, and a name without an ending', async () => {
    expect(await generate('calm piano', '--format', 'flac24', '--out', 'deep')).toMatchObject({ code: 0 });
    expect(await readAudio(readFileSync(file('deep.flac')))).toMatchObject({ format: 'flac', bitsPerSample: 24 });
  });
});

describe("a sound of one's own", () => {
  // 44.1 kHz, stereo, 24 bits, with tones that the model, at 24 kHz in mono, does not have.
  const own = [0, 1].map((c) =>
    Float32Array.from(
      { length: 66_150 },
      (_, i) => Math.round(8_388_608 * (0.2 * Math.sin(i / (9 + c)) + 0.05 * Math.sin(i * 2.3))) / 8_388_608,
    ),
  );
  const save = (name: string, format: 'pcm16' | 'pcm24' | 'float32' = 'pcm24') => {
    writeFileSync(file(name), writeWav({ sampleRate: 44_100, channels: own }, format));
    return file(name);
  };
  const short = ['generate', 'calm piano', '--model', model, '--steps', '1', '--seed', '3'];
  const differing = (got: Float32Array, c: number, from: number, to: number) => {
    let count = 0;
    for (let i = from; i < to; i++) if (got[i] !== own[c][i]) count++;
    return count;
  };

  it('keeps rate, channels and depth before a continuation; what is lost is told; its recipe makes the same bytes', async () => {
    const song = save('own.wav');
    const made = await melody(...short, '--duration', '0.8', '--continue', song, '--out', file('more.wav'), '--json');
    expect(made.code, made.err).toBe(0);
    const wav = await readAudio(readFileSync(file('more.wav')));
    expect([wav.sampleRate, wav.channels.length, wav.bitsPerSample, wav.format]).toEqual([44_100, 2, 24, 'pcm']);
    expect(Math.abs(wav.channels[0].length - 66_150 - 0.8 * 44_100)).toBeLessThanOrEqual(3);
    for (const c of [0, 1]) expect(differing(wav.channels[c], c, 0, 66_150)).toBe(0);
    const { warnings, seconds } = JSON.parse(made.out).clips[0];
    expect(seconds).toBeCloseTo(2.3, 3);
    expect(warnings).toContain('what is made has no tones over 12000 Hz; the given sound keeps its 44100 Hz');
    expect(warnings).toContain('what is made is the same in all 2 channels');
    const again = await melody('generate', '--model', model, '--recipe', file('more.wav'), '--continue', song, '--out', file('more2.wav'));
    expect(again).toMatchObject({ code: 0 });
    expect(Buffer.compare(readFileSync(file('more2.wav')), readFileSync(file('more.wav')))).toBe(0);
  });

  it('keeps every sample outside an inpainted region; fewer bits are asked for and told', async () => {
    const song = save('hole.wav');
    const words = [...short, '--init', song, '--inpaint', '0.4-0.9'];
    expect(await melody(...words, '--out', file('filled.wav'))).toMatchObject({ code: 0 });
    const wav = await readAudio(readFileSync(file('filled.wav')));
    expect([wav.sampleRate, wav.channels.length, wav.bitsPerSample, wav.channels[0].length]).toEqual([44_100, 2, 24, 66_150]);
    for (const c of [0, 1]) {
      expect(differing(wav.channels[c], c, 0, 17_640)).toBe(0);
      expect(differing(wav.channels[c], c, 39_690, 66_150)).toBe(0);
      expect(differing(wav.channels[c], c, 17_640, 39_690)).toBeGreaterThan(20_000);
    }
    const coarse = await melody(...words, '--out', file('coarse.wav'), '--format', 'wav');
    expect(coarse.err).toContain('warning: the given sound has 24 bits, of which wav keeps 16');
    expect(await readAudio(readFileSync(file('coarse.wav')))).toMatchObject({ bitsPerSample: 16, sampleRate: 44_100 });
  });

  it('tells the oddities of the files that it is given', async () => {
    const wav = writeWav({ sampleRate: 44_100, channels: [own[0]] });
    writeFileSync(file('odd.wav'), Buffer.concat([wav, Buffer.from('junkjunk')]));
    const made = await melody(...short, '--duration', '0.8', '--continue', file('odd.wav'), '--out', file('odd2.wav'));
    expect(made.err).toContain('warning: odd.wav: what follows the audio at byte');
  });
});
