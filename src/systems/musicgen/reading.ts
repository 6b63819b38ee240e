// What MusicGen reads before it draws codes: the words, and in MusicGen Melody a tune.
import { hopOf } from '../../models/encodec.ts';
import { type KeysAndValues, keysAndValues, musicgenPrefix, musicgenText } from '../../models/musicgen_decoder.ts';
import { t5Encoder } from '../../models/t5_encoder.ts';
import { inPrecision } from '../precision.ts';
import { asLong, chromaOf } from './chroma.ts';
import { projectionsOf } from './model.ts';
import type { MusicgenMachine, Request } from './request.ts';

/** Seconds of a window. */
export const TRAINED_SECONDS = 30;

/** Rounded up, so that few plans serve all lengths. */
export const room = (n: number, step: number): number => Math.ceil(n / step) * step;

/**
 * Keys and values of a tune and of the text, which stand before the columns of a window. A piece of one window hears the tune from its start, as
 * transformers has it; longer ones, as the authors' program does, what lasts as long as a window from where it begins, the tune again and again.
 */
export async function readTune(
  m: MusicgenMachine,
  r: Request,
  window: { readonly start: number; readonly whole: boolean },
  cache: KeysAndValues,
  batch: 1 | 2,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { weights, config, chroma } = m.model;
  const { decoder, text_encoder, melody, audio_encoder: codec } = config;
  if (!melody || !chroma) return;
  const { num_chroma: classes, chroma_length: frames } = melody;
  const tune = new Float32Array(batch * frames * classes);
  const from = Math.round((window.start * hopOf(codec) * chroma.sampling_rate) / codec.sampling_rate);
  const heard = r.tune && (window.whole ? r.tune : again(r.tune, from, TRAINED_SECONDS * chroma.sampling_rate));
  const pitches = heard ? asLong(chromaOf(heard, chroma), frames) : new Uint32Array(frames);
  for (let i = 0; i < batch * frames; i++) tune[i * classes + (pitches[i] ?? 0)] = 1; // none is class 0
  const plan = await m.plan(
    `prefix ${batch} ${cache.capacity} ${r.ids.length}`,
    (g) => {
      const states = t5Encoder(
        g,
        inPrecision(weights.at('text_encoder'), r.precision),
        g.input('ids', [r.ids.length], 'u32'),
        text_encoder,
      );
      const rows = g.input('tune', [batch * frames, classes]);
      musicgenPrefix(
        g,
        inPrecision(weights.at('decoder'), r.precision),
        projectionsOf(weights, config),
        rows,
        states,
        decoder,
        cache,
        batch,
      );
    },
    signal,
  );
  plan.run({}, { ids: Uint32Array.from(r.ids), tune });
  await m.settle(signal);
}

/** `length` samples from a place on, over and over. */
const again = (sound: Float32Array, from: number, length: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => sound[(from + i) % sound.length] ?? 0);

/** Keys and values of the text, for all columns. */
export async function readText(m: MusicgenMachine, r: Request, signal: AbortSignal | undefined): Promise<KeysAndValues> {
  const { decoder, text_encoder } = m.model.config;
  const capacity = room(r.ids.length, 64);
  const text = m.keep(`text ${capacity}`, () => keysAndValues('musicgen.text', decoder, 1, capacity));
  const plan = await m.plan(
    `text ${r.ids.length}`,
    (g) => {
      const { weights } = m.model;
      const states = t5Encoder(
        g,
        inPrecision(weights.at('text_encoder'), r.precision),
        g.input('ids', [r.ids.length], 'u32'),
        text_encoder,
      );
      musicgenText(g, inPrecision(weights.at('decoder'), r.precision), projectionsOf(weights, m.model.config).text, states, decoder, text);
    },
    signal,
  );
  plan.run({}, { ids: Uint32Array.from(r.ids) });
  await m.settle(signal);
  return text;
}
