// Finished clips: the same request with other seeds, or one that only a clip can be.
import type { GenerateOptions, MelodyEvent, MelodyWorker } from '../src/web/index.ts';
import type { Settings, Sound } from './history.ts';
import { t } from './language.ts';

export const VARIATIONS = 3;

export const progressOf = (index: number, tenth: number) => t('Making variation {0} of {1}: {2} %.', index + 1, VARIATIONS, tenth * 10);

export interface Made {
  readonly settings: Settings;
  readonly sound: Sound;
}

/** What is fetched of the model while music is made; '' of other events. */
export function fetchingOf(event: MelodyEvent): string {
  if (event.type === 'waiting') return t('Waiting for the server, which is slow or gone.');
  if (event.type !== 'download' || event.received >= event.total) return '';
  return t('Fetching what listens to other sound: {0} %.', Math.floor((10 * event.received) / event.total) * 10);
}

/** `say` hears of every tenth, `tell` of what is fetched; `extra`: what no address can say. */
export async function clipOf(
  worker: MelodyWorker,
  wanted: Settings,
  signal: AbortSignal,
  say: (tenth: number) => void,
  tell: (words: string) => void,
  extra: Pick<GenerateOptions, 'continueFrom' | 'initAudio' | 'inpaint' | 'promptAudio' | 'promptAudioWeight'> = {},
): Promise<Made> {
  const { given: _, ...options } = wanted;
  const onEvent = (event: MelodyEvent) => {
    const words = fetchingOf(event);
    if (words) tell(words);
    if (event.type === 'progress') say(Math.floor(event.fraction * 10));
  };
  const { channels, sampleRate, recipe, beats } = await worker.generate({ ...options, ...extra, signal, onEvent });
  const { durationSeconds, firstWindowSeconds } = recipe;
  // A link is played as a stream, whose first window is shorter unless it is said.
  const settings = { ...wanted, durationSeconds, ...(!wanted.loop && firstWindowSeconds !== undefined && { firstWindowSeconds }) };
  return { settings, sound: { channels, sampleRate, recipe, beats } };
}

/** Clips one by one, each as soon as it is there. `say` hears of every tenth. */
export async function* variations(
  worker: MelodyWorker,
  base: Settings,
  signal: AbortSignal,
  say: (words: string) => void,
): AsyncGenerator<Made> {
  for (let i = 0; i < VARIATIONS; i++)
    yield await clipOf(worker, { ...base, seed: base.seed + i }, signal, (tenth) => say(progressOf(i, tenth)), say);
}
