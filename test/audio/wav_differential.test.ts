// Sound files of SoX, ffmpeg, libsndfile, FLAC, LAME, opus-tools and wavefile, written to files and into pipes: as many frames as libsndfile reads,
// and the same sums; of lossy codings, whose decoders round differently, nearly the same. Needs a python3 with soundfile (MELODY_TEST_PYTHON names another) and SoX; of the other programs each that is missing leaves out
// its own files with a line. `node tools/audio_programs.mjs` installs them all.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { WaveFile } from 'wavefile';
import { readAudio } from '../../src/audio/sound_file.ts';
import { recipeTags } from '../../src/audio/wav_tags.ts';
import { writeWav } from '../../src/audio/wav_write.ts';

const python = process.env.MELODY_TEST_PYTHON ?? 'python3';
const works = (command: string, ...words: string[]) => spawnSync(command, words).status === 0;
const here = {
  python: works(python, '-c', 'import soundfile, numpy'),
  sox: works('sox', '--version'),
  ffmpeg: works('ffmpeg', '-version'),
  flac: works('flac', '--version'),
  lame: works('lame', '--version'),
  opus: works('opusenc', '--version') && works('opusdec', '--version'),
  sndfile: spawnSync('sndfile-convert').error === undefined,
};
const decoder = existsSync(new URL('../../node_modules/node-av/package.json', import.meta.url));
const missing = Object.entries(here).flatMap(([name, there]) => (there ? [] : [name]));
if (missing.length > 0)
  console.warn(`not compared with other programs' sound files: no ${missing.join(', ')} (node tools/audio_programs.mjs)`);
if (!decoder) console.warn('FLAC files are not compared: no npm node-av');

const folder = mkdtempSync(join(tmpdir(), 'melody-differential-'));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => join(folder, name);
const files: string[] = [];
/** Runs a program that writes the file `name`; given `pipe`, what it writes to standard output is the file. */
function write(name: string, program: string, words: readonly string[], pipe = false): string {
  const bytes = execFileSync(program, words, { maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'ignore'] });
  if (pipe) writeFileSync(at(name), bytes);
  files.push(at(name));
  return at(name);
}

const TONE = ['synth', '0.137', 'pluck', 'A3', 'gain', '-3'];
const FORMS = [
  ['8', 'unsigned-integer'],
  ['16', 'signed-integer'],
  ['24', 'signed-integer'],
  ['32', 'signed-integer'],
  ['32', 'floating-point'],
  ['64', 'floating-point'],
];

function writeSox(): void {
  for (const rate of ['8000', '24000', '44100', '96000'])
    for (const channels of ['1', '2', '5'])
      for (const [bits, encoding] of FORMS) {
        const form = ['-D', '-n', '-r', rate, '-c', channels, '-b', bits, '-e', encoding];
        const name = `${rate}-${channels}-${bits}-${encoding}.wav`;
        write(`sox-${name}`, 'sox', [...form, at(`sox-${name}`), ...TONE]);
        if (rate === '44100') write(`pipe-${name}`, 'sox', [...form, '-t', 'wav', '-', ...TONE], true);
      }
}

/** What is rarer: other rates and counts of channels, the codings of telephones, and with a decoder IMA's ADPCM. */
function writeRare(): void {
  const rare: [string, string[]][] = [
    ...['11025', '22050', '37800', '192000'].map((rate): [string, string[]] => [`rate-${rate}`, ['-r', rate, '-b', '24']]),
    ...['3', '4', '6', '7', '8'].map((count): [string, string[]] => [`channels-${count}`, ['-r', '48000', '-c', count, '-b', '24']]),
    ...['1', '2', '5'].flatMap((count) =>
      ['a-law', 'mu-law'].map((law): [string, string[]] => [`${law}-${count}`, ['-r', '8000', '-c', count, '-e', law]]),
    ),
    // Not Microsoft's: FFmpeg's decoder and libsndfile's differ by up to 74 of 32,768 from the ninth sample on.
    ...(decoder ? [['ima-adpcm', ['-r', '22050', '-c', '2', '-e', 'ima-adpcm']] as [string, string[]]] : []),
  ];
  for (const [name, form] of rare) write(`${name}.wav`, 'sox', ['-D', '-n', ...form, at(`${name}.wav`), ...TONE]);
}

/** Containers and codings beside WAV that a decoder reads; those of lossy ones in `lossy`. */
function writeOthers(source: string): void {
  const forms: [string, string[]][] = [
    ['alaw.wav', ['-c:a', 'pcm_alaw']],
    ['mulaw.wav', ['-c:a', 'pcm_mulaw', '-rf64', 'always']],
    ['7.1.wav', ['-af', 'pan=7.1|c0=c0|c1=c1|c2=c0|c3=c1|c4=c0|c5=c1|c6=c0|c7=c1', '-c:a', 'pcm_s24le']],
  ];
  if (decoder)
    forms.push(
      ['16.aiff', ['-c:a', 'pcm_s16be']],
      ['24.aiff', ['-c:a', 'pcm_s24be']],
      ['block-1000.flac', ['-frame_size', '1000', '-c:a', 'flac']],
      ['block-4607.flac', ['-frame_size', '4607', '-c:a', 'flac']],
    );
  for (const [name, options] of forms)
    write(`ffmpeg-${name}`, 'ffmpeg', ['-v', 'error', '-y', '-i', source, ...options, at(`ffmpeg-${name}`)]);
}

const lossy = new Set<string>();
function writeLossy(): void {
  const source = (rate: string, channels = '2') => at(`sox-${rate}-${channels}-16-signed-integer.wav`);
  const made = (name: string, program: string, words: string[]) => lossy.add(write(name, program, words));
  if (here.lame)
    for (const [name, options] of Object.entries({
      vbr: ['-V', '2'],
      cbr: ['-b', '128'],
      id3: ['-b', '192', '--add-id3v2', '--tt', 'Käfer'],
      mono: ['-m', 'm'],
    }))
      made(`${name}.mp3`, 'lame', ['--silent', ...options, source('44100'), at(`${name}.mp3`)]);
  if (here.opus)
    // libsndfile reads those of a lower rate at that rate, we at 48 kHz as Opus is.
    for (const rate of ['44100', '96000']) made(`opusenc-${rate}.opus`, 'opusenc', ['--quiet', source(rate), at(`opusenc-${rate}.opus`)]);
  // Vorbis: the last page says how much of the last blocks is sound.
  for (const rate of ['8000', '24000', '44100']) {
    made(`sox-${rate}.ogg`, 'sox', [source(rate), at(`sox-${rate}.ogg`)]);
    if (here.ffmpeg)
      made(`ffmpeg-${rate}.ogg`, 'ffmpeg', ['-v', 'error', '-y', '-i', source(rate, '1'), '-c:a', 'libvorbis', at(`ffmpeg-${rate}.ogg`)]);
    if (here.sndfile) made(`sndfile-${rate}.ogg`, 'sndfile-convert', ['-vorbis', source(rate), at(`sndfile-${rate}.ogg`)]);
  }
}

/** npm wavefile, which the other tests use too. */
function writeWavefile(): void {
  const samples = [0, 1].map((c) => Array.from({ length: 6001 }, (_, i) => Math.round(20_000 * Math.sin(i / (9 + c)))));
  for (const depth of ['8', '16', '24', '32', '32f', '64', 'alaw', 'mulaw', 'rf64']) {
    const wav = new WaveFile();
    wav.fromScratch(2, 44_100, '16', samples, { container: depth === 'rf64' ? 'RF64' : 'RIFF' });
    if (depth === 'alaw') wav.toALaw();
    else if (depth === 'mulaw') wav.toMuLaw();
    else if (depth !== 'rf64') wav.toBitDepth(depth);
    const path = at(`wavefile-${depth}.wav`);
    writeFileSync(path, wav.toBuffer());
    files.push(path);
  }
  // A file of ours that it saves again, with all its tags: some chunk orders make files that libsndfile does not open.
  const tags = recipeTags({ recipe: { seed: 7 }, software: 'melody', license: 'mit', title: 'calm' });
  const ours = writeWav({ sampleRate: 24_000, channels: samples.map((channel) => Float32Array.from(channel, (x) => x / 32_768)), tags });
  writeFileSync(at('saved-again.wav'), new WaveFile(ours).toBuffer());
  files.push(at('saved-again.wav'));
}

function writeFfmpeg(source: string): void {
  for (const codec of ['pcm_u8', 'pcm_s16le', 'pcm_s24le', 'pcm_s32le', 'pcm_f32le', 'pcm_f64le'])
    for (const [kind, options] of Object.entries({
      plain: [],
      rf64: ['-rf64', 'always'],
      bext: ['-write_bext', '1', '-metadata', 'description=x'],
      tags: ['-metadata', 'title=Käfer'],
      pipe: ['-f', 'wav'],
    })) {
      const name = `ffmpeg-${codec}-${kind}.wav`;
      const target = kind === 'pipe' ? '-' : at(name);
      write(name, 'ffmpeg', ['-v', 'error', '-y', '-i', source, '-c:a', codec, ...options, target], kind === 'pipe');
    }
}

/** FLAC files, which a decoder reads, and WAV, RF64 and piped WAV that the program makes of them again. */
function writeFlac(): void {
  for (const [bits, encoding] of FORMS.slice(1, 3))
    for (const channels of ['1', '2', '5']) {
      const source = at(`sox-44100-${channels}-${bits}-${encoding}.wav`);
      const name = `flac-${channels}-${bits}`;
      execFileSync('flac', ['-s', '-f', '--channel-map=none', source, '-o', at(`${name}.flac`)]);
      if (decoder) files.push(at(`${name}.flac`));
      write(`${name}.wav`, 'flac', ['-s', '-f', '-d', at(`${name}.flac`), '-o', at(`${name}.wav`)]);
      write(`${name}-rf64.wav`, 'flac', ['-s', '-f', '-d', '--force-rf64-format', at(`${name}.flac`), '-o', at(`${name}-rf64.wav`)]);
      write(`${name}-pipe.wav`, 'flac', ['-s', '-d', '-c', at(`${name}.flac`)], true);
    }
}

function writeLame(): void {
  for (const rate of ['24000', '44100'])
    for (const channels of ['1', '2']) {
      const name = `lame-${rate}-${channels}`;
      execFileSync('lame', ['--silent', at(`sox-${rate}-${channels}-16-signed-integer.wav`), at(`${name}.mp3`)]);
      write(`${name}.wav`, 'lame', ['--silent', '--decode', at(`${name}.mp3`), at(`${name}.wav`)]);
      write(`${name}-pipe.wav`, 'lame', ['--silent', '--decode', at(`${name}.mp3`), '-'], true);
    }
}

function writeOpus(): void {
  for (const channels of ['1', '2', '5']) {
    const name = `opus-${channels}`;
    execFileSync('opusenc', ['--quiet', at(`sox-44100-${channels}-16-signed-integer.wav`), at(`${name}.opus`)]);
    write(`${name}.wav`, 'opusdec', ['--quiet', at(`${name}.opus`), at(`${name}.wav`)]);
    write(`${name}-float.wav`, 'opusdec', ['--quiet', '--float', at(`${name}.opus`), at(`${name}-float.wav`)]);
    write(`${name}-pipe.wav`, 'opusdec', ['--quiet', '--force-wav', at(`${name}.opus`), '-'], true);
  }
}

/** RIFX, W64 and Ogg Vorbis, of every program that writes them. */
function writeKin(source: string): void {
  // More channels or bits make its `fmt ` extensible, which libsndfile reads in no RIFX.
  for (const channels of ['1', '2'])
    for (const [bits, encoding] of [...FORMS.slice(0, 2), ...FORMS.slice(4), ['8', 'mu-law'], ['8', 'a-law']]) {
      const name = `rifx-${channels}-${bits}-${encoding}.wav`;
      write(name, 'sox', ['-D', '-n', '-r', '44100', '-c', channels, '-b', bits, '-e', encoding, '-B', at(name), ...TONE]);
    }
  if (here.sndfile)
    for (const form of ['pcmu8', 'pcm16', 'pcm24', 'pcm32', 'float32', 'float64', 'alaw', 'ulaw'].map((name) => `-${name}`))
      write(`sndfile${form}.w64`, 'sndfile-convert', [form, source, at(`sndfile${form}.w64`)]);
  if (here.ffmpeg)
    // No floats: libsndfile 1.2 takes those of an extensible W64 for integers.
    for (const codec of ['pcm_u8', 'pcm_s16le', 'pcm_s24le', 'pcm_s32le', 'pcm_alaw'])
      for (const target of ['file', '-']) {
        const name = `ffmpeg-${codec}-${target === '-' ? 'pipe' : target}.w64`;
        const words = ['-v', 'error', '-y', '-i', source, '-c:a', codec, '-f', 'w64', target === '-' ? target : at(name)];
        write(name, 'ffmpeg', words, target === '-');
      }
}

/** Big-endian files of libsndfile, which no program of its writes. */
function writeRifx(): void {
  const script = `import sys, numpy, soundfile
x = numpy.random.RandomState(7).uniform(-.5, .5, (999, 2))
for form in sys.argv[2:]:
    soundfile.write(f"{sys.argv[1]}/python-{form}.wav", x, 22050, subtype=form, format="WAV", endian="BIG")`;
  const forms = ['PCM_U8', 'PCM_16', 'PCM_24', 'PCM_32', 'FLOAT', 'DOUBLE', 'ULAW', 'ALAW'];
  execFileSync(python, ['-c', script, folder, ...forms]);
  files.push(...forms.map((form) => at(`python-${form}.wav`)));
}

function writeSndfile(source: string): void {
  for (const form of ['pcmu8', 'pcm16', 'pcm24', 'pcm32', 'float32', 'float64'].map((name) => `-${name}`)) {
    const name = `sndfile${form}`;
    write(`${name}.wav`, 'sndfile-convert', [form, source, at(`${name}.wav`)]);
    write(`${name}.rf64`, 'sndfile-convert', [form, source, at(`${name}.rf64`)]);
  }
}

/** What libsndfile reads of each file: rate, frames, channels, and each channel's sums. */
function asLibsndfile(): [number, number, number, number[], number[]][] {
  const script = `import sys, json, soundfile
for path in sys.stdin.read().split():
    x, rate = soundfile.read(path, dtype="float64", always_2d=True)
    print(json.dumps([rate, x.shape[0], x.shape[1], x.sum(axis=0).tolist(), (x * x).sum(axis=0).tolist()]))`;
  const lines = execFileSync(python, ['-c', script], { input: files.join('\n'), encoding: 'utf8' });
  return lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

test.skipIf(!here.python || !here.sox)('frames and sums as libsndfile has them', { timeout: 300_000 }, async () => {
  const source = at('sox-44100-2-24-signed-integer.wav');
  writeSox();
  writeRare();
  writeWavefile();
  if (here.ffmpeg) writeFfmpeg(source);
  if (here.ffmpeg) writeOthers(source);
  if (decoder) writeLossy();
  if (here.flac) writeFlac();
  if (here.lame) writeLame();
  if (here.opus) writeOpus();
  if (here.sndfile) writeSndfile(source);
  writeKin(source);
  writeRifx();
  const theirs = asLibsndfile();
  expect(theirs.length).toBe(files.length);
  if (missing.length === 0) expect(files.length).toBeGreaterThanOrEqual(decoder ? 255 : 220);
  const wrong: string[] = [];
  for (const [i, path] of files.entries()) {
    const [rate, frames, count, sums, squares] = theirs[i];
    const { sampleRate, channels } = await readAudio(readFileSync(path));
    const near = (a: number, b: number) => Math.abs(a - b) <= (lossy.has(path) ? 1e-4 : 1e-6) * Math.max(1, frames);
    const sum = (x: Float32Array, of: (v: number) => number) => x.reduce((total, v) => total + of(v), 0);
    const same = channels.every(
      (x, c) =>
        x.length === frames &&
        near(
          sum(x, (v) => v),
          sums[c],
        ) &&
        near(
          sum(x, (v) => v * v),
          squares[c],
        ),
    );
    if (rate !== sampleRate || count !== channels.length || !same)
      wrong.push(
        `${path}: ${channels[0].length} of ${frames} frames at ${sampleRate} of ${rate} Hz in ${channels.length} of ${count} channels`,
      );
  }
  expect(wrong).toEqual([]);
});
