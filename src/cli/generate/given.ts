// The sound that a piece goes on from or is a part of: kept as it is where the file can hold it; a warning says what is lost.
import type { AudioFile } from '../../audio/sound_file.ts';
import { audioOf, type ModelConfig } from '../../pipeline/model.ts';
import type { GenerateOptions } from '../../pipeline/options.ts';
import { type Format, formatOf } from './formats.ts';
import type { Inputs } from './recipe_file.ts';

/** What of a request (request.ts) decides it. */
interface Asked {
  readonly inputs: Inputs;
  readonly options: GenerateOptions;
  readonly recipe?: Readonly<Record<string, unknown>>;
}

/** The sound that stays in the file beside what is made. Files of before 0.2, made again, have all of it as the model makes it. */
export function givenSound({ inputs, options, recipe }: Asked): AudioFile | undefined {
  if (options.keepGiven === false) return undefined;
  if (recipe?.streamed === true) return undefined;
  if (inputs.continue) return inputs.continue.audio;
  return options.inpaint ? inputs.init?.audio : undefined;
}

/** A format of the same kind of file that holds samples as deep as those of the given sound. */
export function asDeep(format: Format, given: AudioFile | undefined): Format {
  const bits = given?.bitsPerSample ?? 16;
  if (bits <= 16) return format;
  if (format.name === 'flac') return formatOf('flac24', false);
  if (format.name !== 'wav') return format;
  return formatOf(bits === 24 ? 'wav24' : 'wavf32', false);
}

/** Bits that each form of samples holds exactly. */
const BITS = { pcm16: 16, pcm24: 24, float32: 25 } as const;

/** What of the given sound, or of the part that is made, the file cannot have. In words. */
export function lostOfGiven(request: Asked & { readonly format: Format }, config: ModelConfig): string[] {
  const told = Object.values(request.inputs).flatMap((input) =>
    input ? input.audio.warnings.map((text) => `${input.name}: ${text}`) : [],
  );
  const given = givenSound(request);
  if (!given) return told;
  const { sampleRate, channels, bitsPerSample = 16, format: coding } = given;
  const { file, name, sample } = request.format;
  const made = audioOf(config);
  if (sampleRate > made.sampleRate)
    told.push(`what is made has no tones over ${made.sampleRate / 2} Hz; the given sound keeps its ${sampleRate} Hz`);
  if (channels.length > 1 && made.channels < channels.length)
    told.push(`what is made is ${made.channels === 1 ? 'the same in all' : `${made.channels} channels in`} ${channels.length} channels`);
  if (file === 'mp3' || file === 'opus') told.push(`${name} does not keep the given samples as they are: wav and flac do`);
  else if (coding === 'float' ? sample !== 'float32' : bitsPerSample > BITS[sample])
    told.push(
      `the given sound has ${bitsPerSample} bits${coding === 'float' ? ' float' : ''}, of which ${name} keeps ${Math.min(BITS[sample], 24)}`,
    );
  return told;
}
