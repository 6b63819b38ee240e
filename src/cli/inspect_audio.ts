// melody inspect on an audio file: its form, its tags, and the recipe when melody made it.

import { isSound, isWav } from '../audio/sound_file.ts';
import { soundFacts } from '../audio/sound_parts.ts';
import { readRecipe } from '../audio/wav_tags.ts';
import { printableText } from '../weights/printable.ts';
import { namingFile } from './generate/recipe_file.ts';
import type { Reader } from './inspect_reader.ts';

const INFO_NAMES: Readonly<Record<string, string>> = { INAM: 'title', ICMT: 'comment', ISFT: 'software', ICOP: 'licence', IART: 'artist' };

/** What names of sound files end in, whoever can read them. */
export const SOUND_NAME = /\.(wav|wave|rf64|bw64|flac|mp3|opus|ogg|oga|m4a|aac|aif|aiff|aifc)$/i;

/** Is a file of this name that begins so one for `readAudioFile`? By its name alone too: what is wrong with it is then told of a sound. */
export const isAudio = (name: string, start: Uint8Array): boolean => isWav(start) || isSound(start) || SOUND_NAME.test(name);

export const readAudioFile: Reader = async (source, { signal }) => {
  const { sampleRate, channels, frames, tags, format, bitsPerSample, warnings } = await namingFile(source.name, () =>
    soundFacts(source, { allowTruncated: true, signal }),
  );
  const note = readRecipe(tags);
  const json = {
    kind: format === 'pcm' || format === 'float' ? 'wav' : format,
    name: source.name,
    bytes: source.size,
    sampleRate,
    channels,
    frames,
    seconds: frames / sampleRate,
    format,
    ...(bitsPerSample !== undefined && { bitsPerSample }),
    info: tags.info,
    aiGenerated: note !== undefined,
    ...(note && { recipe: note.recipe, software: note.software, license: note.license }),
    warnings,
  };
  const rows = Object.entries(tags.info).map(([id, text]) => [INFO_NAMES[id] ?? id, text] as const);
  const recipe = note && typeof note.recipe === 'object' && note.recipe !== null ? Object.entries(note.recipe) : [];
  const recipeRows = recipe.map(([name, value]) => [name, tellingOf(name)(value)] as const);
  const width = Math.max(0, ...[...rows, ...recipeRows].map(([name]) => printableText(name).length));
  const line = ([name, text]: readonly [string, string]) => `  ${printableText(name).padEnd(width)}  ${printableText(text)}\n`;
  return {
    json,
    text: [
      `${printableText(source.name)}\n`,
      `  ${(frames / sampleRate).toFixed(3)} s, ${sampleRate} Hz, ${channels} channel${channels > 1 ? 's' : ''}, ${bitsPerSample === undefined ? '' : `${bitsPerSample} bits `}${format}\n`,
      ...rows.map(line),
      ...(note ? ['\nMade by a model. Its recipe, for `melody generate --recipe`:\n', ...recipeRows.map(line)] : []),
      ...warnings.map((text) => `  warning: ${printableText(text)}\n`),
    ].join(''),
    sound: true,
  };
};

const tellingOf = (name: string) => (Object.hasOwn(TELLING, name) && TELLING[name]) || plainText;
const plainText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Values that people read better than JSON; whatever is not as melody writes it stays JSON. */
const TELLING: Readonly<Record<string, (value: unknown) => string>> = {
  decided: (value) => {
    const { text } = (value ?? {}) as { text?: unknown };
    return typeof text === 'string' ? text : plainText(value);
  },
  steered: (value) => {
    if (!Array.isArray(value)) return plainText(value);
    const changes = value.map((change) => {
      const { atSeconds, prompt, ...more } = (change ?? {}) as Record<string, unknown>;
      const rest = Object.keys(more).length > 0 ? ` ${JSON.stringify(more)}` : '';
      return `from ${plainText(atSeconds)} s: ${plainText(prompt)}${rest}`;
    });
    return changes.join('; ');
  },
};
