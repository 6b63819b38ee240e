import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recipeTags } from '../../src/audio/wav_tags.ts';
import { writeWav } from '../../src/audio/wav_write.ts';
import type { Io } from '../../src/cli/command.ts';
import { evaluate } from '../../src/cli/eval.ts';
import { main } from '../../src/cli/main.ts';
import { faultSignals } from '../audio/measures/fault_signals.ts';
import { beats, chord, clicks, gaussian, mix } from '../audio/signals.ts';

const RATE = 24000;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'melody-eval-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A beat with a held chord. */
const song = (bpm: number, seconds = 3) => mix(clicks(seconds, RATE, beats(seconds, bpm), 0.4), chord(seconds, RATE, [60, 64, 67]));

async function save(name: string, x: Float32Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, writeWav({ sampleRate: RATE, channels: [x] }));
  return path;
}

async function melody(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = '';
  let err = '';
  const io: Io = {
    out: (data) => {
      out += data;
    },
    err: (text) => {
      err += text;
    },
    terminal: false,
    env: {},
    signal: new AbortController().signal,
  };
  const code = await main(['eval', ...argv], io, { eval: async () => evaluate });
  return { code, out, err };
}

describe('melody eval', () => {
  test('a file: table with its measures, exit code 0', async () => {
    const { code, out, err } = await melody(await save('song.wav', song(120)), '--bpm', '120');
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toContain('song.wav: 3.00 s, 24000 Hz, mono');
    expect(out).toMatch(/loudness +-\d\d\.\d LUFS/);
    expect(out).toMatch(/tempo +(119|120)\.\d BPM/);
    expect(out).toContain('tempo asked 120 BPM: kept within 4 %');
    expect(out).toMatch(/key +C major/);
    expect(out).not.toContain('SUSPECT');
  });

  test('--json: every measure by name, the whole report, joins and periods', async () => {
    const file = await save('json.wav', song(120));
    const { code, out } = await melody(file, '--json', '--join', '0', '--join', '1.5', '--period', '96');
    expect(code).toBe(0);
    const { clips } = JSON.parse(out);
    expect(clips[0].file).toBe(file);
    expect(clips[0].measures.tempo).toBeGreaterThan(119);
    expect(clips[0].report.seams.map((s: { position: number }) => s.position)).toEqual([0, 36000]);
    expect(clips[0].measures['buzz at 96 samples']).toBeTypeOf('number');
  });

  test('says how a clip is tuned, with words to read each number by; --source adds what a copy keeps', async () => {
    const source = await save('source.wav', faultSignals.music());
    const snapped = await save('snapped.wav', faultSignals.snapped());
    const { code, out } = await melody(snapped, '--source', source);
    expect(code).toBe(0);
    expect(out).toMatch(/tones on the frame rate +9\d\.\d % +tones that a decoder snaps to multiples of its frame rate/);
    expect(out).toMatch(/ripple within a frame +1\d\.\d\d dB +level over the place/);
    expect(out).toMatch(/tones kept below 260 Hz +0\.0 %/);
    expect(out).toMatch(/SUSPECT out of tune: 9\d/);
    const { clips } = JSON.parse((await melody(source, snapped, '--source', source, '--json')).out);
    expect(clips.map((c: { measures: Record<string, number> }) => c.measures['tones kept of the source'])).toEqual([
      100,
      expect.closeTo(30.3, 0),
    ]);
    expect(clips[0].report.envelopes.drumStrokes).toBeCloseTo(4, 0);
    expect(clips[0].suspect).toEqual([]);
    const elsewhere = await melody(snapped, '--frame-rate', '86.13', '--json');
    expect(JSON.parse(elsewhere.out).clips[0].measures['tones on the frame rate']).toBeLessThan(10);
  });

  test('suspect output is said, and fails with 3 under --strict only', async () => {
    const noise = await save('noise.wav', gaussian(2 * RATE, 1));
    const relaxed = await melody(noise);
    expect(relaxed.code).toBe(0);
    expect(relaxed.out).toContain('SUSPECT flat noise');
    expect((await melody(noise, '--strict')).code).toBe(3);
    expect((await melody(await save('fine.wav', song(120)), '--strict')).code).toBe(0);
  });

  test('several files and a folder; a broken one is named and the rest measured, exit code 1', async () => {
    const good = await save('good.wav', song(100));
    const cut = join(folder, 'cut.wav');
    await writeFile(cut, (await readFile(good)).subarray(0, 5000));
    const { code, out, err } = await melody(good, cut, join(folder, 'missing.wav'), good);
    expect(code).toBe(1);
    expect(out.match(/good\.wav:/g)?.length).toBe(2);
    expect(err).toMatch(/cut\.wav: wav: truncated: the data chunk claims \d+ bytes, 4956 are there/);
    expect(err.match(/missing\.wav/g)?.length).toBe(1);
    expect(out).toContain('2 clips: mean pairwise distance of hand-made descriptors 0.00');
    const taken = await melody(cut, '--allow-truncated');
    expect(taken.code).toBe(0);
    expect(taken.out).toContain('file: truncated');
  });

  test('a reference folder gives bands and a distance that is not called FAD', async () => {
    const music = await mkdtemp(join(folder, 'music-'));
    for (const bpm of [100, 105, 110, 115, 120]) {
      await writeFile(join(music, `${bpm}.wav`), writeWav({ sampleRate: RATE, channels: [song(bpm)] }));
    }
    const files = [await save('in.wav', song(112)), await save('above.wav', song(150))];
    const { code, out } = await melody(...files, '--reference', music);
    expect(code).toBe(0);
    expect(out).toMatch(/tempo +11[12]\.\d BPM +in +1\d\d\.\d … 1\d\d\.\d/);
    expect(out).toMatch(/tempo +1(49|50)\.\d BPM +above/);
    expect(out).toMatch(/to 5 reference clips [\d.]+ \(this is not FAD\)/);
    const whole = JSON.parse((await melody(music, '--reference', music, '--json')).out);
    expect(whole.clips.length).toBe(5);
    expect(whole.band.tempo.count).toBe(5);
    expect(whole.together.descriptorDistance).toBeCloseTo(0, 6);
  });

  test('pictures are PNG files, and are not overwritten unasked', async () => {
    const file = await save('picture.wav', song(90, 1));
    expect((await melody(file, '--pictures', folder)).code).toBe(0);
    expect([...(await readFile(join(folder, 'picture.png'))).subarray(0, 4)]).toEqual([137, 80, 78, 71]);
    const again = await melody(file, '--pictures', folder);
    expect(again).toMatchObject({ code: 1 });
    expect(again.err).toContain('--force');
    const nowhere = await melody(file, '--pictures', join(folder, 'nowhere'));
    expect(nowhere).toMatchObject({ code: 1, err: expect.stringContaining('picture.png: no such file') });
    expect(nowhere.err).not.toMatch(/internal error|ENOENT/);
    expect((await melody(file, '--pictures', folder, '--force')).code).toBe(0);
  });
});

describe('wrong input', () => {
  test.each([
    ['no file', [], 'no file was named'],
    ['unknown option', ['x.wav', '--jsonn'], 'did you mean --json'],
    ['tempo of 0', ['x.wav', '--bpm', '0'], '--bpm: got "0"'],
    ['a join that is no number', ['x.wav', '--join', 'end'], '--join: got "end"'],
    ['a period of half a sample', ['x.wav', '--period', '96.5'], 'whole number'],
  ])('%s: exit code 2', async (_name, argv, message) => {
    const { code, err, out } = await melody(...argv);
    expect(err).toContain(message);
    expect(err).not.toContain('internal error');
    expect(code).toBe(2);
    expect(out).toBe('');
  });

  test.each([
    ['not a WAV', 'text.wav', 'hello, this is text', 'not a WAV file; got a text, which begins "hello, this is text"'],
    ['an empty file', 'empty.wav', '', 'not a WAVE file'],
  ])('%s: exit code 1 and a sentence', async (_name, name, body, message) => {
    await writeFile(join(folder, name), body);
    const { code, err } = await melody(join(folder, name));
    expect(code).toBe(1);
    expect(err).toContain(message);
    expect(err).not.toContain('internal error');
  });

  test('a folder without WAV files, too few references, a join behind the end', async () => {
    const empty = await mkdtemp(join(folder, 'empty-'));
    const file = await save('short.wav', song(120, 1));
    expect(await melody(empty)).toMatchObject({ code: 1, err: expect.stringContaining('no audio file') });
    await writeFile(join(empty, 'one.wav'), await readFile(file));
    expect(await melody(file, '--reference', empty)).toMatchObject({ code: 2, err: expect.stringContaining('at least 5') });
    expect(await melody(file, '--reference', join(folder, 'nowhere'))).toMatchObject({
      code: 2,
      err: expect.stringContaining('expected a folder'),
    });
    expect(await melody(file, '--join', '99')).toMatchObject({ code: 1, err: expect.stringContaining('after the end') });
  });

  test('a name that would steer the terminal is shown escaped', async () => {
    const { out } = await melody(await save('red\u001b[31m\u202e.wav', song(120, 1)));
    expect(out).toContain('red\\u{1b}[31m\\u{202e}.wav');
    expect(out).not.toContain('\u001b');
  });

  test('Ctrl-C stops it', async () => {
    const stop = new AbortController();
    stop.abort();
    const io: Io = { out: () => {}, err: () => {}, terminal: false, env: {}, signal: stop.signal };
    expect(await main(['eval', await save('stop.wav', song(120, 1))], io, { eval: async () => evaluate })).toBe(130);
  });
});

describe('text-audio agreement by the towers of melody-tiny', () => {
  const model = fileURLToPath(new URL('../../weights/melody-tiny', import.meta.url));

  test('of --prompt, or of the prompt in the recipe; other words, other agreement', async () => {
    const bare = await save('bare.wav', song(120));
    const told = async (prompt: string) => {
      const path = join(folder, `${prompt}.wav`);
      const tags = recipeTags({ recipe: { prompt }, software: 'test', license: 'none', title: 'x' });
      await writeFile(path, writeWav({ sampleRate: RATE, channels: [song(120)], tags }));
      return path;
    };
    const asked = JSON.parse((await melody(bare, '--json', '--model', model, '--prompt', 'slow piano')).out).clips[0].measures.agreement;
    expect(Math.abs(asked)).toBeLessThanOrEqual(1.0001);
    const { code, out } = await melody(await told('slow piano'), await told('fast drums'), bare, '--json', '--model', model);
    const [piano, drums, none] = JSON.parse(out).clips;
    expect(piano.measures.agreement).toBe(asked);
    expect(Math.abs(drums.measures.agreement - asked)).toBeGreaterThan(1e-3);
    expect(none.error.message).toContain('no recipe whose prompt it could be compared with');
    expect(code).toBe(1);
  });
});
