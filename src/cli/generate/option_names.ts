// The pipeline's errors name its options as programs write them; on the command line they have other names.
import { MelodyError } from '../../errors.ts';

/** API name → what a user of the command calls it. */
const OPTIONS: Readonly<Record<string, string>> = {
  'blend.weight': 'the weight of --blend',
  durationSeconds: '--duration',
  guidanceScale: '--guidance',
  lmGuidanceScale: '--lm-guidance',
  negativePrompt: '--negative',
  promptAudioWeight: '--prompt-audio-weight',
  parallelWindows: '--parallel',
  continueFrom: '--continue',
  initAudio: '--init',
  topK: '--top-k',
  topP: '--top-p',
  steered: '--steer',
  inpaint: '--inpaint',
  key: '--key',
  loop: '--loop',
  metre: '--metre',
  sampler: '--sampler',
  schedule: '--schedule',
  seed: '--seed',
  steps: '--steps',
  temperature: '--temperature',
  tempo: '--tempo',
};

/** Runs it; an `invalid_argument` that speaks of API options comes out speaking of `--options`. */
export async function namingOptions<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof MelodyError) || error.code !== 'invalid_argument') throw error;
    throw new MelodyError(error.code, inOptions(error.message), error.hint, { cause: error });
  }
}

/** Only names that cannot be taken for a word of the language, or that start the message as its subject. */
export function inOptions(message: string): string {
  return message.replace(/^[\w.]+(?= (?:must|cannot|region)|[:,])|\b[a-z]+(?:[A-Z][a-z]*)+\b/g, (name) =>
    Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : name,
  );
}
