// Which models there are, and which one suits this device.
import { MelodyError } from '../src/errors.ts';
import { t } from './language.ts';

/** One line of models.json, which the build writes from the model cards: the best first. */
export interface Offered {
  readonly name: string;
  readonly src: string;
  readonly license: string;
  readonly card: string;
  readonly bytes: number;
  /** Of the audio that it makes. */
  readonly sampleRate: number;
  readonly channels: number;
  /** It shows that the page works; its music is none. */
  readonly test: boolean;
}

export interface Device {
  /** As the browser tells it, rounded; undefined where it does not. */
  readonly memoryGb: number | undefined;
  /** Largest buffer of the adapter. */
  readonly bufferBytes: number;
}

/** Weights may take this part of a device's memory: making music takes several times their size, and the tab is not alone. */
const PART = 1 / 32;

/** Throws `io`. */
export async function fetchModels(): Promise<Offered[]> {
  const again = 'press “Try again”; if it stays so, reload the page';
  const failed = (why: unknown) => new MelodyError('io', `the list of models could not be read (${why})`, again);
  const answer = await fetch('models.json').catch((error) => Promise.reject(failed(error.message)));
  if (!answer.ok) throw failed(`HTTP ${answer.status}`);
  const models: Offered[] = await answer.json().catch(() => Promise.reject(failed('it is no list')));
  if (models.length === 0) throw new MelodyError('io', 'no weights lie beside this page', 'build it again with them');
  return models;
}

/** The best model that the device has room for, else the smallest. */
export function suit(models: readonly Offered[], { memoryGb = Infinity, bufferBytes }: Device): Offered {
  const room = Math.min(memoryGb * 2 ** 30 * PART, bufferBytes);
  return models.find(({ bytes }) => bytes <= room) ?? models.reduce((least, model) => (model.bytes < least.bytes ? model : least));
}

/** The model to begin with: the one asked for by name, else what suits; and a word where the listener might wonder why. */
export function choose(models: readonly Offered[], asked: string | null, device: Device): { model: Offered; why: string } {
  const named = models.find(({ name }) => name === asked);
  if (named) return { model: named, why: '' };
  const model = suit(models, device);
  const unknown = asked ? `${t('There is no model “{0}” here.', asked)} ` : '';
  const small = model === models[0] ? '' : `${t('{0} may be too large for the memory of this device.', models[0].name)} `;
  return { model, why: unknown || small ? `${unknown}${small}${t('{0} was chosen.', model.name)}` : '' };
}
