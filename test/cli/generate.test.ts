// melody generate on melody-tiny: files, recipes that make the same bytes again, given audio, streams, Ctrl-C.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, test, vi } from 'vitest';
import { readWav } from '../../src/audio/wav.ts';
import { readRecipe, recipeTags } from '../../src/audio/wav_tags.ts';
import { writeWav } from '../../src/audio/wav_write.ts';
import type { Io } from '../../src/cli/command.ts';
import { main } from '../../src/cli/main.ts';

/** Every call compiles all pipelines, which takes seconds where a software adapter shares its cores. */
vi.setConfig({ testTimeout: 180_000 });
const model = fileURLToPath(new URL('../../weights/melody-tiny', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'melody-generate-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string) => join(folder, name);

async function melody(argv: string[], { signal, hear, ...world }: Partial<Io> & { hear?: (text: string) => void } = {}) {
  const out: Uint8Array[] = [];
  let err = '';
  const io: Io = {
    out: (data) => out.push(typeof data === 'string' ? new TextEncoder().encode(data) : data),
    err: (text) => {
      err += text;
      hear?.(text);
    },
    terminal: false,
    env: {},
    signal: signal ?? new AbortController().signal,
    ...world,
  };
  const code = await main(argv, io);
  const bytes = Buffer.concat(out);
  return { code, bytes, out: bytes.toString(), err };
}

/** generate with the toy model, one diffusion step, into the test's folder. */
const generate = (words: string[], world?: Parameters<typeof melody>[1]) =>
  melody(['generate', '--model', model, '--out-dir', folder, '--steps', '1', ...words], world);

const tone = (samples: number) => Float32Array.from({ length: samples }, (_, i) => 0.3 * Math.sin(i / 12));

function save(name: string, samples: Float32Array): string {
  writeFileSync(file(name), writeWav({ sampleRate: 24000, channels: [samples] }));
  return file(name);
}

describe('a file and its recipe', () => {
  it('writes a WAV with recipe and AI tag, says where, and makes the same bytes again from it', async () => {
    const first = await generate(['calm piano, 96 bpm', '--duration', '0.8', '--seed', '7', '--out', 'first.wav', '--picture']);
    expect(first.err).toContain('diffusion');
    expect(first.code).toBe(0);
    expect(first.out).toContain(`${file('first.wav')}\n${file('first.png')}\n  0.80 s of music, 96 bpm, `);
    expect(first.out).toMatch(/, seed 7, made in /);
    const wav = readWav(readFileSync(file('first.wav')));
    expect([wav.sampleRate, wav.channels.length, wav.channels[0].length]).toEqual([24000, 1, 19200]);
    expect(wav.tags.info.ICMT).toBe('AI-generated');
    expect(readRecipe(wav.tags)?.recipe).toMatchObject({
      prompt: 'calm piano, 96 bpm',
      seed: 7,
      steps: 1,
      durationSeconds: 0.8,
      model: 'melody-tiny',
    });

    const inspected = await melody(['inspect', file('first.wav'), '--json']);
    expect(JSON.parse(inspected.out)).toMatchObject({
      kind: 'wav',
      frames: 19200,
      aiGenerated: true,
      recipe: { seed: 7, weights: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect((await melody(['inspect', file('first.wav')])).out).toMatch(
      /comment +AI-generated[\s\S]*prompt +calm piano, 96 bpm[\s\S]*decided +96 bpm, /,
    );
    writeFileSync(file('cut.wav'), readFileSync(file('first.wav')).subarray(0, 300));
    expect(await melody(['inspect', file('cut.wav')])).toMatchObject({
      code: 0,
      out: expect.stringContaining('truncated: 256 of 38400 audio bytes are there'),
    });

    const again = await melody(['generate', '--model', model, '--recipe', file('first.wav'), '--out', file('again.wav'), '--quiet']);
    expect(again).toMatchObject({ code: 0, out: `${file('again.wav')}\n`, err: '' });
    expect(readFileSync(file('again.wav')).equals(readFileSync(file('first.wav')))).toBe(true);

    const changed = await melody([
      'generate',
      '--model',
      model,
      '--recipe',
      file('first.wav'),
      '--seed',
      '8',
      '--out',
      file('other.wav'),
      '-q',
    ]);
    expect(changed.code).toBe(0);
    expect(readFileSync(file('other.wav')).equals(readFileSync(file('first.wav')))).toBe(false);
  });

  it('--tempo, --key and --metre decide over the prompt, and stand in the recipe', async () => {
    const words = [
      'calm piano, 96 bpm',
      '-d',
      '0.4',
      '--seed',
      '3',
      '--tempo',
      '120',
      '--key',
      'f# minor',
      '--metre',
      '3/4',
      '--json',
      '-q',
    ];
    const { code, out } = await generate([...words, '--out', 'told.wav']);
    expect(code).toBe(0);
    expect(JSON.parse(out).clips[0].recipe).toMatchObject({ tempo: 120, metre: '3/4', decided: { text: '120 bpm, F# minor, 3/4' } });
  });

  it('--steer: other prompts along the music, which stand in the recipe and are made again', async () => {
    const words = ['calm piano', '-d', '9', '--seed', '3', '--steer', '6:samba', '--steer', '4:techno, 140 bpm', '-q'];
    expect((await generate([...words, '--out', 'steered.wav'])).code).toBe(0);
    const { tags } = readWav(readFileSync(file('steered.wav')));
    expect(readRecipe(tags)?.recipe).toMatchObject({
      steered: [
        { atSeconds: 4, prompt: 'techno, 140 bpm' },
        { atSeconds: 6, prompt: 'samba' },
      ],
    });
    expect((await melody(['inspect', file('steered.wav')])).out).toContain('from 4 s: techno, 140 bpm; from 6 s: samba\n');
    expect((await generate(['--recipe', file('steered.wav'), '--out', 'steered_again.wav', '-q'])).code).toBe(0);
    expect(readFileSync(file('steered_again.wav')).equals(readFileSync(file('steered.wav')))).toBe(true);
  });

  it('of an endless stream that was cut off: the same samples, as many as there are', async () => {
    const stop = new AbortController();
    const world = { signal: stop.signal, hear: (text: string) => /^[5-9]\.\d s made/.test(text) && stop.abort() };
    const { bytes, code } = await melody(['generate', '--model', model, 'piano', '--seed', '3', '--steps', '1', '--stream'], world);
    expect(code).toBe(130);
    const cut = bytes.subarray(0, bytes.length - 50_001); // as `head -c` cuts it
    writeFileSync(file('endless.wav'), cut);
    expect((await generate(['--recipe', file('endless.wav'), '--out', 'ended.wav', '-q'])).code).toBe(0);
    const [heard, made] = [readWav(cut, { allowTruncated: true }), readWav(readFileSync(file('ended.wav')))].map((wav) => wav.channels[0]);
    expect(heard.length).toBeGreaterThan(4 * 24000);
    expect(made).toEqual(heard);
    // One of a set length whose header promises more than came.
    const short = await melody(['generate', '--model', model, 'piano', '--seed', '3', '--steps', '1', '--stream', '-d', '1.3', '-q']);
    writeFileSync(file('short.wav'), short.bytes.subarray(0, 20_000));
    expect((await generate(['--recipe', file('short.wav'), '--out', 'short_again.wav', '-q'])).code).toBe(0);
    expect(readWav(readFileSync(file('short_again.wav'))).channels[0].length).toBe(1.3 * 24000);
  });

  it('of a stream that continues music: what is new, as in the stream', async () => {
    const before = save('before.wav', tone(48000));
    const words = ['--model', model, 'piano', '--seed', '3', '--steps', '1', '--continue', before, '-q'];
    const { bytes } = await melody(['generate', ...words, '--stream', '-d', '1.2']);
    writeFileSync(file('more.wav'), bytes);
    const replay = ['--recipe', file('more.wav'), '--continue', before, '-q', '--out'];
    expect((await generate([...replay, 'more_again.wav'])).code).toBe(0);
    const made = readWav(readFileSync(file('more_again.wav'))).channels[0];
    expect(made.length).toBe(1.2 * 24000);
    expect((await generate(['--recipe', file('more_again.wav'), '--continue', before, '-q', '--out', 'and_again.wav'])).code).toBe(0);
    expect(readFileSync(file('and_again.wav')).equals(readFileSync(file('more_again.wav')))).toBe(true);
  });

  it('a stream makes one window after another: --parallel is refused', async () => {
    const { code, err } = await melody(['generate', '--model', model, 'piano', '--stream', '--parallel', '2']);
    expect(err).toContain('--stream cannot be combined with --parallel');
    expect(code).toBe(2);
  });

  it('from elsewhere does not say which address or folder is opened', async () => {
    const channels = [tone(2400)]; // as long as a piece must be at least
    for (const name of ['http://127.0.0.1:9/evil', '../weights', '/etc', '..']) {
      const tags = recipeTags({ recipe: { version: 1, model: name, prompt: 'piano', seed: 1 }, software: 'x', license: '', title: '' });
      writeFileSync(file('evil.wav'), writeWav({ sampleRate: 24000, channels, tags }));
      const { code, err } = await melody(['generate', '--recipe', file('evil.wav'), '--out', file('evil_again.wav')]);
      expect(err).toContain('which is no plain name');
      expect(code).toBe(2);
    }
  });

  it('a recipe of a model that lies elsewhere: told to say where', async () => {
    const tags = recipeTags({ recipe: { version: 1, model: 'mine', prompt: 'piano', seed: 1 }, software: 'x', license: '', title: '' });
    writeFileSync(file('mine.wav'), writeWav({ sampleRate: 24000, channels: [tone(2400)], tags }));
    const { code, err } = await melody(['generate', '--recipe', file('mine.wav'), '--out', file('mine_again.wav')]);
    expect(err).toMatch(/no model "mine".*\n {2}the recipe names it: say where that model is/);
    expect(code).toBe(1);
  });

  it('--json: what was made; variations count seeds up', async () => {
    const { code, out } = await generate([
      'piano',
      '-d',
      '0.4',
      '--seed',
      '20',
      '--variations',
      '2',
      '--out',
      'v.wav',
      '--json',
      '--quiet',
    ]);
    expect(code).toBe(0);
    const { clips, model: name } = JSON.parse(out);
    expect(name).toBe('melody-tiny');
    expect(clips).toMatchObject([
      { file: file('v-1.wav'), seconds: 0.4, seed: 20, recipe: { seed: 20 } },
      { file: file('v-2.wav'), seconds: 0.4, seed: 21, recipe: { seed: 21 } },
    ]);
    expect(clips[0].timings.total).toBeGreaterThan(0);
  });

  it('--strict ends with 3 when the clip is suspect, and the file is there to be heard', async () => {
    const init = save('silence.wav', new Float32Array(38400));
    const words = ['piano', '--init', init, '--inpaint', '0.8-0.84', '--out', 'suspect.wav', '--force'];
    const strict = await generate([...words, '--strict']);
    expect(strict.code).toBe(3);
    expect(strict.err).toContain('silent');
    expect(readdirSync(folder)).toContain('suspect.wav');
    expect((await generate(words)).code).toBe(0);
  });
});

describe('warnings', () => {
  it('--negative without --lm-guidance over 1 does nothing, which is said; long unknown words are cut', async () => {
    const { code, err } = await generate([`piano ${'x'.repeat(5000)}`, '-d', '0.4', '--negative', 'drums', '--out', 'warned.wav']);
    expect(code).toBe(0);
    expect(err).toContain('warning: --negative has no effect at --lm-guidance 1');
    expect(err).toContain(`1 word is unknown to the model: ${'x'.repeat(40)}…\n`);
  });

  it('a prompt of signs alone says nothing, which is said', async () => {
    const { code, err } = await generate(['!!! ??? 🎹', '-d', '0.4', '--out', 'signs.wav']);
    expect(code).toBe(0);
    expect(err).toContain('warning: the model knows no word of the prompt: !!! ??? 🎹\n');
  });

  it('a prompt cannot steer the terminal', async () => {
    const { code, out, err } = await generate(['\u001b[2Jpiano\u202e \u009b31m qzx\u200b', '-d', '0.4', '--seed', '1']);
    expect(code).toBe(0);
    expect(out).toContain(file('2jpiano-31m-qzx-1.wav'));
    expect(err).toMatch(/unknown to the model/);
    const control = /[\p{Cc}\p{Cf}]/u;
    for (const line of (out + err).split('\n')) expect(line).not.toMatch(control);
  });
});

describe('given audio', () => {
  it('--continue writes both; its recipe asks for the same audio again, by hash', async () => {
    const given = save('given.wav', tone(48000));
    const other = save('other_given.wav', tone(48001));
    expect((await generate(['piano', '--continue', given, '-d', '0.4', '--out', 'both.wav', '-q'])).code).toBe(0);
    const { channels, tags } = readWav(readFileSync(file('both.wav')));
    expect(channels[0].length).toBe(48000 + 9600);
    expect(channels[0].slice(0, 48000)).toEqual(readWav(readFileSync(given)).channels[0]);
    expect(readRecipe(tags)?.recipe).toMatchObject({
      inputs: { continue: { name: 'given.wav', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
    });

    const replay = (...words: string[]) => generate(['--recipe', file('both.wav'), '-q', '--out', 'both_again.wav', ...words]);
    expect(await replay()).toMatchObject({ code: 2, err: expect.stringContaining('--continue given.wav') });
    expect(await replay('--continue', other)).toMatchObject({
      code: 2,
      err: expect.stringContaining('is not the file the recipe was made with'),
    });
    expect((await replay('--continue', given)).code).toBe(0);
    expect(readFileSync(file('both_again.wav')).equals(readFileSync(file('both.wav')))).toBe(true);
  });

  test.each([
    ['--prompt-audio', 'broken.wav', /broken.wav: wav: /],
    ['--continue', 'missing.wav', /missing.wav: no such file/],
    ['--recipe', 'plain.wav', /plain.wav: holds no recipe/],
  ])('%s %s is refused by name', async (option, name, message) => {
    writeFileSync(file('broken.wav'), 'RIFF\u0000\u0000\u0000\u0000WAVEfmt ');
    save('plain.wav', tone(4800));
    const { code, err } = await generate(['piano', option, file(name)]);
    expect(code).toBe(1);
    expect(err).toMatch(message);
  });
});

describe('--stream', () => {
  it('raw samples, as many as asked, and a WAV with the recipe in front of the same samples', async () => {
    const words = ['generate', 'piano', '--model', model, '--steps', '1', '--seed', '3', '--duration', '1', '--stream'];
    const raw = await melody([...words, '--format', 's16le']);
    expect(raw.code).toBe(0);
    expect(raw.bytes.length).toBe(2 * 24000);
    expect(raw.err).toContain('seed 3, 24000 Hz, mono, s16le');
    const wav = await melody(words);
    expect(wav.bytes.subarray(-raw.bytes.length).equals(raw.bytes)).toBe(true);
    const { channels, tags } = readWav(wav.bytes);
    expect(channels[0].length).toBe(24000);
    expect(readRecipe(tags)?.recipe).toMatchObject({ seed: 3, prompt: 'piano' });
  });

  test.each([
    [['--out', 'x.wav'], {}, /--stream cannot be combined with --out/],
    [['--strict'], {}, /--stream cannot be combined with --strict/],
    [['--format', 'aac'], {}, /expected one of wav, wav24, wavf32, flac, flac24, mp3, opus, s16le, s24le, f32le/],
    [[], { outTerminal: true }, /standard output is a terminal/],
  ])('%j is refused', async (options, world, message) => {
    const { code, err, bytes } = await melody(['generate', 'piano', '--model', model, '--stream', ...options], world);
    expect([code, bytes.length]).toEqual([2, 0]);
    expect(err).toMatch(message);
  });
});

describe('Ctrl-C', () => {
  test.each(['style', 'tokens', 'diffusion'])('during %s: exit code 130, no file, no word after', async (stage) => {
    const before = readdirSync(folder);
    const stop = new AbortController();
    let after = '';
    const { code } = await generate(['piano', '--out', 'stopped.wav', '--steps', '50'], {
      signal: stop.signal,
      hear: (text) => {
        if (stop.signal.aborted) after += text;
        if (text.startsWith(stage)) stop.abort();
      },
    });
    expect(code).toBe(130);
    expect(after).toBe('melody: stopped\n');
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe('wrong use is told before any work', () => {
  test.each([
    [[], 2, /nothing says what to play/],
    [['piano', '--duration', '0'], 2, /--duration must be a number/],
    [['piano', '--duration', 'long'], 2, /--duration: got "long", expected a number/],
    [['piano', '--seed', '1.5'], 2, /--seed: got "1.5", expected a whole number/],
    [['piano', '--seed=-1'], 2, /seed must be a whole number/],
    [['piano', '--seed', '9007199254740993'], 2, /--seed/],
    [['piano', '--tempo', '400'], 2, /tempo/],
    [['piano', '--key', 'H minor'], 2, /key.*H minor/],
    [['piano', '--metre', '7/8'], 2, /metre.*7\/8/],
    [['piano', '--blend', 'samba'], 2, /--blend: got "samba"/],
    [['piano', '--blend', 'samba:1.5'], 2, /weight/],
    [['piano', '--inpaint', '3'], 2, /--inpaint: got "3"/],
    [['piano', '--duration', '-1'], 2, /--duration must be a number from 0.1 to 3600; got -1/],
    [['piano', '--inpaint', '1-2'], 2, /--inpaint needs --init/],
    [['piano', '--init', 'song.wav'], 2, /--init needs --inpaint/],
    [['piano', '--init', 'song.wav', '--inpaint', '1-2', '-d', '3'], 2, /--inpaint cannot be combined with --duration/],
    [['piano', '--init', 'song.wav', '--inpaint', '1-2', '--continue', 'song.wav'], 2, /--inpaint cannot be combined with --continue/],
    [['piano', '--prompt-audio-weight', '0.3'], 2, /--prompt-audio-weight needs --prompt-audio/],
    [['piano', '--seed', '9007199254740991', '--variations', '2'], 2, /2 variations from 9007199254740991/],
    [['piano', '--format', 's16le'], 2, /add --stream/],
    [['piano', '--sampler', 'euler'], 2, /--sampler must be/],
    [['piano', '--guidance', '99'], 2, /--guidance must be a number from 0 to 20; got 99/],
    [['piano', '--top-p', '7'], 2, /--top-p must be/],
    [['piano', '--steer', 'techno'], 2, /--steer: got "techno", expected seconds, a colon and a prompt/],
    [['piano', '--steer', '1:'], 2, /--steer: got "1:"/],
    [['piano', '--steer', '1:techno', '--loop', '-d', '4.8'], 2, /--steer cannot be combined with --loop/],
    [['piano', '--durration', '3'], 2, /did you mean --duration/],
    [['piano', '--variations', '0'], 2, /--variations/],
    [['piano', '--out', '../x.wav'], 2, /outside --out-dir/],
    [['piano', '--model', 'no-such-model'], 1, /no model "no-such-model"/],
    [['piano', '--model', '../melody-tiny'], 1, /no model/],
  ])('%j', async (words, expected, message) => {
    const before = readdirSync(folder);
    const { code, err, out } = await generate(words);
    expect(err).toMatch(message);
    expect([code, out]).toEqual([expected, '']);
    expect(readdirSync(folder)).toEqual(before);
  });
});
