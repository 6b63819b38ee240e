// WAV files of SoX and ffmpeg, to files and into pipes: as many frames as libsndfile reads, and the same sums. Needs sox, ffmpeg, and a python3
// with soundfile (MELODY_TEST_PYTHON names another); what is missing leaves the test out with a line.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readWav } from '../../src/audio/wav.ts';

const python = process.env.MELODY_TEST_PYTHON ?? 'python3';
const works = (command: string, ...words: string[]) => spawnSync(command, words).status === 0;
const missing = [
  !works('sox', '--version') && 'sox',
  !works('ffmpeg', '-version') && 'ffmpeg',
  !works(python, '-c', 'import soundfile') && `${python} with soundfile`,
].filter(Boolean);
if (missing.length > 0) console.warn(`the comparison of WAV readers is left out: no ${missing.join(', ')}`);

const folder = mkdtempSync(join(tmpdir(), 'melody-differential-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(missing.length > 0)('frames and sums as libsndfile has them', { timeout: 300_000 }, () => {
  const big = { maxBuffer: 2 ** 28, stdio: ['ignore', 'pipe', 'ignore'] as ['ignore', 'pipe', 'ignore'] };
  const files: string[] = [];
  const add = (name: string, bytes?: Uint8Array) => {
    files.push(join(folder, name));
    if (bytes) writeFileSync(join(folder, name), bytes);
  };
  const tone = ['synth', '0.137', 'pluck', 'A3', 'gain', '-3'];
  for (const rate of ['8000', '24000', '44100', '96000'])
    for (const channels of ['1', '2', '5'])
      for (const [bits, encoding] of [
        ['8', 'unsigned-integer'],
        ['16', 'signed-integer'],
        ['24', 'signed-integer'],
        ['32', 'signed-integer'],
        ['32', 'floating-point'],
        ['64', 'floating-point'],
      ]) {
        const form = ['-D', '-n', '-r', rate, '-c', channels, '-b', bits, '-e', encoding];
        const name = `${rate}-${channels}-${bits}-${encoding}`;
        execFileSync('sox', [...form, join(folder, `sox-${name}.wav`), ...tone], { stdio: 'ignore' });
        add(`sox-${name}.wav`);
        if (rate === '44100') add(`pipe-${name}.wav`, execFileSync('sox', [...form, '-t', 'wav', '-', ...tone], big));
      }
  const source = join(folder, 'sox-44100-2-24-signed-integer.wav');
  for (const codec of ['pcm_u8', 'pcm_s16le', 'pcm_s24le', 'pcm_s32le', 'pcm_f32le', 'pcm_f64le'])
    for (const [kind, options] of Object.entries({
      plain: [],
      rf64: ['-rf64', 'always'],
      bext: ['-write_bext', '1', '-metadata', 'description=x'],
      tags: ['-metadata', 'title=Käfer'],
      pipe: ['pipe'],
    })) {
      const words = ['-v', 'error', '-y', '-i', source, '-c:a', codec];
      const name = `ffmpeg-${codec}-${kind}.wav`;
      if (kind === 'pipe') add(name, execFileSync('ffmpeg', [...words, '-f', 'wav', '-'], big));
      else {
        execFileSync('ffmpeg', [...words, ...options, join(folder, name)]);
        add(name);
      }
    }
  const script = `import sys, json, soundfile
for path in sys.stdin.read().split():
    x, rate = soundfile.read(path, dtype="float64", always_2d=True)
    print(json.dumps([rate, x.shape[0], x.shape[1], x.sum(axis=0).tolist(), (x * x).sum(axis=0).tolist()]))`;
  const lines = execFileSync(python, ['-c', script], { input: files.join('\n'), encoding: 'utf8' })
    .trim()
    .split('\n');
  expect(lines.length).toBe(files.length);
  expect(files.length).toBeGreaterThanOrEqual(120);
  const wrong = files.filter((path, i) => {
    const [rate, frames, count, sums, squares] = JSON.parse(lines[i]) as [number, number, number, number[], number[]];
    const { sampleRate, channels } = readWav(readFileSync(path));
    const near = (a: number, b: number) => Math.abs(a - b) <= 1e-6 * Math.max(1, frames);
    return !(
      rate === sampleRate &&
      count === channels.length &&
      channels.every(
        (x, c) =>
          x.length === frames &&
          near(
            x.reduce((sum, v) => sum + v, 0),
            sums[c],
          ) &&
          near(
            x.reduce((sum, v) => sum + v * v, 0),
            squares[c],
          ),
      )
    );
  });
  expect(wrong).toEqual([]);
});
