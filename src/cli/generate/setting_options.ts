// The settings of a piece as options of the command line, from the table in src/pipeline/settings.ts.
import { MelodyError } from '../../errors.ts';
import type { GenerateOptions } from '../../pipeline/options.ts';
import { FLAGS, type Flag, SETTINGS, type Setting, type SettingName } from '../../pipeline/settings.ts';
import { type CommandOption, numberValue, textValue, type Values } from '../command.ts';

/** Those that the command line has. */
const OPTIONS = Object.entries<Flag | undefined>(FLAGS).flatMap(([name, words]) =>
  words ? [{ ...words, name: name as SettingName, setting: SETTINGS[name as SettingName] as Setting }] : [],
);
/** Ranges up to here are worth a word in the help. */
const LARGE = 2 ** 31;

/** Options of the command by their flag. */
export const settingOptions: Readonly<Record<string, CommandOption>> = Object.fromEntries(
  OPTIONS.map(({ flag, short, value, help, setting }) => [
    flag,
    {
      help: `${help}${rangeOf(setting)}`,
      ...(value && { value }),
      ...(short && { short }),
      ...(['steerings', 'regions', 'blend'].includes(setting.kind) && { multiple: true }),
    },
  ]),
);

/** Options that name audio files, and what the pipeline calls the audio. */
export const audioFlags = OPTIONS.filter(({ setting }) => setting.kind === 'audio').map(({ name, flag }) => [flag, name] as const);

/** All options that name audio files: also the tune of MusicGen Melody, which is no setting of our own models. */
export const audioInputs: readonly string[] = [...audioFlags.map(([flag]) => flag), 'melody'];

/** Names of the settings that were given. */
export const givenSettings = (values: Values): string[] => OPTIONS.filter(({ flag }) => values[flag] !== undefined).map(({ name }) => name);

/** What the flags ask for, but for audio, which must be read first. Throws `invalid_argument` for what cannot be read as its kind. */
export function readSettings(values: Values): GenerateOptions {
  const read = ({ flag, setting: { kind, off } }: (typeof OPTIONS)[number]): unknown => {
    if (off && values[flag] === 'off') return null;
    if (kind === 'number' || kind === 'whole') return numberValue(values, flag, { whole: kind === 'whole' });
    if (kind === 'text') return textValue(values, flag);
    if (kind === 'blend') return blendOf(values[flag]);
    if (kind === 'steerings') return steeringsOf(values[flag]);
    if (kind === 'regions') return regionsOf(values[flag]);
    return kind === 'switch' && values[flag] === true ? true : undefined;
  };
  return Object.fromEntries(OPTIONS.map((option) => [option.name, read(option)] as const).filter(([, value]) => value !== undefined));
}

/** Runs it; an `invalid_argument` that speaks of the pipeline's options comes out speaking of `--options`. */
export async function namingOptions<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof MelodyError) || error.code !== 'invalid_argument') throw error;
    throw new MelodyError(error.code, inOptions(error.message), error.hint, { cause: error });
  }
}

/** Only names that cannot be taken for a word of the language, or that stand where a name stands. */
export function inOptions(message: string): string {
  const names = /^[\w.]+(?= (?:must|cannot|needs|region|sampleRate)|[:,])|(?<= (?:combined with|needs) )\w+|\b[a-z]+(?:[A-Z][a-z]*)+\b/g;
  return message.replace(names, (name) => {
    if (name === 'blend.weight') return 'the weight of --blend';
    if (name === 'initNoiseLevel') return '--noise-level';
    if (name === 'windowSeconds') return '--window';
    const found = OPTIONS.find((option) => option.name === name);
    return found ? `--${found.flag}` : name;
  });
}

function rangeOf({ kind, min = 0, max = 0, over, choices }: Setting): string {
  if (choices) return `: ${choices.join(' or ')}`;
  if (kind !== 'number' && kind !== 'whole') return '';
  const number = kind === 'whole' ? 'whole number' : '';
  const range = max > LARGE ? number : over ? `over ${min}, up to ${max}` : `${min} to ${max}`;
  return ` (${range})`;
}

/** "fast samba:0.3": the text and its weight. */
function blendOf(texts: Values[string]): GenerateOptions['blend'] {
  if (!Array.isArray(texts)) return undefined;
  const blends = texts.map((text: string) => {
    const parts = /^([\s\S]+):(0|1|0?\.\d+|[01]\.\d+)$/.exec(text.trim());
    if (!parts)
      throw new MelodyError(
        'invalid_argument',
        `--blend: got "${text}", expected a prompt, a colon and a weight from 0 to 1`,
        '--blend "fast samba:0.3"',
      );
    const [, said, weight] = parts as unknown as [string, string, string];
    return { text: said, weight: Number(weight) };
  });
  const [only] = blends;
  return only && blends.length === 1 ? only : blends;
}

/** "20:fast samba": from second 20 on, whatever the order they are given in. */
function steeringsOf(texts: Values[string]): GenerateOptions['steered'] {
  if (!Array.isArray(texts)) return undefined;
  const changes = texts.map((text: string) => {
    const parts = /^(\d+(?:\.\d+)?):([\s\S]*\S[\s\S]*)$/.exec(text.trim());
    if (!parts)
      throw new MelodyError(
        'invalid_argument',
        `--steer: got "${text}", expected seconds, a colon and a prompt`,
        '--steer "20:fast samba"',
      );
    const [, seconds, prompt] = parts as unknown as [string, string, string];
    return { atSeconds: Number(seconds), prompt: prompt.trim() };
  });
  return changes.sort((a, b) => a.atSeconds - b.atSeconds);
}

/** "2.5-4": from second 2.5 to second 4. */
function regionsOf(texts: Values[string]): GenerateOptions['inpaint'] {
  if (!Array.isArray(texts)) return undefined;
  return texts.map((text: string) => {
    const parts = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/.exec(text.trim());
    if (!parts)
      throw new MelodyError(
        'invalid_argument',
        `--inpaint: got "${text}", expected seconds from start to end`,
        '--init song.wav --inpaint 2.5-4',
      );
    return { start: Number(parts[1]), end: Number(parts[2]) };
  });
}
