// melody generate and inspect on folders in the layout of transformers.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { readWav } from '../../src/audio/wav.ts';
import { readRecipe } from '../../src/audio/wav_tags.ts';
import { writeWav } from '../../src/audio/wav_write.ts';
import type { Io } from '../../src/cli/command.ts';
import { main } from '../../src/cli/main.ts';

/** The CPU's kernels are tested at the first load. */
vi.setConfig({ testTimeout: 180_000 });
const place = (name: string) => fileURLToPath(new URL(`../goldens/systems/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'melody-published-'));
afterAll(() => rmSync(folder, { recursive: true }));

const melody = (...argv: string[]) => melodyUntil(new AbortController(), ...argv);

/** The command, which is stopped once it has written 20,000 bytes of sound where it has no end. */
async function melodyUntil(stop: AbortController, ...argv: string[]) {
  const said = { out: '', err: '', bytes: new Uint8Array() };
  const io: Io = {
    out: (data) => {
      said.out += typeof data === 'string' ? data : new TextDecoder().decode(data);
      if (typeof data === 'string') return;
      said.bytes = Uint8Array.from([...said.bytes, ...data]);
      if (said.bytes.length > 20_000) stop.abort();
    },
    err: (text) => {
      said.err += text;
    },
    terminal: false,
    outTerminal: false,
    env: {},
    signal: stop.signal,
  };
  const code = await main(argv, io);
  return { code, ...said };
}

const generate = (...words: string[]) =>
  melody('generate', '--model', place('musicgen_mono'), '--device', 'cpu', '--threads', '1', '--out-dir', folder, ...words);

type Fields = Record<string, unknown>;
interface Config {
  model_type: string;
  decoder?: Fields;
  text_encoder: Fields;
  audio_encoder: Fields;
}

const fields = (part: Fields | undefined, values: Fields) => Object.assign(part ?? {}, values);

/** A copy of a model folder with another config. */
function changed(name: string, change: (config: Config) => unknown): string {
  const copy = join(folder, `${name}-${Math.random().toString(36).slice(2)}`);
  cpSync(place(name), copy, { recursive: true });
  const config = JSON.parse(readFileSync(join(copy, 'config.json'), 'utf8'));
  change(config);
  writeFileSync(join(copy, 'config.json'), JSON.stringify(config));
  return copy;
}

describe('melody generate --model <MusicGen>', () => {
  it('writes a file that says its licence, and makes it again from its recipe', async () => {
    const first = await generate('calm piano', '--duration', '0.3', '--seed', '5', '--top-k', '9', '--out', 'first.wav');
    expect([first.code, first.err]).toEqual([0, expect.stringContaining('musicgen_mono: weights under CC-BY-NC-4.0')]);
    const bytes = readFileSync(join(folder, 'first.wav'));
    const wav = readWav(bytes);
    expect([wav.sampleRate, wav.channels.length, wav.channels[0].length]).toEqual([8000, 1, 2400]);
    expect(wav.tags.info.ICOP).toContain('CC-BY-NC-4.0');
    expect(readRecipe(wav.tags)?.recipe).toMatchObject({ system: 'musicgen', prompt: 'calm piano', topK: 9, seed: 5 });
    const again = await generate('--recipe', join(folder, 'first.wav'), '--out', 'again.wav');
    expect(again.code).toBe(0);
    expect(readFileSync(join(folder, 'again.wav')).equals(bytes)).toBe(true);
    const other = changed('musicgen_mono', (config) => Object.assign(config, { note: 'another file' }));
    const refused = await melody(
      'generate',
      '--recipe',
      join(folder, 'first.wav'),
      '--model',
      other,
      '--device',
      'cpu',
      '--out-dir',
      folder,
    );
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('the recipe was made with other weights of musicgen_mono')]);
  });

  it('goes on from a file, which stays as it is', async () => {
    const given = join(folder, 'given.wav');
    const samples = Float32Array.from({ length: 2205 }, (_, i) => 0.4 * Math.sin(i / 9));
    writeFileSync(given, writeWav({ sampleRate: 22_050, channels: [samples] }));
    const { code, err } = await generate('piano', '--continue', given, '--duration', '0.2', '--seed', '1', '--out', 'more.wav');
    expect([code, err]).toEqual([0, expect.anything()]);
    const wav = readWav(readFileSync(join(folder, 'more.wav')));
    expect([wav.sampleRate, wav.channels[0].length]).toEqual([22_050, 2205 + 4410]);
    const kept = readWav(readFileSync(given)).channels[0];
    expect(kept.every((v, i) => wav.channels[0][i] === v)).toBe(true);
  });

  it('follows a tune from a file, which its recipe asks for again', async () => {
    const model = changed('musicgen_melody', () => undefined);
    cpSync(join(place('musicgen_mono'), 'tokenizer.json'), join(model, 'tokenizer.json'));
    const tune = join(folder, 'tune.wav');
    writeFileSync(tune, writeWav({ sampleRate: 8000, channels: [Float32Array.from({ length: 4000 }, (_, i) => 0.4 * Math.sin(i / 3))] }));
    const how = ['--model', model, '--duration', '0.1', '--seed', '1', '--out'];
    const [first, silent] = [await generate('piano', '--melody', tune, ...how, 'after.wav'), await generate('piano', ...how, 'none.wav')];
    expect([first.code, silent.code, first.err]).toEqual([0, 0, expect.anything()]);
    const bytes = readFileSync(join(folder, 'after.wav'));
    expect(readWav(bytes).channels).not.toEqual(readWav(readFileSync(join(folder, 'none.wav'))).channels);
    const again = ['--recipe', join(folder, 'after.wav'), '--model', model, '--out', 'again_after.wav'];
    expect((await generate(...again)).err).toContain('the recipe was made with --melody tune.wav');
    expect((await generate(...again, '--melody', tune)).code).toBe(0);
    expect(readFileSync(join(folder, 'again_after.wav')).equals(bytes)).toBe(true);
    expect((await generate('piano', '--melody', tune)).err).toContain('musicgen_mono follows words alone');
    const own = fileURLToPath(new URL('../../weights/melody-tiny', import.meta.url));
    expect((await generate('piano', '--model', own, '--melody', tune)).err).toContain('--melody: this model follows words alone');
  });

  it('keeps matrices as --precision says, which its recipe does again', async () => {
    const how = ['--duration', '0.2', '--seed', '1', '--temperature', '0', '--out'];
    expect((await generate('piano', ...how, 'floats.wav')).code).toBe(0);
    expect((await generate('piano', ...how, 'bytes.wav', '--precision', 'int8')).code).toBe(0);
    const bytes = readFileSync(join(folder, 'bytes.wav'));
    expect(readRecipe(readWav(bytes).tags)?.recipe).toMatchObject({ precision: 'int8' });
    expect((await generate('--recipe', join(folder, 'bytes.wav'), '--out', 'again_bytes.wav')).code).toBe(0);
    expect(readFileSync(join(folder, 'again_bytes.wav')).equals(bytes)).toBe(true);
    const other = ['--recipe', join(folder, 'bytes.wav'), '--precision', 'f32', '--out', 'again_floats.wav'];
    expect((await generate(...other)).code).toBe(0);
    expect(readWav(readFileSync(join(folder, 'again_floats.wav'))).channels).toEqual(
      readWav(readFileSync(join(folder, 'floats.wav'))).channels,
    );
    expect((await generate('piano', '--precision', 'q4')).err).toContain('--precision: got "q4", expected f32, f16, int8');
    const own = fileURLToPath(new URL('../../weights/melody-tiny', import.meta.url));
    expect((await generate('piano', '--model', own, '--precision', 'f16')).err).toContain(
      '--precision: a MeLoDy model always computes in the precision in which it was stored',
    );
  });

  it('streams, and makes the file of a stream again', async () => {
    const words = ['--model', place('musicgen_mono'), '--device', 'cpu', '--threads', '1'];
    const first = await melody('generate', 'piano', ...words, '--seed', '1', '--duration', '1.2', '--stream');
    expect(first.err).toContain('seed 1, 8000 Hz, mono, wav; Ctrl-C ends it');
    expect(first.err).toContain('CC-BY-NC');
    const stop = new AbortController();
    const endless = await melodyUntil(stop, 'generate', 'piano', ...words, '--seed', '1', '--stream');
    for (const [name, { code, bytes }] of Object.entries({ first, endless })) {
      expect(code).toBe(name === 'first' ? 0 : 130);
      const cut = join(folder, `${name}.wav`);
      writeFileSync(cut, bytes);
      expect((await generate('--recipe', cut, '--out', `${name}_again.wav`)).err).toContain('CC-BY-NC');
      const [was, is] = [bytes, readFileSync(join(folder, `${name}_again.wav`))].map((file) => readWav(file, { allowTruncated: true }));
      expect(is.channels).toEqual(was.channels);
    }
  });

  it('names the files, seed by seed', async () => {
    const { code, out } = await generate('piano', '--duration', '0.1', '--variations', '2', '--seed', '1', '--json', '--out', 'two.wav');
    expect(code).toBe(0);
    const report = JSON.parse(out);
    expect(report.clips.map(({ seed }: { seed: number }) => seed)).toEqual([1, 2]);
    expect(report.licence).toContain('CC-BY-NC');
  });

  it('refuses what the system cannot do by its flag', async () => {
    for (const [words, message] of [
      [['--steps', '4'], 'MusicGen has no setting steps'],
      [['--tempo', '120'], 'MusicGen has no setting tempo'],
      [['--duration', '640'], '--duration must be a number from 0 to 600; got 640'],
      [['--stream', '--steps', '4'], 'MusicGen has no setting steps'],
    ] as const) {
      const { code, err } = await melody('generate', 'piano', '--model', place('musicgen_mono'), '--device', 'cpu', ...words);
      expect(err).toContain(message);
      expect(code).toBe(2);
    }
  });
});

describe('melody generate --model <Stable Audio>', () => {
  const model = join(folder, 'stable_audio');
  cpSync(place('stable_audio'), model, { recursive: true });
  cpSync(join(place('musicgen_mono'), 'tokenizer.json'), join(model, 'tokenizer/tokenizer.json'));
  const make = (...words: string[]) =>
    melody('generate', '--model', model, '--device', 'cpu', '--threads', '1', '--out-dir', folder, ...words);

  it('writes a stereo file at its own rate, and makes it again from its recipe', async () => {
    const asked = ['calm piano', '--negative', 'heavy drums', '--steps', '3', '--guidance', '4', '--duration', '0.1', '--seed', '5'];
    const first = await make(...asked, '--out', 'stable.wav');
    expect([first.code, first.err]).toEqual([0, expect.stringContaining('stable_audio: weights under Stability AI Community License')]);
    const bytes = readFileSync(join(folder, 'stable.wav'));
    const wav = readWav(bytes);
    expect([wav.sampleRate, wav.channels.length, wav.channels[0].length]).toEqual([4000, 2, 400]);
    expect(readRecipe(wav.tags)?.recipe).toMatchObject({
      system: 'stable_audio',
      negativePrompt: 'heavy drums',
      steps: 3,
      guidanceScale: 4,
    });
    const again = await make('--recipe', join(folder, 'stable.wav'), '--out', 'stable_again.wav');
    expect([again.code, again.err]).toEqual([0, expect.anything()]);
    expect(readFileSync(join(folder, 'stable_again.wav')).equals(bytes)).toBe(true);
  });

  it('makes a part of a file anew, and again from its recipe', async () => {
    const song = join(folder, 'part.wav');
    const tone = Float32Array.from({ length: 440 }, (_, i) => 0.4 * Math.sin(i / 9));
    writeFileSync(song, writeWav({ channels: [tone, tone], sampleRate: 4000 }));
    const asked = ['calm piano', '--init', song, '--inpaint', '0.02-0.05', '--steps', '2', '--seed', '5', '--out', 'painted.wav'];
    const { code, err } = await make(...asked);
    expect([code, err]).toEqual([0, expect.anything()]);
    const bytes = readFileSync(join(folder, 'painted.wav'));
    const [{ channels: was }, { channels: is }] = [readWav(readFileSync(song)), readWav(bytes)];
    expect(is[0].length).toBe(440);
    expect(is[0].subarray(0, 80)).toEqual(was[0].subarray(0, 80));
    expect(is[0].subarray(80, 200)).not.toEqual(was[0].subarray(80, 200));
    const again = await make('--recipe', join(folder, 'painted.wav'), '--init', song, '--out', 'painted_again.wav');
    expect([again.code, again.err]).toEqual([0, expect.anything()]);
    expect(readFileSync(join(folder, 'painted_again.wav')).equals(bytes)).toBe(true);
  });

  it('begins with a file, of which it changes as much as is asked for, and again from its recipe', async () => {
    const song = join(folder, 'begin.wav');
    const tone = Float32Array.from({ length: 440 }, (_, i) => 0.4 * Math.sin(i / 9));
    writeFileSync(song, writeWav({ channels: [tone, tone], sampleRate: 4000 }));
    const asked = ['calm piano', '--init', song, '--steps', '4', '--seed', '5', '--duration', '0.1'];
    const files = new Map<string, Buffer>();
    for (const [name, ...options] of [
      ['all'],
      ['half', '--strength', '0.5'],
      ['noise', '--noise-level', '0.8'],
      ['loud', '--noise-level', '40'],
    ] as const) {
      const { code, err } = await make(...asked, ...options, '--out', `${name}.wav`);
      expect([code, err]).toEqual([0, expect.anything()]);
      files.set(name, readFileSync(join(folder, `${name}.wav`)));
    }
    expect(new Set([...files.values()].map((bytes) => bytes.subarray(44).toString('base64'))).size).toBe(4);
    const recipe = (name: string) => readRecipe(readWav(files.get(name) as Buffer).tags)?.recipe;
    expect([recipe('half'), recipe('noise')]).toMatchObject([{ strength: 0.5 }, { initNoiseLevel: 0.8 }]);
    const again = await make('--recipe', join(folder, 'noise.wav'), '--init', song, '--out', 'noise_again.wav');
    expect([again.code, again.err]).toEqual([0, expect.anything()]);
    expect(readFileSync(join(folder, 'noise_again.wav')).equals(files.get('noise') as Buffer)).toBe(true);
    for (const [options, said] of [
      [['--strength', '0.5', '--noise-level', '1'], /strength and --noise-level both say how much/],
      [['--noise-level', '501'], /--noise-level must be a number from 0.3 to 500; got 501/],
      [['--strength', '2'], /strength must be a number from 0 to 1; got 2/],
    ] as const) {
      const { code, err } = await make(...asked, ...options);
      expect([code, err]).toEqual([2, expect.stringMatching(said)]);
    }
    const bare = await make('calm piano', '--duration', '0.1', '--strength', '0.5');
    expect([bare.code, bare.err]).toEqual([2, expect.stringMatching(/strength needs --init/)]);
  });

  it('refuses what the system cannot do by its flag, and is inspected', async () => {
    const { code, err } = await make('piano', '--top-k', '4', '--duration', '0.1');
    expect([code, err]).toEqual([2, expect.stringContaining('Stable Audio has no setting')]);
    const report = await melody('inspect', model);
    expect(report.out).toContain('Stable Audio, 4000 Hz, stereo, up to 0.1 s: 2 layers of 24; T5 of 2 layers of 16');
    expect(report.out).not.toMatch(/warning: tensor|FAULT/);
    expect(report.code).toBe(0);
  });
});

describe('melody inspect <folder of transformers>', () => {
  it('says what it is and that all fits', async () => {
    const mono = await melody('inspect', place('musicgen_mono'));
    expect(mono.out).toContain('MusicGen, 8000 Hz, mono: 2 layers of 24, 4 codebooks of 64; T5 of 2 layers of 20, licence CC-BY-NC-4.0');
    expect(mono.out).not.toMatch(/warning: tensor|FAULT/);
    expect(mono.code).toBe(0);
    const codec = await melody('inspect', place('encodec_48'));
    expect(codec.out).toContain('EnCodec, 8000 Hz, 2 channels, 3 codebooks of 32 at 400 frames a second');
    expect(codec.out).not.toMatch(/warning: tensor|FAULT/);
  });

  it('names what is missing', async () => {
    const { code, out } = await melody('inspect', place('musicgen_stereo'));
    expect(out).toContain('stereo: 2 layers of 16, 8 codebooks');
    expect(out).toMatch(/FAULT: .*no tokenizer.json/);
    expect(code).toBe(1);
  });

  const cases: [string, string, (config: Config) => unknown, string][] = [
    [
      'a width that lies',
      'musicgen_mono',
      (c) => fields(c.decoder, { ffn_dim: 40 }),
      'decoder.model.decoder.layers.0.fc1.weight: got [44, 24]; expected [40, 24]',
    ],
    [
      'a layer more',
      'musicgen_mono',
      (c) => fields(c.text_encoder, { num_layers: 3 }),
      'text_encoder.encoder.block.2.layer.0.layer_norm.weight: missing',
    ],
    [
      'a layer less',
      'musicgen_mono',
      (c) => fields(c.decoder, { num_hidden_layers: 1 }),
      'decoder.num_hidden_layers of config.json leaves out weights',
    ],
    [
      'heads that do not split',
      'musicgen_mono',
      (c) => fields(c.decoder, { num_attention_heads: 5 }),
      'decoder.hidden_size 24 does not split',
    ],
    [
      'another codec',
      'musicgen_mono',
      (c) => fields(c.audio_encoder, { model_type: 'dac' }),
      'audio_encoder.model_type must be one of encodec; got "dac"',
    ],
    [
      'too few codebooks',
      'musicgen_mono',
      (c) => fields(c.audio_encoder, { target_bandwidths: [0.6] }),
      'decoder.num_codebooks is 4; the codec has 2',
    ],
    ['no decoder', 'musicgen_mono', (c) => delete c.decoder, 'decoder must be an object; got nothing'],
    [
      'a number that is none',
      'musicgen_mono',
      (c) => fields(c.text_encoder, { d_model: '20' }),
      'text_encoder.d_model must be a whole number from 1 to',
    ],
    ['a plain model as Melody', 'musicgen_mono', (c) => (c.model_type = 'musicgen_melody'), 'audio_enc_to_dec_proj.weight: missing'],
    ['a model of text', 'musicgen_mono', (c) => (c.model_type = 'llama'), 'unknown model_type "llama"'],
    [
      'other words',
      'musicgen_mono',
      (c) => fields(c.text_encoder, { vocab_size: 500 }),
      'tokenizer.json: 600 pieces, of which config.json knows 500',
    ],
  ];
  for (const [name, model, change, message] of cases)
    it(`says what is wrong: ${name}`, async () => {
      const { code, out, err } = await melody('inspect', changed(model, change));
      expect(out + err).toContain(message);
      expect(code).toBe(1);
    });

  it('takes a float where an integer is meant, and configs with more in them', async () => {
    const copy = changed('musicgen_mono', (c) => fields(c.decoder, { ffn_dim: 44, unheard_of: [1] }));
    writeFileSync(join(copy, 'config.json'), readFileSync(join(copy, 'config.json'), 'utf8').replace('"ffn_dim":44', '"ffn_dim":44.0'));
    expect((await melody('inspect', copy)).code).toBe(0);
  });

  it('knows pickles and diffusers folders', async () => {
    const copy = changed('encodec_48', () => {});
    rmSync(join(copy, 'config.json'));
    expect((await melody('inspect', copy)).err).toContain('no config.json');
    writeFileSync(join(copy, 'state_dict.bin'), 'x');
    expect((await melody('inspect', copy)).err).toContain('state_dict.bin is a pickle, which could run any code');
    writeFileSync(join(copy, 'model_index.json'), '{"_class_name":"MusicLDMPipeline"}');
    expect((await melody('inspect', copy)).err).toContain('unknown pipeline "MusicLDMPipeline"');
  });
});
