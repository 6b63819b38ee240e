// The phase of a piece whose decoder runs on ('istft_running'): carried from one decoded part to the next, so that parts equal the whole.
//
// Frames are spectral ones here: `upsample` to a latent frame, numbered from the start of the piece. A sample hears the frames up to two
// before and after its own, so a part that ends with frame n hands on the phase before frame n − 2.
import { argTurns, cosTurns, sinTurns } from '../../elementary.ts';
import { framingOf, noiseBlocks, type RunningDecoderConfig } from '../../models/vae_decoder.ts';
import { pitchTurns } from '../../ops/phase.ts';
import { randomWords, STREAM, seedWords } from '../../ops/random.ts';
import { hann } from '../../ops/spectrum.ts';
import type { ModelConfig } from '../model.ts';

const MARGIN = 2; // frames to each side that reach into a hop
/** Given audio below this share of its strongest bin says no phase: chance does. */
const SILENT = 1e-4;
const TURN = 2 ** 32;

export interface PhaseOptions {
  readonly seed: number;
  /** A4 in Hz; default the weights' own. */
  readonly tuning?: number | undefined;
  /** First latent frame that is decoded. Default 0. */
  readonly from?: number | undefined;
  /** Latent frames of a circular piece. */
  readonly circle?: number | undefined;
  /** Audio of the piece from its first frame on, whose tones run on from sample `until`. */
  readonly given?: { readonly audio: Float32Array; readonly until: number } | undefined;
}

export class RunningPhase {
  readonly #config: RunningDecoderConfig;
  readonly #turns: Uint32Array;
  readonly #seed: readonly [number, number];
  readonly #circle: number; // frames, 0: none
  #drift: Uint32Array;
  #start: Uint32Array;
  #frame: number; // #start is the phase before it

  private constructor(config: RunningDecoderConfig, options: PhaseOptions) {
    const { seed, tuning = config.reference_pitch, from = 0, circle = 0, given } = options;
    const bins = config.fft_size / 2 + 1;
    this.#config = config;
    this.#turns = pitchTurns(config.pitches, framingOf(config), tuning);
    this.#seed = seedWords(seed);
    this.#circle = circle * config.upsample;
    this.#drift = new Uint32Array(bins);
    this.#frame = from * config.upsample - MARGIN;
    this.#start = randomWords(bins, seed, STREAM.phase);
    if (!given) return;
    const frame = Math.floor(given.until / framingOf(config).hop) - MARGIN;
    const measured = phaseOf(given.audio, frame - 1, config);
    if (!measured) return;
    this.#frame = frame;
    this.#start = this.#start.map((word, k) => measured[k] ?? word);
  }

  /** The phase of a new piece; undefined where the decoder has none. */
  static of({ vae_decoder }: ModelConfig, options: PhaseOptions): RunningPhase | undefined {
    return vae_decoder.kind === 'istft_running' ? new RunningPhase(vae_decoder, options) : undefined;
  }

  /** Scalars and inputs of the decoder for latent frames `first`… when those before `to` are wanted: scalars and inputs of runningInputs. */
  part(first: number, to: number): { scalars: Record<string, number>; inputs: Record<string, Uint32Array> } {
    const { upsample } = this.#config;
    const row = (frame: number) => Math.max(0, frame - first * upsample);
    const blocks = noiseBlocks(this.#config);
    const period = this.#circle * blocks;
    const block = first * upsample * blocks;
    const [low, high] = this.#seed;
    return {
      scalars: {
        first: row(this.#frame),
        end: row(to * upsample - MARGIN),
        low,
        high,
        block: period ? ((block % period) + period) % period : block % TURN,
        period,
      },
      inputs: { turns: this.#turns, start: this.#start, drift: this.#drift },
    };
  }

  /** Latent frames before `to` are decoded: `next` is the phase that the decoder handed on. */
  goOn(next: Uint32Array, to: number): void {
    this.#start = next;
    this.#frame = Math.max(this.#frame, to * this.#config.upsample - MARGIN);
  }

  /** Where it stands: calling what this gives brings it back. */
  mark(): () => void {
    const [start, frame] = [this.#start, this.#frame];
    return () => {
      [this.#start, this.#frame] = [start, frame];
    };
  }

  /**
   * Let the phase end where it must: where it began, for a circle; else where the given audio goes on after latent frame `to`. `walk`
   * decodes all of it once, to see where it ends by itself; what is missing is spread over all frames, at most half a turn, and the phase
   * stands at its beginning again. Parts under a second, where that would be heard as another pitch, keep their own end.
   */
  async close(walk: () => Promise<unknown>, to: number, given?: Float32Array): Promise<void> {
    const back = this.mark();
    const [start, first] = [this.#start, this.#frame];
    await walk();
    const { upsample, sample_rate } = this.#config;
    const frames = this.#frame - first;
    const target = given ? phaseOf(given, to * upsample - MARGIN - 1, this.#config) : start;
    const reached = this.#start;
    back();
    if (!target || frames * framingOf(this.#config).hop < sample_rate) return;
    this.#drift = reached.map((word, k) => Math.round((((target[k] ?? word) - word) | 0) / frames));
  }
}

/** The phase of every bin of one frame of the audio, turns of 2^32, undefined where it is silent; undefined where the frame is not within it. */
function phaseOf(audio: Float32Array, frame: number, c: RunningDecoderConfig): (number | undefined)[] | undefined {
  const { size, hop } = framingOf(c);
  const first = frame * hop - (size - hop) / 2;
  if (first < 0 || first + size > audio.length) return undefined;
  const cos = Float64Array.from({ length: size }, (_, i) => cosTurns(i / size));
  const sin = Float64Array.from({ length: size }, (_, i) => sinTurns(i / size));
  const windowed = Float64Array.from({ length: size }, (_, i) => (audio[first + i] ?? 0) * hann(i, size));
  const spectrum = Array.from({ length: size / 2 + 1 }, (_, k) => {
    let [re, im] = [0, 0];
    for (const [i, value] of windowed.entries()) {
      re += value * (cos[(k * i) % size] ?? 0);
      im -= value * (sin[(k * i) % size] ?? 0);
    }
    return { size: Math.sqrt(re * re + im * im), turns: argTurns(im, re) };
  });
  const least = Math.max(1e-9, SILENT * Math.max(...spectrum.map((bin) => bin.size)));
  return spectrum.map((bin) => (bin.size < least ? undefined : Math.round(bin.turns * TURN) >>> 0));
}
