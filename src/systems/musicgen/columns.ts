// Codes, column by column of the delay pattern and window by window, as many as are asked for at a time.
import { plus, times } from '../../graph/graph.ts';
import { state, type Tensor } from '../../graph/tensor.ts';
import { hopOf } from '../../models/encodec.ts';
import { type KeysAndValues, keysAndValues, musicgenRead, musicgenStep } from '../../models/musicgen_decoder.ts';
import { sampleCodes } from '../../ops/codes.ts';
import { slice } from '../../ops/gather.ts';
import { seedWords } from '../../ops/random.ts';
import { samplingParams } from '../../ops/sample.ts';
import { inPrecision } from '../precision.ts';
import type { MusicgenModel } from './model.ts';
import { readText, readTune, room, TRAINED_SECONDS } from './reading.ts';
import type { MusicgenMachine, Request } from './request.ts';
import { joined } from './sound.ts';

/** Seconds of what the next window hears of one. */
const SHARED_SECONDS = 12;
/** Columns that are drawn before the host looks up: for progress, and so that an abort is soon heard. */
const COLUMNS_AT_ONCE = 8;
/** Columns of known codes that are read at once: as many as possible of the first, then of the second. */
const READ_AT_ONCE = [64, 8];

/** Columns of the delay pattern that `frames` frames take. */
const columnsOf = (model: MusicgenModel, frames: number): number => frames + delayOf(model);

/** Frames by which the last codebook is late. */
const delayOf = ({ config: { decoder } }: MusicgenModel): number => decoder.num_codebooks / decoder.audio_channels - 1;

/** Frames that the model was trained to speak of at once, and how many of them a later window has in common with the one before. */
export function windowOf({ config: { audio_encoder: codec } }: MusicgenModel): { most: number; shared: number } {
  const rate = codec.sampling_rate / hopOf(codec);
  return { most: Math.floor(TRAINED_SECONDS * rate), shared: Math.floor(SHARED_SECONDS * rate) };
}

/** Frames of the piece that are drawn together. */
interface Window {
  readonly start: number;
  readonly end: number;
  /** Frames that were there when it began. */
  readonly before: number;
  /** Columns that are drawn. */
  columns: number;
  /** What is on the device of it; none before it is begun, and when others have used the device since. */
  device?:
    | {
        readonly cache: KeysAndValues;
        readonly history: Tensor;
        /** Its first frames, which stay. */
        readonly known: number;
        /** Places of the cache before the first column. */
        readonly prefix: number;
      }
    | undefined;
}

/**
 * Codes of a piece of `frames` frames, or of one without an end: those that are known first, which stay. What is longer than a window is made by
 * windows that begin with the last frames of the one before, as the authors' own program does it.
 */
export class Columns {
  readonly #m: MusicgenMachine;
  readonly #r: Request;
  readonly #batch: 1 | 2;
  #codes: Uint32Array; // of the frames from #origin on that are there
  #origin = 0;
  #text: KeysAndValues | undefined;
  #window: Window | undefined;

  constructor(m: MusicgenMachine, r: Request) {
    this.#m = m;
    this.#r = r;
    this.#batch = r.guidanceScale === 1 ? 1 : 2;
    this.#codes = r.known ?? new Uint32Array();
  }

  get #levels(): number {
    return this.#m.model.config.decoder.num_codebooks;
  }

  /** Frames whose codes are known. */
  get there(): number {
    return this.#origin + this.#codes.length / this.#levels;
  }

  /** Frames that are there or, by their share of the columns, on their way. */
  get done(): number {
    const window = this.#window;
    if (!window) return this.there;
    const share = window.columns / columnsOf(this.#m.model, window.end - window.start);
    return window.before + share * (window.end - window.before);
  }

  /** Are all frames there? */
  get over(): boolean {
    return this.there >= this.#r.frames;
  }

  /** The device was used by others: what was on it is made again when it is next needed. */
  forget(): void {
    this.#text = undefined;
    if (this.#window) this.#window = { ...this.#window, device: undefined };
  }

  /** Codes of at most so many more frames [n, num_codebooks], n ≥ 1: less at the end of a window. */
  async more(most: number, report: () => void, signal: AbortSignal | undefined): Promise<Uint32Array> {
    const window = await this.begin(signal);
    const frames = Math.min(window.end - this.there, most);
    const all = await this.#draw(window, this.there + frames, report, signal);
    const codes = new Uint32Array(frames * this.#levels).map((_, i) => {
      const [frame, q] = [Math.floor(i / this.#levels), i % this.#levels];
      return all[this.#placeOf(this.there - window.start + frame, q)] ?? 0;
    });
    this.#codes = joined(this.#codes, codes);
    if (this.there === window.end) this.#window = undefined;
    return codes;
  }

  /** The window that is made, on the device. */
  async begin(signal: AbortSignal | undefined): Promise<Window> {
    const { most, shared } = this.#r.window ?? windowOf(this.#m.model);
    const before = this.there;
    const start = before > 0 && this.#r.frames > most ? Math.max(0, before - shared) : 0;
    this.#window ??= { start, end: Math.min(this.#r.frames, start + most), before, columns: 0 };
    const window = this.#window;
    if (window.device) return window;
    this.#codes = this.#codes.slice((window.start - this.#origin) * this.#levels);
    this.#origin = window.start;
    window.device = await this.#laid(window, signal);
    window.columns = 0;
    return window;
  }

  /** Known codes, and what is read before the columns, to the device. */
  async #laid({ start, end }: Window, signal: AbortSignal | undefined): Promise<NonNullable<Window['device']>> {
    const [m, r, k] = [this.#m, this.#r, this.#levels];
    const { decoder, melody } = m.model.config;
    if (!melody) this.#text ??= await readText(m, r, signal);
    const columns = columnsOf(m.model, end - start);
    const prefix = melody ? melody.chroma_length + r.ids.length : 0;
    const capacity = columns + prefix <= 512 ? 512 : room(columns + prefix, melody ? 512 : 1536);
    const cache = m.keep(`self ${this.#batch} ${capacity}`, () => keysAndValues('musicgen.self', decoder, this.#batch, capacity));
    const history = m.keep(`history ${capacity}`, () => state('musicgen.codes', [capacity + 1, k], 'u32'));
    const known = this.#codes.length / k;
    const begun = new Uint32Array((known > 0 ? known + k / decoder.audio_channels : 1) * k).fill(decoder.vocab_size); // the first column is padding
    for (const [i, code] of this.#codes.entries()) begun[this.#placeOf(Math.floor(i / k), i % k)] = code;
    m.residents.write(history, begun);
    if (melody) await readTune(m, r, { start, whole: end - start === r.frames }, cache, this.#batch, signal);
    return { cache, history, known, prefix };
  }

  /** Place of a code in the history. */
  #placeOf(frame: number, q: number): number {
    return (frame + Math.floor(q / this.#m.model.config.decoder.audio_channels) + 1) * this.#levels + q;
  }

  /**
   * Reads the columns of what the window shares with the one before. What was drawn in it is stepped through again where it must be, so that the music
   * is the same whether or not that was so.
   */
  async #read(window: Window, report: () => void, signal: AbortSignal | undefined): Promise<void> {
    const [m, r, batch, text] = [this.#m, this.#r, this.#batch, this.#text];
    const { cache, history, prefix } = window.device as NonNullable<Window['device']>;
    const known = window.before - window.start;
    for (const count of READ_AT_ONCE)
      while (window.columns + count <= known) {
        const plan = await m.plan(`read ${count} ${batch} ${cache.capacity} ${text?.capacity}`, (g) => {
          const step = { cache, text, ...(text && { textLength: g.scalar('textLength') }), column: g.scalar('place'), batch } as const;
          const ids = slice(g, history, g.scalar('column'), count);
          musicgenRead(g, inPrecision(m.model.weights.at('decoder'), r.precision), ids, m.model.config.decoder, step);
        });
        const column = window.columns;
        plan.run({ column, place: prefix + column, ...(text && { textLength: r.ids.length }) });
        await m.settle(signal);
        window.columns += count;
        report();
      }
  }

  /** Draws columns until all frames before `until` are there; gives the history. */
  async #draw(window: Window, until: number, report: () => void, signal: AbortSignal | undefined): Promise<Uint32Array> {
    const [m, r, k, batch, text] = [this.#m, this.#r, this.#levels, this.#batch, this.#text];
    const { decoder } = m.model.config;
    const { cache, history, known, prefix } = window.device as NonNullable<Window['device']>;
    const plan = await m.plan(`step ${batch} ${cache.capacity} ${text?.capacity}`, (g) => {
      const column = g.scalar('column');
      const step = { cache, text, ...(text && { textLength: g.scalar('textLength') }), column: g.scalar('place'), batch } as const;
      const ids = slice(g, history, column, 1);
      const logits = musicgenStep(g, inPrecision(m.model.weights.at('decoder'), r.precision), ids, decoder, step);
      sampleCodes(g, logits, k, {
        topK: g.scalar('topK'),
        topP: g.scalar('topP'),
        rate: g.scalar('rate'),
        seed: [g.scalar('seedLow'), g.scalar('seedHigh')],
        column,
        frames: g.scalar('frames'),
        known: g.scalar('known'),
        position: g.scalar('position'),
        channels: decoder.audio_channels,
        pad: decoder.vocab_size,
        ...(batch === 2 && { guidance: g.scalar('guidance') }),
        into: history,
        at: times(plus(column, 1), k),
      });
    });
    const [seedLow, seedHigh] = seedWords(r.seed);
    const frames = window.end - window.start;
    const fixed = { ...samplingParams(r), seedLow, seedHigh, frames, known, ...(text && { textLength: r.ids.length }) };
    const scalars = batch === 2 ? { ...fixed, guidance: r.guidanceScale } : fixed;
    const columns = until - window.start + delayOf(m.model);
    await this.#read(window, report, signal);
    while (window.columns < columns) {
      const column = window.columns++;
      plan.run({ ...scalars, column, place: prefix + column, position: (window.start + column) * k });
      if (window.columns % COLUMNS_AT_ONCE !== 0) continue;
      await m.settle(signal);
      report();
    }
    await m.settle(signal);
    return new Uint32Array(await m.residents.read(history));
  }
}
