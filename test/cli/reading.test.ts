import { describe, expect, it } from 'vitest';
import type { Io } from '../../src/cli/command.ts';
import { readingTold } from '../../src/cli/reading.ts';
import { memorySource } from '../../src/platform/bytes.ts';

function terminal(is: boolean) {
  const said: string[] = [];
  const io: Io = { out: () => {}, err: (text) => said.push(String(text)), terminal: is, env: {}, signal: new AbortController().signal };
  return { io, said };
}

describe('reading a long file', () => {
  const source = memorySource('a\u001b[2Jb.mp3', new Uint8Array(1000));

  it('a terminal is told how far it is, and the line is wiped', async () => {
    const { io, said } = terminal(true);
    const bytes = await readingTold(source, io, async (told) => (await told.read(0, 250)).length + (await told.read(100, 20)).length, 0);
    expect(bytes).toBe(270);
    expect(said[0]).toBe('\rreading a\\u{1b}[2Jb.mp3, 25 %\u001b[K');
    expect(said.at(-1)).toBe('\r\u001b[K');
  });

  it('the line is wiped where reading fails, and nothing is said where it is quick', async () => {
    const slow = terminal(true);
    await expect(
      readingTold(
        source,
        slow.io,
        async (told) => {
          await told.read(0, 500);
          throw new Error('broken');
        },
        0,
      ),
    ).rejects.toThrow('broken');
    expect(slow.said.at(-1)).toBe('\r\u001b[K');
    const quick = terminal(true);
    await readingTold(source, quick.io, (told) => told.read(0, 500), 60_000);
    expect(quick.said).toEqual([]);
  });

  it('nothing is said where no terminal is', async () => {
    const { io, said } = terminal(false);
    await readingTold(source, io, (told) => told.read(0, 500), 0);
    expect(said).toEqual([]);
  });
});
