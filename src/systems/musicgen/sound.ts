// Codes to sound, part by part: the codec's LSTM remembers what was before, all else depends on the frames around it alone.
import { reshape, type Tensor } from '../../graph/tensor.ts';
import {
  codebooks,
  decoderContext,
  type EncodecConfig,
  encodecDecoderPart,
  encodecDecoderSamples,
  hopOf,
  partContext,
} from '../../models/encodec.ts';
import { rvqDecode } from '../../ops/codes.ts';
import type { MusicgenModel } from './model.ts';
import type { MusicgenMachine } from './request.ts';

/** Bytes of the largest activation of a tile. */
const TILE_BYTES = 2 ** 25;
/** Frames that the LSTM takes at a time, 30 s of them. */
const LONG = 1500;

/** Frames of a window of each half of the decoder, with those around them that they depend on. */
export interface Windows {
  readonly frames: number;
  readonly samples: number;
}

/** Those of a whole piece: as much at a time as memory allows. */
export function clipWindows({ config: { audio_encoder: codec } }: MusicgenModel): Windows {
  const samples = Math.max(4 * decoderContext(codec), Math.floor(TILE_BYTES / (4 * codec.num_filters * hopOf(codec))));
  return { frames: LONG + 2 * partContext(codec), samples };
}

/** Those of a stream that moves on by `fresh` frames: the first `frames` of them are heard as soon as they are there. */
export function streamWindows({ config: { audio_encoder: codec } }: MusicgenModel, fresh: number): Windows {
  const samples = fresh + 2 * decoderContext(codec);
  return { samples, frames: samples + partContext(codec) };
}

/** Makes samples of every channel of the codes of frames, in whatever parts they come. */
export class SoundOfCodes {
  readonly #channels: readonly ChannelOfCodes[];

  constructor(m: MusicgenMachine, windows: Windows) {
    const { audio_channels: count } = m.model.config.decoder;
    this.#channels = Array.from({ length: count }, (_, channel) => new ChannelOfCodes(m, windows, channel));
  }

  /** The samples that are certain now that these codes [frames, num_codebooks] are known too, `last` ones or not; `report` hears the share of them. */
  async add(codes: Uint32Array, last: boolean, report: (share: number) => void, signal: AbortSignal | undefined): Promise<Float32Array[]> {
    const count = this.#channels.length;
    const sound: Float32Array[] = [];
    for (const [i, channel] of this.#channels.entries())
      sound.push(await channel.add(codes, last, (share) => report((i + share) / count), signal));
    return sound;
  }
}

class ChannelOfCodes {
  readonly #m: MusicgenMachine;
  readonly #codec: EncodecConfig;
  readonly #windows: Windows;
  readonly #channel: number;
  readonly #codes: Rows<Uint32Array>;
  readonly #frames: Rows<Float32Array>;
  #memory: Float32Array; // of the LSTM
  #made = 0; // frames whose samples are made

  constructor(m: MusicgenMachine, windows: Windows, channel: number) {
    const { audio_encoder: codec, decoder } = m.model.config;
    const width = codec.num_filters * 2 ** codec.upsampling_ratios.length;
    this.#m = m;
    this.#codec = codec;
    this.#windows = windows;
    this.#channel = channel;
    this.#codes = new Rows(new Uint32Array(), decoder.num_codebooks / decoder.audio_channels);
    this.#frames = new Rows(new Float32Array(), width);
    this.#memory = new Float32Array(codec.num_lstm_layers * 2 * width);
  }

  async add(codes: Uint32Array, last: boolean, report: (share: number) => void, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { audio_channels: channels } = this.#m.model.config.decoder;
    this.#codes.add(codes.filter((_, i) => i % channels === this.#channel));
    const parts: Float32Array[] = [];
    const first = this.#made;
    for (;;) {
      const [made, there, known] = [this.#made, this.#frames.end, this.#codes.end];
      const ready = nextStretch(made, there, last && there === known, this.#windows.samples, decoderContext(this.#codec));
      if (ready) {
        parts.push(await this.#m.resilient(() => this.#decode(ready, signal)));
        await this.#m.settle(signal);
        report((this.#made - first) / (known - first));
        continue;
      }
      const next = nextStretch(there, known, last, this.#windows.frames, partContext(this.#codec));
      if (!next) return joined(new Float32Array(), ...parts);
      await this.#m.resilient(() => this.#remember(next, signal));
    }
  }

  /** The frames of the stretch, whose memory the next one goes on from. */
  async #remember({ from, window, start, end }: Stretch, signal: AbortSignal | undefined): Promise<void> {
    const [m, codec, length] = [this.#m, this.#codec, end - start];
    const { width: levels } = this.#codes;
    const { num_lstm_layers: layers } = codec;
    const plan = await m.plan(
      `frames ${window} ${length}`,
      (g) => {
        const w = m.model.weights.at('audio_encoder');
        const z = rvqDecode(g, g.input('codes', [window, levels], 'u32'), codebooks(w, codec, levels));
        const before = layers > 0 ? { before: g.input('before', [layers, this.#memory.length / layers]) } : {};
        const part = { from: length === window ? 0 : g.scalar('from'), length, ...before };
        const { frames, after } = encodecDecoderPart(g, w, z, codec, part);
        g.output('frames', frames);
        if (after) g.output('after', after);
      },
      signal,
    );
    const codes = this.#codes.slice(from, from + window);
    plan.run(length === window ? {} : { from: start - from }, { codes, ...(layers > 0 && { before: this.#memory }) });
    const frames = await plan.read('frames');
    if (layers > 0) this.#memory = await plan.read('after');
    this.#frames.add(frames);
    this.#codes.dropBefore(this.#frames.end - this.#windows.frames);
  }

  async #decode({ from, window, start, end }: Stretch, signal: AbortSignal | undefined): Promise<Float32Array> {
    const [m, codec, hop] = [this.#m, this.#codec, hopOf(this.#codec)];
    const { width } = this.#frames;
    const plan = await m.plan(
      `samples ${window}`,
      (g) => {
        const w = m.model.weights.at('audio_encoder');
        const audio: Tensor = encodecDecoderSamples(g, w, g.input('frames', [window, width]), codec);
        g.output('audio', reshape(audio, [window * hop]));
      },
      signal,
    );
    plan.run({}, { frames: this.#frames.slice(from, from + window) });
    const audio = await plan.read('audio');
    this.#made = end;
    this.#frames.dropBefore(end - this.#windows.samples);
    return audio.slice((start - from) * hop, (end - from) * hop);
  }
}

/** Frames `start` to `end`, made within `window` frames from `from` on. */
interface Stretch {
  readonly from: number;
  readonly window: number;
  readonly start: number;
  readonly end: number;
}

/** What can be made next of `there` frames, of which `done` are; more than the last of them are to come unless `last`. */
function nextStretch(done: number, there: number, last: boolean, most: number, context: number): Stretch | undefined {
  const from = Math.max(0, done - context);
  if (from + most < there || (!last && from + most === there)) return { from, window: most, start: done, end: from + most - context };
  if (!last || done === there) return undefined;
  const window = Math.min(there, most);
  return { from: there - window, window, start: done, end: there };
}

/** Rows of numbers that come one after another; early ones may be forgotten. */
class Rows<A extends Uint32Array | Float32Array> {
  readonly width: number;
  #data: A;
  #origin = 0;

  constructor(none: A, width: number) {
    this.width = width;
    this.#data = none;
  }

  get end(): number {
    return this.#origin + this.#data.length / this.width;
  }

  add(rows: A): void {
    this.#data = joined(this.#data, rows);
  }

  slice(from: number, to: number): A {
    return this.#data.slice((from - this.#origin) * this.width, (to - this.#origin) * this.width) as A;
  }

  dropBefore(row: number): void {
    if (row <= this.#origin) return;
    this.#data = this.slice(row, this.end);
    this.#origin = row;
  }
}

/** One array after another. */
export function joined<A extends Uint32Array | Float32Array>(...parts: readonly [A, ...A[]]): A {
  const length = parts.reduce((n, part) => n + part.length, 0);
  const all = (parts[0] instanceof Uint32Array ? new Uint32Array(length) : new Float32Array(length)) as A;
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
