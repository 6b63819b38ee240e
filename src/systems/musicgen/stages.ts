// From words to sound in MusicGen: words → states of the text → columns of codes → frames → samples.

import { plus, times } from '../../graph/graph.ts';
import { reshape, state, type Tensor } from '../../graph/tensor.ts';
import { codebooks, decoderContext, encodecDecoderFrames, encodecDecoderSamples, encodecEncoder, hopOf } from '../../models/encodec.ts';
import { type KeysAndValues, keysAndValues, musicgenStep } from '../../models/musicgen_decoder.ts';
import { rvqDecode, sampleCodes } from '../../ops/codes.ts';
import { slice } from '../../ops/gather.ts';
import { rvqEncode } from '../../ops/quantize.ts';
import { seedWords } from '../../ops/random.ts';
import { samplingParams } from '../../ops/sample.ts';
import type { Progress } from '../../pipeline/progress.ts';
import { inPrecision } from '../precision.ts';
import type { MusicgenModel } from './model.ts';
import { readText, readTune, room, TRAINED_SECONDS } from './reading.ts';
import type { MusicgenMachine, Request } from './request.ts';

/** Seconds of what the next window hears of one. */
const SHARED_SECONDS = 12;
/** Columns that are drawn before the host looks up: for progress, and so that an abort is soon heard. */
const COLUMNS_AT_ONCE = 8;
/** Bytes of the largest activation of a tile of the decoder. */
const TILE_BYTES = 2 ** 25;

/** Columns of the delay pattern that `frames` frames take. */
export const columnsOf = ({ config: { decoder } }: MusicgenModel, frames: number): number =>
  frames + decoder.num_codebooks / decoder.audio_channels - 1;

/** Frames that the model was trained to speak of at once, and how many of them a later window has in common with the one before. */
export function windowOf({ config: { audio_encoder: codec } }: MusicgenModel): { most: number; shared: number } {
  const rate = codec.sampling_rate / hopOf(codec);
  return { most: Math.floor(TRAINED_SECONDS * rate), shared: Math.floor(SHARED_SECONDS * rate) };
}

/**
 * Codes of every frame, [frames, num_codebooks]: `known` of them first, which stay. What is longer than a window is made by windows that begin with
 * the last frames of the one before, as the authors' own program does it.
 */
export async function drawCodes(m: MusicgenMachine, r: Request, progress: Progress, signal: AbortSignal | undefined): Promise<Uint32Array> {
  const { num_codebooks: k } = m.model.config.decoder;
  const { most, shared } = r.window ?? windowOf(m.model);
  const text = m.model.config.melody ? undefined : await progress.during('style', () => readText(m, r, signal));
  const codes = new Uint32Array(r.frames * k);
  codes.set(r.known ?? []);
  let there = (r.known?.length ?? 0) / k;
  await progress.during('tokens', async () => {
    for (const fresh = r.frames - there; there < r.frames; ) {
      const start = there > 0 && r.frames > most ? Math.max(0, there - shared) : 0;
      const end = Math.min(r.frames, start + most);
      const before = there;
      const report = (share: number) => progress.report('tokens', 1 - (r.frames - before - share * (end - before)) / fresh);
      const window = { start, known: codes.subarray(start * k, there * k), frames: end - start, text, report };
      codes.set(await drawWindow(m, r, window, signal), start * k);
      there = end;
    }
  });
  return codes;
}

interface Window {
  /** First frame, in the piece. */
  readonly start: number;
  readonly frames: number;
  /** Codes of its first frames. */
  readonly known: Uint32Array;
  /** What cross-attention attends to; MusicGen Melody has none, and reads a tune and the text before the codes. */
  readonly text: KeysAndValues | undefined;
  report(share: number): void;
}

/** Codes of all frames of a window, [frames, num_codebooks], column by column. */
async function drawWindow(m: MusicgenMachine, r: Request, window: Window, signal: AbortSignal | undefined): Promise<Uint32Array> {
  const { decoder, melody } = m.model.config;
  const { num_codebooks: k, audio_channels: channels, vocab_size: pad } = decoder;
  const { start, frames, known, text } = window;
  const columns = columnsOf(m.model, frames);
  const before = melody ? melody.chroma_length + r.ids.length : 0; // places of the cache before the first column
  const capacity = columns + before <= 512 ? 512 : room(columns + before, melody ? 512 : 1536);
  const batch = r.guidanceScale === 1 ? 1 : 2;
  const cache = m.keep(`self ${batch} ${capacity}`, () => keysAndValues('musicgen.self', decoder, batch, capacity));
  const history = m.keep(`history ${capacity}`, () => state('musicgen.codes', [capacity + 1, k], 'u32'));
  const placeOf = (frame: number, q: number) => (frame + Math.floor(q / channels) + 1) * k + q;
  const knownFrames = known.length / k;
  const begun = new Uint32Array((knownFrames > 0 ? knownFrames + k / channels : 1) * k).fill(pad); // the first column is padding
  for (const [i, code] of known.entries()) begun[placeOf(Math.floor(i / k), i % k)] = code;
  m.residents.write(history, begun);
  if (melody) await readTune(m, r, { start, whole: frames === r.frames }, cache, batch, signal);
  const plan = await m.plan(`step ${batch} ${capacity} ${text?.capacity}`, (g) => {
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
      channels,
      pad,
      ...(batch === 2 && { guidance: g.scalar('guidance') }),
      into: history,
      at: times(plus(column, 1), k),
    });
  });
  const [seedLow, seedHigh] = seedWords(r.seed);
  const fixed = { ...samplingParams(r), seedLow, seedHigh, frames, known: knownFrames, ...(text && { textLength: r.ids.length }) };
  const scalars = batch === 2 ? { ...fixed, guidance: r.guidanceScale } : fixed;
  for (let column = 0; column < columns; column++) {
    plan.run({ ...scalars, column, place: before + column, position: (start + column) * k });
    if (column % COLUMNS_AT_ONCE !== COLUMNS_AT_ONCE - 1) continue;
    await m.settle(signal);
    window.report((column + 1) / columns);
  }
  await m.settle(signal);
  const all = new Uint32Array(await m.residents.read(history));
  return Uint32Array.from({ length: frames * k }, (_, i) => all[placeOf(Math.floor(i / k), i % k)] ?? 0);
}

/**
 * Codes of given sound, [frames, num_codebooks], channels in turn. One array a channel of the model, at its rate, of whole frames.
 */
export async function encodeSound(
  m: MusicgenMachine,
  sound: readonly Float32Array[],
  signal: AbortSignal | undefined,
): Promise<Uint32Array> {
  const { decoder, audio_encoder: codec } = m.model.config;
  const { num_codebooks: k, audio_channels: channels } = decoder;
  const [{ length: samples }] = sound;
  const levels = k / channels;
  const frames = samples / hopOf(codec);
  const plan = await m.plan(
    `encode ${samples}`,
    (g) => {
      const w = m.model.weights.at('audio_encoder');
      g.output('codes', rvqEncode(g, encodecEncoder(g, w, g.input('audio', [samples, 1]), codec), codebooks(w, codec, levels)));
    },
    signal,
  );
  const codes = new Uint32Array(frames * k);
  for (const [channel, audio] of sound.entries()) {
    plan.run({}, { audio });
    const own = new Uint32Array(await plan.readBytes('codes'));
    for (const [i, code] of own.entries()) codes[Math.floor(i / levels) * k + (i % levels) * channels + channel] = code;
  }
  return codes;
}

/** Frames that the second half of the codec's decoder takes at a time. */
function tileOf({ config: { audio_encoder: codec } }: MusicgenModel): number {
  return Math.max(4 * decoderContext(codec), Math.floor(TILE_BYTES / (4 * codec.num_filters * hopOf(codec))));
}

/** Samples of every channel, frames · hop each. codes [frames, num_codebooks], channels in turn; `tile` is for tests. */
export async function decodeCodes(
  m: MusicgenMachine,
  codes: Uint32Array,
  progress: Progress,
  signal: AbortSignal | undefined,
  tile = tileOf(m.model),
): Promise<Float32Array[]> {
  const { decoder } = m.model.config;
  const { num_codebooks: k, audio_channels: channels } = decoder;
  const levels = k / channels;
  const frames = codes.length / k;
  const sound: Float32Array[] = [];
  for (let channel = 0; channel < channels; channel++) {
    const own = Uint32Array.from(
      { length: frames * levels },
      (_, i) => codes[Math.floor(i / levels) * k + (i % levels) * channels + channel],
    );
    sound.push(await decodeChannel(m, own, levels, (share) => progress.report('decoding', (channel + share) / channels), tile, signal));
  }
  return sound;
}

/** The LSTM goes over the whole; what follows, at higher and higher rates, over tiles with the frames around them that they depend on. */
async function decodeChannel(
  m: MusicgenMachine,
  codes: Uint32Array,
  levels: number,
  report: (share: number) => void,
  tile: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const { audio_encoder: codec } = m.model.config;
  const w = () => m.model.weights.at('audio_encoder');
  const frames = codes.length / levels;
  const hop = hopOf(codec);
  const width = codec.num_filters * 2 ** codec.upsampling_ratios.length;
  const slow = await m.plan(
    `frames ${frames}`,
    (g) => {
      const z = rvqDecode(g, g.input('codes', [frames, levels], 'u32'), codebooks(w(), codec, levels));
      g.output('frames', encodecDecoderFrames(g, w(), z, codec));
    },
    signal,
  );
  slow.run({}, { codes });
  const states = await slow.read('frames');
  const context = decoderContext(codec);
  const window = Math.min(frames, tile);
  const sound = new Float32Array(frames * hop);
  const fast = await m.plan(
    `samples ${window}`,
    (g) => {
      const audio: Tensor = encodecDecoderSamples(g, w(), g.input('frames', [window, width]), codec);
      g.output('audio', reshape(audio, [window * hop]));
    },
    signal,
  );
  for (let done = 0; done < frames; ) {
    const start = Math.min(Math.max(0, done - context), frames - window);
    const end = start + window === frames ? frames : start + window - context;
    fast.run({}, { frames: states.subarray(start * width, (start + window) * width) });
    const audio = await fast.read('audio');
    sound.set(audio.subarray((done - start) * hop, (end - start) * hop), done * hop);
    done = end;
    await m.settle(signal);
    report(done / frames);
  }
  return sound;
}
