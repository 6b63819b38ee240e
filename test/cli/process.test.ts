// The command as a process: sounds through standard input, names that are no files, lost outputs, users who are nobody.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeWav } from '../../src/audio/wav_write.ts';
import { buildCommand } from '../helpers/command.ts';

let scratch: string;
let cli: string;
const TONE = writeWav({
  sampleRate: 24_000,
  channels: [Float32Array.from({ length: 48_000 }, (_, i) => 0.3 * Math.sin((2 * Math.PI * 440 * i) / 24_000))],
});

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'melody-process-'));
  cli = await buildCommand(scratch);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const run = (words: string[], options: Parameters<typeof spawnSync>[2] = {}) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...words], { encoding: 'utf8', timeout: 30_000, ...options });
  return { status, out: String(stdout ?? ''), err: String(stderr ?? '') };
};

test('a sound comes through standard input', () => {
  const { status, out } = run(['inspect', '-', '--json'], { input: Buffer.from(TONE) });
  expect(status).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ name: 'standard input', frames: 48_000, sampleRate: 24_000 });
  const measured = run(['eval', '-', '--json'], { input: Buffer.from(TONE) });
  expect(measured.status).toBe(0);
  expect(JSON.parse(measured.out).clips[0].report).toMatchObject({ duration: 2, sampleRate: 24_000 });
});

test.skipIf(process.platform === 'win32')('/dev/stdin is standard input, and nothing in it is said to be nothing', () => {
  const piped = (words: string) =>
    spawnSync('sh', ['-c', `${words.replace('melody', `"${process.execPath}" "${cli}"`)}`], { encoding: 'utf8', input: Buffer.from(TONE) });
  for (const name of ['/dev/stdin', '/dev/fd/0', '-'])
    expect(piped(`cat | melody inspect ${name}`)).toMatchObject({ status: 0, stdout: expect.stringContaining('2.000 s, 24000 Hz') });
  expect(piped('true | melody eval -')).toMatchObject({ status: 1, stderr: expect.stringMatching(/standard input: got no bytes\n/) });
});

test.skipIf(process.platform === 'win32')('a pipe in the file system is refused at once, with the way to give it', () => {
  const pipe = join(scratch, 'pipe');
  expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
  const { status, err } = run(['inspect', pipe]);
  expect(status).toBe(1);
  expect(err).toContain('got a device or pipe, expected a file');
  expect(err).toContain('give - instead');
});

test('an address that is none is said to be none', () => {
  for (const address of ['https://', 'http://localhost:99999/model.safetensors']) {
    const { status, err } = run(['inspect', address]);
    expect(status).toBe(1);
    expect(err).toContain('is not an address');
    expect(err).not.toContain('internal error');
  }
});

test.skipIf(!existsSync('/dev/full'))('a standard error that takes nothing does not stop the work', () => {
  const file = join(scratch, 'tone.wav');
  writeFileSync(file, TONE);
  const { status, stdout } = spawnSync('sh', ['-c', `"${process.execPath}" "${cli}" inspect "${file}" --nonsense 2>/dev/full; echo $?`], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stdout.trim()).toBe('2'); // wrong use, as it is with a standard error that listens
});

test.skipIf(process.getuid?.() !== 0)('a user that is only a number, without HOME, gets help and answers', () => {
  const cwd = join(scratch, 'cwd');
  mkdirSync(cwd, { mode: 0o777 });
  spawnSync('chmod', ['-R', 'a+rX', scratch]);
  const options = { uid: 54_321, gid: 54_321, cwd, env: { PATH: process.env.PATH ?? '' } };
  expect(run(['--help'], options)).toMatchObject({ status: 0, err: '' });
  const { status, out } = run(['cache'], options);
  expect(status).toBe(0);
  expect(out).toContain('melody-cache-54321');
});

const unix = process.platform !== 'win32';
const TINY = join(import.meta.dirname, '../../weights/melody-tiny');

test.skipIf(!unix)('a working folder that was deleted is said in a sentence, and help needs none', () => {
  const gone = join(scratch, 'gone');
  const generate = `generate piano --duration 1 --steps 1 --device cpu --model '${TINY}'`;
  for (const words of ['--help', generate, `${generate} --stream`, 'cache', 'eval song.wav']) {
    mkdirSync(gone, { recursive: true });
    const { status, stderr } = spawnSync('sh', ['-c', `cd '${gone}' && rmdir '${gone}' && exec '${process.execPath}' '${cli}' ${words}`], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(stderr).not.toMatch(/internal error|uv_cwd|at .*\.mjs/);
    expect([0, 1]).toContain(status);
    if (words.startsWith('generate')) expect(stderr).toContain('the folder in which this runs was deleted');
  }
});

test.skipIf(!unix)('whoever ends it by a signal gets the exit code of that signal', async () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const words = ['generate', 'piano', '--stream', '--device', 'cpu', '--model', TINY];
    const melody = spawn(process.execPath, [cli, ...words], { stdio: ['ignore', 'ignore', 'pipe'] });
    melody.stderr.once('data', () => melody.kill(signal));
    melody.stderr.resume();
    expect(await new Promise((resolve) => melody.on('close', resolve))).toBe(code);
  }
});

test.skipIf(!unix)('few open files: a sound is measured all the same, or a sentence says what is missing', () => {
  const tone = join(scratch, 'tone.wav');
  writeFileSync(tone, TONE);
  for (const limit of [24, 40, 64]) {
    const { status, stderr } = spawnSync('sh', ['-c', `ulimit -n ${limit}; exec '${process.execPath}' '${cli}' eval '${tone}' --json`], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(stderr).not.toMatch(/internal error/);
    expect([0, 1]).toContain(status);
    if (status === 1) expect(stderr).toContain('too many open files');
  }
});

test.skipIf(!unix || process.getuid?.() !== 0)('a disk that may not be written to: the sentence comes before any work', () => {
  const locked = join(scratch, 'locked');
  mkdirSync(locked, { recursive: true });
  spawnSync('chmod', ['-R', 'a+rX', scratch]);
  spawnSync('chmod', ['555', locked]);
  const who = { uid: 54_321, gid: 54_321, cwd: locked, env: { PATH: process.env.PATH ?? '', XDG_CACHE_HOME: locked, TMPDIR: locked } };
  const tiny = TINY;
  const readable = spawnSync('test', ['-r', join(tiny, 'config.json')], { uid: who.uid, gid: who.gid }).status === 0;
  if (!readable) return; // a checkout that others may not read
  const { status, err } = run(['generate', 'piano', '--model', tiny], who);
  expect(status).toBe(1);
  expect(err).toMatch(/no file can be written there/);
  expect(err).not.toContain('internal error');
  expect(run(['cache'], who)).toMatchObject({ status: 0 });
});
