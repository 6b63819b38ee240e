// What a command is. Each command is one file that exports a `Command`; main.ts finds it, reads the words and reports errors.
import { parseArgs } from 'node:util';
import { MelodyError } from '../errors.ts';
import { nearest } from '../pipeline/nearest.ts';

/** One option. `value` is what the help calls its value; options without it are switches. */
export interface CommandOption {
  help: string;
  value?: string;
  short?: string;
  multiple?: boolean;
  default?: string;
}

/** Parsed options by name: text for those with a value, true for switches that were given. */
export type Values = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** What follows `melody <name>`, such as `<prompt> [options]`. */
  readonly arguments: string;
  readonly options: Readonly<Record<string, CommandOption>>;
  readonly examples: readonly string[];
  /** Does the work and returns the exit code: 0 done, 1 failed. Usage errors and failures are thrown as MelodyError. */
  run(words: readonly string[], values: Values, io: Io): Promise<number>;
}

/** The world around a command, so that tests can give it another. */
export interface Io {
  /** Results: what a user may redirect into a file. Await it where much is written, so that a slow reader slows the writer. */
  out(data: string | Uint8Array): unknown;
  /** Everything else: progress, warnings, errors. */
  err(text: string): void;
  /** Is the place where `err` goes a terminal? Then a line may be rewritten. */
  readonly terminal: boolean;
  /** Is the place where `out` goes a terminal, which must not be sent samples? */
  readonly outTerminal?: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Fires on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Reads a command's words and options. Throws `invalid_argument`, with the nearest known option where one was misspelt. */
export function parseCommand(command: Command, argv: readonly string[]): { words: string[]; values: Values } {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { value, short, multiple, default: preset }]) => [
      name,
      {
        type: value ? ('string' as const) : ('boolean' as const),
        ...(short && { short }),
        ...(multiple && { multiple }),
        ...(preset && { default: preset }),
      },
    ]),
  );
  try {
    const { positionals, values } = parseArgs({ args: joinNegatives(argv, command), options, allowPositionals: true, strict: true });
    return { words: positionals, values: values as Values };
  } catch (cause) {
    const [message] = (cause as Error).message.split('. To specify') as [string];
    const wrong = /'--([^'\s]+)'/.exec(message)?.[1];
    const near = wrong && nearest(wrong, Object.keys(command.options));
    const hint = near && near !== wrong ? `did you mean --${near}?` : `see \`melody ${command.name} --help\``;
    throw new MelodyError('invalid_argument', `${command.name}: ${message}`, hint, { cause });
  }
}

/** `--tempo -5` as `--tempo=-5`: a number below zero is a value, which is then refused or not by what it means. */
function joinNegatives(argv: readonly string[], { options }: Command): string[] {
  const ends = argv.includes('--') ? argv.indexOf('--') : argv.length;
  const joined: string[] = [];
  let named: string | undefined; // by the word before
  for (const [i, word] of argv.entries()) {
    if (named && i < ends && /^-\.?\d/.test(word)) {
      joined[joined.length - 1] = `--${named}=${word}`;
      named = undefined;
      continue;
    }
    joined.push(word);
    named = Object.entries(options).find(([name, { value, short }]) => value && (word === `--${name}` || word === `-${short}`))?.[0];
  }
  return joined;
}

/** The widest cell of every column of a table. */
export const widthsOf = (rows: readonly (readonly string[])[]): number[] =>
  (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));

/** The help text of one command. */
export function commandHelp(command: Command): string {
  const rows = Object.entries(command.options).map(([name, option]) => {
    const short = option.short ? `-${option.short}, ` : '    ';
    const value = option.value ? ` <${option.value}>` : '';
    const preset = option.default === undefined ? '' : ` (default ${option.default})`;
    return [`${short}--${name}${value}`, option.help + preset] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length));
  return [
    `melody ${command.name} ${command.arguments}`.trimEnd(),
    '',
    command.summary,
    ...(rows.length > 0 ? ['', ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)] : []),
    ...(command.examples.length > 0 ? ['', 'Examples', ...command.examples.map((example) => `  ${example}`)] : []),
    '',
  ].join('\n');
}

/** An option's value as a number. Throws `invalid_argument` unless it is one in [min, max], and whole where asked. */
export function numberValue(
  values: Values,
  name: string,
  { min = -Infinity, max = Infinity, whole = false }: { min?: number; max?: number; whole?: boolean } = {},
): number | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  const value = typeof text === 'string' && /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text.trim()) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max) || (whole && !Number.isSafeInteger(value))) {
    const range = [min > -Infinity && `from ${min}`, max < Infinity && `up to ${max}`].filter(Boolean).join(' ');
    throw new MelodyError('invalid_argument', `--${name}: got "${text}", expected a ${whole ? 'whole ' : ''}number ${range}`.trimEnd());
  }
  return value;
}

/** An option's value as text, or undefined. */
export function textValue(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}
