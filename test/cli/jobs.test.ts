// melody generate --jobs: shares of a list that together make each clip once, go on where they stopped, and name wrong lines.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it, test, vi } from 'vitest';
import { main } from '../../src/cli/main.ts';

vi.setConfig({ testTimeout: 120_000 });
const model = fileURLToPath(new URL('../../weights/melody-tiny', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'melody-jobs-'));
afterAll(() => rmSync(scratch, { recursive: true }));

let count = 0;
const fresh = () => {
  const folder = join(scratch, String(count++));
  mkdirSync(folder);
  return folder;
};

/** Runs `melody generate --jobs` over these lines, into `folder`. */
async function run(lines: string, folder: string, ...words: string[]) {
  const list = join(scratch, `${count++}.jsonl`);
  writeFileSync(list, lines);
  let out = '';
  let err = '';
  const argv = ['generate', '--jobs', list, '--model', model, '--device', 'cpu', '--threads', '1', '--out-dir', folder, ...words];
  const code = await main(argv, {
    out: (data) => (out += data),
    err: (text) => (err += text),
    terminal: false,
    env: {},
    signal: new AbortController().signal,
  });
  return { code, out, err };
}
const short = ['--duration', '0.2', '--steps', '1', '--quiet'];

test('two shares make every line once, as one run does; a second run makes nothing', async () => {
  const lines =
    '\uFEFF{"prompt": "calm piano"}\n\n{"prompt": "techno", "seed": 7, "durationSeconds": 0.3}\r\n{"prompt": "harp", "out": "third"}\n';
  const [both, whole] = [fresh(), fresh()];
  const first = await run(lines, both, '--shard', '1/2', ...short);
  expect(first).toMatchObject({ code: 0 });
  expect(readdirSync(both).sort()).toEqual(['calm-piano-0.wav', 'third.wav']);
  expect(await run(lines, both, '--shard', '2/2', ...short)).toMatchObject({ code: 0, out: expect.stringContaining('techno-7.wav') });
  expect(await run(lines, whole, ...short)).toMatchObject({ code: 0 });
  const names = readdirSync(whole).sort();
  expect(names).toEqual(['calm-piano-0.wav', 'techno-7.wav', 'third.wav']);
  for (const name of names) expect(Buffer.compare(readFileSync(join(both, name)), readFileSync(join(whole, name))), name).toBe(0);

  rmSync(join(whole, 'techno-7.wav'));
  const before = statSync(join(whole, 'third.wav')).mtimeMs;
  const again = await run(lines, whole, '--duration', '0.2', '--steps', '1');
  expect(again).toMatchObject({ code: 0, err: expect.stringContaining('1 made, 2 there already, 0 failed; 3 of 3 lines') });
  expect(again.out).toContain('techno-7.wav');
  expect(again.out).not.toContain('third');
  expect(statSync(join(whole, 'third.wav')).mtimeMs).toBe(before);
});

test('a file that is not what its line makes is told, kept, and overwritten only when asked; the other lines are made', async () => {
  const folder = fresh();
  writeFileSync(join(folder, 'one.wav'), 'half a file');
  const lines = '{"prompt": "piano", "out": "one.wav"}\n{"prompt": "piano", "out": "two.wav"}\n';
  const first = await run(lines, folder, ...short);
  expect(first).toMatchObject({ code: 1, err: expect.stringMatching(/^line 1: .*one\.wav: exists, and is not what this line makes/) });
  expect(readFileSync(join(folder, 'one.wav'), 'utf8')).toBe('half a file');
  expect(existsSync(join(folder, 'two.wav'))).toBe(true);
  const forced = await run(lines, folder, '--duration', '0.2', '--steps', '1', '--force');
  expect(forced).toMatchObject({ code: 0, err: expect.stringContaining('1 made, 1 there already') });
  const other = await run('{"prompt": "piano", "out": "two.wav", "seed": 9}', folder, '--json', ...short);
  expect(other.code).toBe(1);
  expect(JSON.parse(other.out)).toMatchObject({ clips: [], there: [], failed: [{ line: 1 }] });
});

test('what a dead process left half-written is removed; what a living one writes is not', async () => {
  const folder = fresh();
  await run('{"prompt": "piano"}', folder, ...short);
  const { createHash } = await import('node:crypto');
  const { hostname } = await import('node:os');
  const host = createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
  const name = (pid: number) => `.melody-${host}-${pid}-0123456789ab.partial`;
  for (const pid of [2 ** 22 + 1, process.pid]) writeFileSync(join(folder, name(pid)), 'half');
  await run('{"prompt": "piano"}', folder, ...short);
  expect(readdirSync(folder).sort()).toEqual([name(process.pid), 'piano-0.wav'].sort());
});

describe('wrong', () => {
  it('lines are all named with their numbers before any work, those of other shares too', async () => {
    const folder = fresh();
    const lines = [
      '{"prompt": "piano"}',
      '{"prompt": "piano"',
      '[1]',
      '{}',
      '{"prompt": "piano", "durationSeconds": -1}',
      '{"prompt": "piano", "tempoo": 90}',
      '{"prompt": "piano", "out": "../x.wav"}',
      '{"prompt": "piano", "out": "x.mp3"}',
      '{"prompt": "piano", "seed": 0}',
      '{"prompt": "piano", "continueFrom": "a.wav"}',
      '{"version": 1, "prompt": "piano"}',
      '{"promt": "piano"}',
    ];
    const { code, err, out } = await run(lines.join('\n'), folder, '--shard', '1/50');
    expect([code, out, readdirSync(folder)]).toEqual([2, '', []]);
    expect(err).toContain('11 wrong lines');
    for (const text of [
      'line 2: not JSON',
      'line 3: got no JSON object',
      'line 4: nothing says what to play',
      'line 5: durationSeconds must be',
      'line 6: generate: unknown option "tempoo"',
      'line 7: out: got "../x.wav", expected a name without a folder',
      'line 8: out: got the ending ".mp3"',
      'line 9: makes piano-0.wav, as line 1 does',
      'line 10: continueFrom takes audio',
      'line 11: recipe: it has no seed',
      'line 12: generate: unknown option "promt"',
    ])
      expect(err).toContain(text);
  });

  it.each([
    [['--shard', '0/2'], /--shard: got "0\/2"/],
    [['--shard', '3/2'], /--shard: got "3\/2"/],
    [['--shard', 'x'], /--shard: got "x"/],
    [['--out', 'a.wav'], /--jobs cannot be combined with --out/],
    [['--recipe', 'a.wav'], /--jobs cannot be combined with --recipe/],
    [['words'], /got words beside it/],
  ])('use: %j', async (words, message) => {
    expect(await run('{"prompt": "piano"}', fresh(), ...words)).toMatchObject({ code: 2, err: expect.stringMatching(message) });
  });

  it('empty lists and --shard alone', async () => {
    expect(await run('\n \n', fresh())).toMatchObject({ code: 2, err: expect.stringContaining('got no line') });
    expect(await run('{"prompt": "piano"}', fresh(), '--shard', '2/2')).toMatchObject({ code: 0, err: 'no line of 1 is in this share\n' });
  });
});
