import { afterEach, expect, test, vi } from 'vitest';
import { cache } from '../../src/cli/cache.ts';
import { type Io, parseCommand } from '../../src/cli/command.ts';
import { platform } from '../../src/platform/node.ts';

afterEach(() => vi.restoreAllMocks());

const KEPT = [
  { address: 'https://a.example/model.safetensors', received: 2_000_000, total: 2_000_000 },
  { address: 'https://b.example/model.safetensors', received: 500_000, total: 2_000_000 },
];

async function run(...argv: string[]) {
  vi.spyOn(platform.cache, 'list').mockResolvedValue(KEPT);
  const remove = vi.spyOn(platform.cache, 'remove').mockResolvedValue(2_500_000);
  let out = '';
  const io: Io = {
    out: (data) => {
      out += data;
    },
    err: () => {},
    terminal: false,
    env: {},
    signal: new AbortController().signal,
  };
  const { words, values } = parseCommand(cache, argv);
  const code = await cache.run(words, values, io);
  return { code, out, remove };
}

test('lists what is kept, broken-off downloads too', async () => {
  const { code, out, remove } = await run();
  expect(code).toBe(0);
  expect(out).toBe(
    'https://a.example/model.safetensors  2.0 MB\n' +
      'https://b.example/model.safetensors  2.0 MB, 25 % of it here\n' +
      `2 kept in ${platform.cache.place}, 2.5 MB\n`,
  );
  expect(remove).not.toHaveBeenCalled();
});

test('--json', async () => {
  expect(JSON.parse((await run('--json')).out)).toEqual(KEPT);
});

test('removes one, or all', async () => {
  expect((await run('remove', KEPT[0].address)).remove).toHaveBeenCalledExactlyOnceWith(KEPT[0].address);
  const all = await run('remove', '--all');
  expect(all.remove).toHaveBeenLastCalledWith(undefined);
  expect(all.out).toBe('2.5 MB freed\n');
});

test.each([[['remove']], [['--all']], [['remove', 'x', '--all']], [['remove', 'x', 'y']], [['clear']]])('%o is wrong use', async (argv) => {
  await expect(run(...argv)).rejects.toMatchObject({ code: 'invalid_argument' });
  expect(platform.cache.remove).not.toHaveBeenCalled();
});

test('an address that is not kept', async () => {
  await expect(run('remove', 'https://c.example/')).rejects.toMatchObject({ code: 'io' });
});
