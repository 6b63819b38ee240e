// Where made files go: names, and what must be refused before any work (docs/requirements.md §2.3).
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { chooseTargets, nameOf, type TargetOptions, writeWhole } from '../../src/cli/generate/output_path.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'melody-target-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const choose = (options: Partial<TargetOptions>) =>
  chooseTargets({ outDir: folder, force: false, seeds: [7], picture: false, prompt: 'slow piano', ...options });

describe('a name from the prompt', () => {
  test.each([
    ['Bossa Nova, nylon guitar; 120 bpm', 'bossa-nova-nylon-guitar-120-bpm-7.wav'],
    ['../../etc/passwd', 'etc-passwd-7.wav'],
    ['C:\\windows\\system32', 'c-windows-system32-7.wav'],
    ['🎹👨‍👩‍👧 piano', 'piano-7.wav'],
    ['🎹', 'melody-7.wav'],
    [undefined, 'melody-7.wav'],
    ['', 'melody-7.wav'],
    ['\u202egnp.exe\u202c', 'gnp-exe-7.wav'],
    ['موسيقى هادئة', 'موسيقى-هادئة-7.wav'],
    ['slow piano. . ', 'slow-piano-7.wav'],
    ['con', 'con-7.wav'], // not "con": a name with more behind it is free on Windows
    ['a\u0000b\u001b[2J', 'a-b-2j-7.wav'],
    ['\ud800 drums', 'drums-7.wav'],
    ['e\u0301te\u0301', 'été-7.wav'],
  ])('%j', (prompt, name) => {
    expect(nameOf(prompt, 7)).toBe(name);
  });

  test.each(['very long '.repeat(500), '音'.repeat(300), `a${'\u0301'.repeat(10_000)}`])('stays short: %#', (prompt) => {
    const bytes = new TextEncoder().encode(nameOf(prompt, 2 ** 53 - 1)).length;
    expect(bytes).toBeGreaterThan(20);
    expect(bytes).toBeLessThan(120);
  });

  it('gives way to files that are there', async () => {
    writeFileSync(join(folder, 'slow-piano-7.wav'), 'old');
    writeFileSync(join(folder, 'slow-piano-7-2.png'), 'old');
    expect((await choose({})).map((path) => basename(path))).toEqual(['slow-piano-7-2.wav']);
    expect((await choose({ picture: true })).map((path) => basename(path))).toEqual(['slow-piano-7-3.wav']);
  });
});

describe('a folder that takes no files', () => {
  test.runIf(process.platform === 'linux')('a device is none either, nor gets a file beside it', async () => {
    for (const force of [false, true])
      await expect(choose({ out: '/dev/null', outDir: undefined, force })).rejects.toMatchObject({
        code: 'io',
        message: '--out: /dev/null is a device or pipe, expected the name of a file',
        hint: 'to write to standard output use --stream',
      });
  });

  // Root writes everywhere but into what the kernel keeps for itself.
  test.runIf(process.platform === 'linux').each([{ out: '/sys/x.wav' }, { out: '/proc/x.wav' }])(
    '%o is refused before any work',
    async ({ out }) => {
      await expect(choose({ out, outDir: undefined })).rejects.toMatchObject({
        code: 'io',
        message: expect.stringMatching(/^\/(sys|proc): no file can be written there \(E[A-Z]+\)$/),
        hint: expect.stringContaining('--out'),
      });
    },
  );

  test.runIf(process.platform === 'linux')('an --out-dir that cannot be made', async () => {
    await expect(choose({ outDir: '/proc/melody/deeper' })).rejects.toMatchObject({ code: 'io' });
  });

  it('folders are made with all that leads to them, and nothing is left in them', async () => {
    const deep = join(folder, 'a', 'b', 'c');
    expect(await choose({ outDir: deep })).toEqual([join(deep, 'slow-piano-7.wav')]);
    expect(readdirSync(deep)).toEqual([]);
    writeFileSync(join(folder, 'file'), '');
    await expect(choose({ outDir: join(folder, 'file') })).rejects.toThrow(/is not a folder/);
    await expect(choose({ outDir: join(folder, 'file', 'below') })).rejects.toMatchObject({ code: 'io' });
  });
});

describe('--out', () => {
  test.each([
    ['song.wav', ['song.wav']],
    ['song', ['song.wav']],
    ['song no. 5', ['song no. 5.wav']],
    ['Ünïcode 音.WAV', ['Ünïcode 音.WAV']],
  ])('%s', async (out, names) => {
    expect(await choose({ out })).toEqual(names.map((name) => join(folder, name)));
  });

  it('counts variations', async () => {
    expect(await choose({ out: 'song.wav', seeds: [1, 2] })).toEqual([join(folder, 'song-1.wav'), join(folder, 'song-2.wav')]);
  });

  it('takes no folder for a name without an ending', async () => {
    mkdirSync(join(folder, 'songs'));
    await expect(choose({ out: 'songs' })).rejects.toMatchObject({ code: 'io', message: 'songs: is a folder' });
    rmdirSync(join(folder, 'songs'));
  });

  it('makes --out-dir', async () => {
    expect(await choose({ outDir: join(folder, 'a/b'), out: 'c.wav' })).toEqual([join(folder, 'a/b/c.wav')]);
  });

  test.each([
    ['../song.wav', /outside --out-dir/],
    ['/song.wav', /outside --out-dir/],
    ['sub/../../song.wav', /outside --out-dir/],
    ['nowhere/song.wav', /no such folder/],
    ['song.mp3', /ending ".mp3", expected ".wav"/],
    ['', /expected the name of a file/],
    ['sub/', /expected the name of a file/],
    ['.', /expected the name of a file/],
    ['..', /expected the name of a file/],
    ['-', /got "-"/],
    ['CON.wav', /device on Windows/],
    ['nul', /device on Windows/],
    ['lpt1.tar.wav', /device on Windows/],
    ['song..wav', /dot or space/],
    ['song .wav', /dot or space/],
    [`${'a'.repeat(300)}.wav`, /304 bytes; expected at most 255/],
    [`${'音'.repeat(84)}.wav`, /256 bytes; expected at most 255/],
    ['a\u0000b.wav', /control character/],
    ['a\nb.wav', /control character/],
  ])('refuses %j', async (out, message) => {
    await expect(choose({ out })).rejects.toThrow(message);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses what exists, unless forced: files only, never folders or links', async () => {
    writeFileSync(join(folder, 'file.wav'), 'old');
    mkdirSync(join(folder, 'folder.wav'));
    symlinkSync(join(folder, 'file.wav'), join(folder, 'link.wav'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'dangling.wav'));
    const expected = { 'file.wav': /exists/, 'folder.wav': /is a folder/, 'link.wav': /symbolic link/, 'dangling.wav': /symbolic link/ };
    for (const [out, message] of Object.entries(expected)) {
      await expect(choose({ out })).rejects.toMatchObject({ code: 'io', message: expect.stringMatching(message) });
      if (out === 'file.wav') expect(await choose({ out, force: true })).toEqual([join(folder, out)]);
      else await expect(choose({ out, force: true })).rejects.toThrow(message);
    }
    writeFileSync(join(folder, 'new.png'), 'old');
    await expect(choose({ out: 'new.wav', picture: true })).rejects.toThrow(/new.png: exists/);
  });

  it('refuses an --out-dir that is empty or a file', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(choose({ outDir: ' ' })).rejects.toThrow(/--out-dir: got "", expected the name of a folder/);
    await expect(choose({ outDir: join(folder, 'file') })).rejects.toThrow(/file: is not a folder/);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('refuses a folder whose link leads outside --out-dir', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'melody-outside-'));
    symlinkSync(outside, join(folder, 'sub'));
    await expect(choose({ out: 'sub/song.wav' })).rejects.toThrow(/outside --out-dir/);
    rmSync(outside, { recursive: true });
  });
});

describe('writing', () => {
  const bytes = new TextEncoder().encode('new');

  it('writes whole files and leaves nothing else behind', async () => {
    await writeWhole(join(folder, 'a.wav'), bytes, false);
    expect(readFileSync(join(folder, 'a.wav'), 'utf8')).toBe('new');
    expect(readdirSync(folder)).toEqual(['a.wav']);
  });

  it('never overwrites what came while the music was made, unless forced', async () => {
    writeFileSync(join(folder, 'a.wav'), 'old');
    await expect(writeWhole(join(folder, 'a.wav'), bytes, false)).rejects.toMatchObject({
      code: 'io',
      message: expect.stringMatching(/exists/),
    });
    expect(readFileSync(join(folder, 'a.wav'), 'utf8')).toBe('old');
    await writeWhole(join(folder, 'a.wav'), bytes, true);
    expect(readFileSync(join(folder, 'a.wav'), 'utf8')).toBe('new');
    expect(readdirSync(folder)).toEqual(['a.wav']);
  });

  it('says so when the folder is gone', async () => {
    await expect(writeWhole(join(folder, 'gone', 'a.wav'), bytes, false)).rejects.toMatchObject({ code: 'io' });
  });
});
