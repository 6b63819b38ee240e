import { describe, expect, test } from 'vitest';
import { type Command, commandHelp, type Io, numberValue, parseCommand } from '../../src/cli/command.ts';
import { main } from '../../src/cli/main.ts';
import { MelodyError } from '../../src/errors.ts';
import { nearest } from '../../src/pipeline/nearest.ts';

/** An Io that keeps what it is told. */
function fakeIo(env: Record<string, string> = {}, signal = new AbortController().signal) {
  const said = { out: '', err: '' };
  const io: Io = {
    out: (data) => {
      said.out += typeof data === 'string' ? data : `<${data.length} bytes>`;
    },
    err: (text) => {
      said.err += text;
    },
    terminal: false,
    env,
    signal,
  };
  return { io, said };
}

const echo: Command = {
  name: 'echo',
  summary: 'Says it again.',
  arguments: '<words> [options]',
  options: {
    times: { help: 'how often', value: 'n', short: 'n', default: '1' },
    loud: { help: 'in capitals' },
    tag: { help: 'a mark', value: 'text', multiple: true },
  },
  examples: ['melody echo hello'],
  async run(words, values, io) {
    io.out(`${JSON.stringify([words, values])}\n`);
    return 0;
  },
};

const failing = (error: unknown): Command => ({ ...echo, name: 'fail', run: () => Promise.reject(error) });

async function run(argv: string[], { error, env, signal }: { error?: unknown; env?: Record<string, string>; signal?: AbortSignal } = {}) {
  const { io, said } = fakeIo(env, signal);
  const commands = { echo: async () => echo, fail: async () => failing(error), generate: async () => ({ ...echo, name: 'generate' }) };
  const code = await main(argv, io, commands);
  return { code, ...said };
}

describe('finding the command', () => {
  test('words and options reach it', async () => {
    const { code, out } = await run(['echo', 'a', '--times', '3', '--loud', 'b', '--tag=x', '--tag', 'y', '--', '--loud']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual([['a', 'b', '--loud'], { times: '3', loud: true, tag: ['x', 'y'] }]);
  });

  test('no command: the overview, as an error', async () => {
    const { code, out, err } = await run([]);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('echo      Says it again.');
  });

  test.each([[['--help']], [['-h']], [['help']]])('%o: the overview', async (argv) => {
    const { code, out, err } = await run(argv);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('Exit codes: 0 done');
  });

  test.each([[['echo', '--help']], [['echo', 'x', '-h']], [['help', 'echo']]])('%o: the command’s help', async (argv) => {
    expect(await run(argv)).toEqual({ code: 0, out: commandHelp(echo), err: '' });
  });

  test('--help after -- is a word', async () => {
    expect((await run(['echo', '--', '--help'])).out).toContain('[["--help"]');
  });

  test('--version', async () => {
    expect(await run(['--version'])).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+.*\n$/) });
  });

  test('a slip of the fingers is answered with the nearest command', async () => {
    expect(await run(['ecoh'])).toEqual({ code: 2, out: '', err: 'melody: unknown command "ecoh"\n  did you mean `melody echo`?\n' });
  });

  test('something else is not guessed at', async () => {
    expect((await run(['xylophone'])).err).toContain('see `melody --help`');
  });

  test('a prompt in place of a command', async () => {
    expect((await run(['slow piano ballad'])).err).toContain('melody generate "slow piano ballad"');
  });

  test.each(['__proto__', 'constructor', 'toString'])('%s is no command', async (name) => {
    expect((await run([name])).code).toBe(2);
  });
});

describe('options', () => {
  test.each([
    [['--tims', '3'], /Unknown option '--tims'[\s\S]*did you mean --times\?/],
    [['--zebra'], /Unknown option '--zebra'[\s\S]*melody echo --help/],
    [['--times'], /'-n, --times <value>' argument missing/],
    [['--loud=yes'], /'--loud' does not take an argument/],
  ])('%o is wrong use', async (options, expected) => {
    const { code, err } = await run(['echo', ...options]);
    expect(code).toBe(2);
    expect(err).toMatch(expected);
  });

  test('a number below zero is a value, for the command to judge; behind -- and after a switch it is none', () => {
    const parsed = (argv: string[]) => parseCommand(echo, argv);
    expect(parsed(['-n', '-5', '--tag', '-.5-2']).values).toMatchObject({ times: '-5', tag: ['-.5-2'] });
    expect(parsed(['--', '--times', '-5'])).toMatchObject({ words: ['--times', '-5'], values: { times: '1' } });
    expect(() => parsed(['--times', '--loud'])).toThrow(/ambiguous/);
    expect(() => parsed(['--loud', '-5'])).toThrow(/Unknown option/);
  });

  test('the help names every option, its value and its default', () => {
    expect(commandHelp(echo)).toBe(`melody echo <words> [options]

Says it again.

  -n, --times <n>   how often (default 1)
      --loud        in capitals
      --tag <text>  a mark

Examples
  melody echo hello
`);
  });

  test.each([
    ['3', {}, 3],
    ['-1.5e2', {}, -150],
    ['.5', { min: 0, max: 1 }, 0.5],
    ['42', { whole: true }, 42],
  ])('number %s', (text, limits, expected) => {
    expect(numberValue({ x: text }, 'x', limits)).toBe(expected);
  });

  test.each([
    ['', {}],
    ['abc', {}],
    ['0x10', {}],
    ['NaN', {}],
    ['Infinity', {}],
    ['1e999', { max: 10 }],
    ['1.5', { whole: true }],
    ['9007199254740993', { whole: true }],
    ['-1', { min: 0 }],
    ['11', { max: 10 }],
    ['3 4', {}],
  ])('no number: "%s" %o', (text, limits) => {
    expect(() => numberValue({ x: text }, 'x', limits)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });

  test('an absent number is undefined', () => {
    expect(numberValue({}, 'x')).toBeUndefined();
  });

  test('parsing throws one kind of error', () => {
    expect(() => parseCommand(echo, ['--nope'])).toThrow(MelodyError);
  });
});

describe('errors', () => {
  test('message and hint, no stack', async () => {
    const error = new MelodyError('io', 'a.wav: no such file', 'check the path');
    expect(await run(['fail'], { error })).toEqual({ code: 1, out: '', err: 'melody: a.wav: no such file\n  check the path\n' });
  });

  test.each([
    ['invalid_argument', 2],
    ['suspect_output', 3],
    ['weights', 1],
    ['aborted', 1],
  ] as const)('%s ends with %i', async (code, expected) => {
    expect((await run(['fail'], { error: new MelodyError(code, 'x') })).code).toBe(expected);
  });

  test('Ctrl-C ends with 130', async () => {
    const error = new MelodyError('aborted', 'stopped by its AbortSignal', 'load it again to resume');
    expect(await run(['fail'], { error, signal: AbortSignal.abort() })).toEqual({
      code: 130,
      out: '',
      err: 'melody: stopped\n  load it again to resume\n',
    });
  });

  test('MELODY_DEBUG shows the stack, and the cause’s', async () => {
    const error = new MelodyError('io', 'x', undefined, { cause: new Error('deep down') });
    const { err } = await run(['fail'], { error, env: { MELODY_DEBUG: '1' } });
    expect(err).toMatch(/MelodyError: x\n\s+at [\s\S]*caused by Error: deep down\n\s+at /);
  });

  test.each([new TypeError('x is not a function'), 'a text', undefined])('what is no MelodyError is called internal: %s', async (error) => {
    const { code, err } = await run(['fail'], { error });
    expect(code).toBe(1);
    expect(err).toMatch(/^melody: internal error: .*\n {2}please report this/);
    expect(err).not.toMatch(/\n\s+at /);
  });

  test('names from files cannot steer the terminal; line breaks stay', async () => {
    const error = new MelodyError('weights', '\u001b[2J\u202etensor\nline\u0000 two\u009b');
    expect((await run(['fail'], { error })).err).toBe('melody: \\u{1b}[2J\\u{202e}tensor\nline\\u{0} two\\u{9b}\n');
  });
});

test.each([
  ['genrate', 'generate'],
  ['doctro', 'doctor'],
  ['bnch', 'bench'],
  ['xyz', undefined],
  ['', undefined],
])('nearest to %s: %s', (word, expected) => {
  expect(nearest(word, ['generate', 'doctor', 'bench', 'inspect', 'eval'])).toBe(expected);
});
