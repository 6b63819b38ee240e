// The same request with other seeds.
import type { MelodyWorker } from '../src/web/index.ts';
import type { Settings, Sound } from './history.ts';

export const VARIATIONS = 3;

export const progressOf = (index: number, tenth: number) => `Making variation ${index + 1} of ${VARIATIONS}: ${tenth * 10} %.`;

/** Clips one by one, each as soon as it is there. `say` hears of every tenth. */
export async function* variations(
  worker: MelodyWorker,
  base: Settings,
  signal: AbortSignal,
  say: (words: string) => void,
): AsyncGenerator<{ settings: Settings; sound: Sound }> {
  for (let i = 0; i < VARIATIONS; i++) {
    const wanted = { ...base, seed: base.seed + i };
    const onEvent = (event: { type: string; fraction?: number }) => {
      if (event.type === 'progress') say(progressOf(i, Math.floor((event.fraction ?? 0) * 10)));
    };
    const { channels, sampleRate, recipe } = await worker.generate({ ...wanted, signal, onEvent });
    yield { settings: { ...wanted, durationSeconds: recipe.durationSeconds }, sound: { channels, sampleRate, recipe } };
  }
}
