// melody <command>: finds the command, reads its words, and turns errors into a message and an exit code.
import { MelodyError } from '../errors.ts';
import { nearest } from '../pipeline/nearest.ts';
import { fileError } from '../platform/node_files.ts';
import { printableText } from '../weights/printable.ts';
import { type Command, commandHelp, type Io, parseCommand } from './command.ts';
import { version } from './version.ts';

/** Exit codes. */
export const EXIT = { ok: 0, failed: 1, usage: 2, suspect: 3, interrupted: 130 } as const;

/** The commands, loaded when asked for: `melody doctor` must not pay for reading the pipeline. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  bench: async () => (await import('./bench.ts')).bench,
  cache: async () => (await import('./cache.ts')).cache,
  doctor: async () => (await import('./doctor.ts')).doctor,
  eval: async () => (await import('./eval.ts')).evaluate,
  generate: async () => (await import('./generate.ts')).generate,
  inspect: async () => (await import('./inspect.ts')).inspect,
  pull: async () => (await import('./pull.ts')).pull,
};

/** Runs one command line (without `node` and the script). Never throws; returns the exit code. */
export async function main(argv: readonly string[], io: Io, commands = COMMANDS): Promise<number> {
  try {
    return await dispatch(argv, io, commands);
  } catch (error) {
    return report(error, io);
  }
}

async function dispatch(argv: readonly string[], io: Io, commands: typeof COMMANDS): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    if (name === 'help' && rest[0] !== undefined) return dispatch([rest[0], '--help'], io, commands);
    const text = await overview(commands);
    if (name === undefined) {
      io.err(text);
      return EXIT.usage;
    }
    io.out(text);
    return EXIT.ok;
  }
  if (name === '--version' || name === '-v') {
    io.out(`${version}\n`);
    return EXIT.ok;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!load) throw unknownCommand(name, Object.keys(commands));
  const command = await load();
  // Only before `--`: what follows is words, whatever they look like.
  const ends = rest.indexOf('--');
  const switches = ends < 0 ? rest : rest.slice(0, ends);
  if (switches.includes('--help') || switches.includes('-h')) {
    io.out(commandHelp(command));
    return EXIT.ok;
  }
  const { words, values } = parseCommand(command, rest);
  return command.run(words, values, io);
}

function unknownCommand(name: string, known: readonly string[]): MelodyError {
  const near = nearest(name, known);
  const prompt = /\s/.test(name) && known.includes('generate');
  const hint = prompt
    ? `to make music from it: melody generate "${name}"`
    : near
      ? `did you mean \`melody ${near}\`?`
      : 'see `melody --help`';
  return new MelodyError('invalid_argument', `unknown command "${name}"`, hint);
}

async function overview(commands: typeof COMMANDS): Promise<string> {
  const loaded = await Promise.all(Object.values(commands).map((load) => load()));
  const width = Math.max(...loaded.map(({ name }) => name.length));
  return [
    `melody ${version}: music from text`,
    '',
    'melody <command> [options]',
    '',
    ...loaded.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'melody <command> --help says more. MELODY_DEBUG=1 shows where an error comes from.',
    'Exit codes: 0 done, 1 failed, 2 wrong use, 3 suspect output under --strict, 130 and 143 stopped by Ctrl-C and SIGTERM.',
    '',
  ].join('\n');
}

/** What the system may say wherever melody is: loading a part of it opens files too, and any path may need the working folder. */
const SYSTEM = ['EMFILE', 'ENFILE', 'ENOSPC', 'EROFS'];

/** Prints an error as a person reads it and returns the exit code. */
function report(cause: unknown, io: Io): number {
  const { code, syscall, path = 'this process' } = (cause ?? {}) as NodeJS.ErrnoException;
  const error = syscall === 'uv_cwd' || SYSTEM.includes(code ?? '') ? fileError(path, cause) : cause;
  const known = error instanceof MelodyError;
  const interrupted = known && error.code === 'aborted' && io.signal.aborted;
  const message = interrupted ? 'stopped' : error instanceof Error ? error.message : String(error); // where it stopped is for programs
  io.err(`melody: ${known ? '' : 'internal error: '}${printableText(message)}\n`);
  const hint = known ? error.hint : 'please report this, with the output of `melody doctor`; MELODY_DEBUG=1 shows where it comes from';
  if (hint) io.err(`  ${printableText(hint)}\n`);
  if (io.env.MELODY_DEBUG && error instanceof Error) {
    io.err(`${printableText(error.stack ?? '')}\n`);
    if (error.cause instanceof Error) io.err(`caused by ${printableText(error.cause.stack ?? error.cause.message)}\n`);
  }
  if (!known) return EXIT.failed;
  if (error.code === 'invalid_argument') return EXIT.usage;
  if (error.code === 'suspect_output') return EXIT.suspect;
  return interrupted ? EXIT.interrupted : EXIT.failed;
}
