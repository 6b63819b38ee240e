// One piece being made: the steps that generating, looping, inpainting and streaming share.
import type { BeatMark } from '../audio/beats.ts';
import { convertAudio, cutAudio, lengthOf, monoAt, monoMix } from '../audio/channels.ts';
import type { ClipReport, MeasureOptions } from '../audio/measure.ts';
import type { Machine } from '../engine/engine.ts';
import { MelodyError } from '../errors.ts';
import { LISTENING_RATE } from '../models/layers.ts';
import { Clock } from './controls/clock.ts';
import { type Key, keyName } from './controls/control_words.ts';
import { type Controls, guideOf } from './controls/controls.ts';
import type { Steps } from './draft.ts';
import { Form } from './form.ts';
import { audioOf, type Model } from './model.ts';
import type { AudioInput, GenerateOptions, Recipe } from './options.ts';
import { Piece } from './piece.ts';
import { Progress } from './progress.ts';
import { denoise } from './stages/denoise.ts';
import { extendTokens } from './stages/language.ts';
import { type DecodeOptions, decode } from './stages/networks.ts';
import { RunningPhase } from './stages/running_phase.ts';
import { type DenoisedWindow, parallelRounds, planWindows, type WindowSizes } from './stages/schedule.ts';
import type { Style } from './stages/style.ts';

/** New windows see this many chunks of what went before. */
const CONTEXT_CHUNKS = 2;
/** Latent frames decoded in one piece. */
const DECODE_FRAMES = 250;
/** Where memory is short, batches and decoded pieces are halved at most this often. */
export const MAX_HALVINGS = 4;

/** One piece being made: the engine, what was asked, how far it is. */
export class Job {
  readonly engine: Machine<Model>;
  readonly recipe: Recipe;
  /** Ends the work: of a stream, of one window. */
  signal: AbortSignal | undefined;
  readonly progress: Progress;
  /** The beat of the piece, for models with controls. */
  clock = new Clock();
  /** Tempo, metre and key along what is made. */
  readonly beats: BeatMark[] = [];
  #controls: Controls | undefined; // told last
  #style: Style | undefined; // planned last
  readonly #form: Form;
  /** dB by which the clip stays too quiet, because raising noise makes no music of it. */
  tooQuiet = 0;
  /** How the finished clip is to be measured, if the thread that levels it may do that too. */
  measure: MeasureOptions | undefined;
  /** What that thread measured. */
  report: ClipReport | undefined;
  /** How often batches and decoded pieces are halved. */
  #halvings: number;
  readonly #steps: Steps;

  constructor(engine: Machine<Model>, recipe: Recipe, options: Pick<GenerateOptions, 'signal' | 'onEvent' | 'draft'>, halvings = 0) {
    this.engine = engine;
    this.recipe = recipe;
    this.signal = options.signal;
    this.#form = new Form(recipe, engine.model.config);
    this.progress = new Progress(options.onEvent, options.signal, engine);
    this.#halvings = halvings;
    if (halvings > 0) this.#sayShort();
    const { weights = recipe.weights } = options as Partial<Recipe>; // of a recipe that is made again
    if (weights !== recipe.weights)
      this.progress.warn('other_weights', `the recipe was made with other weights of ${recipe.model}: this will be something like it`);
    this.#steps = options.draft?.replay() ?? ((_count, make) => make(0));
  }

  /** Windows denoised together. */
  get #batch(): number {
    return Math.max(1, (this.recipe.parallelWindows ?? 1) >> this.#halvings);
  }

  /** Frames decoded together. */
  get decodeFrames(): number {
    return DECODE_FRAMES >> this.#halvings;
  }

  /** Work whose size follows `halvings`: where the GPU has no memory for it, half of it is tried, as long as it `canShrink`. */
  async fitted<T>(canShrink: boolean, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      const short = error instanceof MelodyError && error.code === 'out_of_memory';
      if (!short || !canShrink || this.#halvings >= MAX_HALVINGS) throw error;
      this.#halvings += 1;
      this.#sayShort();
      return this.fitted(canShrink, work);
    }
  }

  #sayShort(): void {
    this.progress.warn('low_memory', 'the GPU has little memory: less is made at a time, which may take longer');
  }

  /** Tokens of the piece up to its end, in this style; the tempo of the style goes for the first of them on. */
  async plan(piece: Piece, style: Style, target: number): Promise<void> {
    const { recipe, signal, clock } = this;
    const { dual_path, token_rate } = this.engine.model.config;
    const perToken = dual_path.frames_per_token;
    const { controls } = style;
    if (controls) {
      const seconds = (piece.origin / perToken + piece.tokens.length) / token_rate;
      const { tempo, key } = controls;
      clock.change(seconds, tempo, controls.beatsPerBar);
      if (controls !== this.#controls) {
        this.#controls = controls;
        const atSeconds = seconds - piece.given / perToken / token_rate;
        const mark = { type: 'beat', atSeconds, tempo, key: key && keyName(key), ...clock.at(seconds) } as const;
        this.beats.push(mark);
        this.progress.emit(mark);
      }
    }
    const origin = piece.origin / perToken;
    if (style !== this.#style && piece.given === 0) this.#form.begin(origin + piece.tokens.length, controls);
    this.#style = style;
    const [first, last] = [origin + piece.tokens.length, target / perToken];
    const draw = (tokens: Uint32Array, until: number) => {
      const before = origin + tokens.length - first;
      return extendTokens(this.engine, origin, tokens, until, {
        style: style.codes,
        negative: style.negative,
        guidance: recipe.lmGuidanceScale,
        sampling: recipe,
        seed: recipe.seed,
        guide: guideOf(controls, (seconds) => clock.at(seconds)),
        signal,
        onToken: (done) => this.progress.report('tokens', (before + done) / (last - first)),
      });
    };
    const extend = async () => [await this.#form.extend(piece.tokens, origin, last, draw)];
    [piece.tokens] = (await this.progress.during('tokens', () => this.#steps(1, extend))) as [Uint32Array];
    this.#form.keep(piece.tokens, origin);
  }

  /** What was planned from this frame of the piece on is dropped. */
  goBack(frame: number, given: number): void {
    const { frame_rate } = this.engine.model.config;
    this.clock.cut(frame / frame_rate);
    this.beats.splice(this.beats.filter(({ atSeconds }) => atSeconds < (frame - given) / frame_rate).length);
  }

  /** Latents of some windows of the piece, of one length, in one batch. */
  async render(piece: Piece, windows: readonly DenoisedWindow[], share: (within: number) => number): Promise<void> {
    const { recipe, signal } = this;
    const perToken = this.engine.model.config.dual_path.frames_per_token;
    const requests = windows.map(({ start, length, fresh }) => ({
      ...recipe,
      tokens: piece.tokens.subarray(start / perToken, (start + length) / perToken),
      latents: piece.slice(piece.origin + start, piece.origin + start + length),
      fresh,
      firstFrame: piece.origin + start,
      guidance: recipe.guidanceScale,
      signal,
      onStep: (done: number, of: number) => this.progress.report('diffusion', share(done / of)),
    }));
    const made = await this.progress.during('diffusion', () =>
      this.#steps(requests.length, (from) => denoise(this.engine, requests.slice(from))),
    );
    for (const [i, { start, fresh }] of windows.entries()) piece.accept(piece.origin + start, made[i] as Float32Array, fresh);
  }

  /** All unknown frames of the piece. */
  async fill(piece: Piece): Promise<void> {
    const sizes = windowSizes(this.engine, this.recipe);
    const { parallelWindows = 1 } = this.recipe;
    const isNew = !piece.known.includes(true);
    // Windows of one round know nothing of each other.
    const rounds =
      parallelWindows > 1 && isNew ? parallelRounds(piece.known.length, sizes) : planWindows(piece.known, sizes).map((w) => [w]);
    const frames = (windows: readonly DenoisedWindow[]) => windows.reduce((n, w) => n + w.length, 0);
    const total = frames(rounds.flat());
    let before = 0;
    for (const round of rounds) {
      for (let at = 0; at < round.length; ) {
        at += await this.fitted(this.#batch > 1, async () => {
          const batch = equals(round.slice(at, at + this.#batch));
          await this.render(piece, batch, (within) => (before + within * frames(batch)) / total);
          before += frames(batch);
          return batch.length;
        });
      }
    }
  }
}

/** The first windows, as far as they are of one length. */
function equals(windows: readonly DenoisedWindow[]): DenoisedWindow[] {
  const other = windows.findIndex(({ length }) => length !== windows[0]?.length);
  return windows.slice(0, other < 0 ? windows.length : other);
}

/** How far windows reach, in frames. */
export function windowSizes(engine: Machine<Model>, recipe: Recipe): WindowSizes {
  const { window_seconds, frame_rate, chunks } = engine.model.config;
  const window = window_seconds * frame_rate;
  const grid = window / chunks;
  return { window, grid, context: Math.min(CONTEXT_CHUNKS, chunks - 1) * grid, first: Math.round(recipe.firstWindowSeconds * frame_rate) };
}

/** Finds, once, the key of the audio that a piece goes on after or within, of the window up to a second of it; undefined where there is none. */
export function keyOf(job: Job, given: AudioInput | undefined, until = Infinity): (() => Promise<Key | undefined>) | undefined {
  let found: { readonly key: Key | undefined } | undefined;
  return (
    given &&
    (async () => {
      found ??= { key: await (await import('./stages/given.ts')).keyOfAudio(job.engine, given, until, job.signal) };
      return found.key;
    })
  );
}

/** A new piece: empty, or what the given audio says. */
export async function begin(job: Job, given: AudioInput | undefined): Promise<Piece> {
  const { config } = job.engine.model;
  const { seed, tuning } = job.recipe;
  const piece = new Piece(config);
  piece.phase = RunningPhase.of(config, { seed, tuning });
  if (!given) return piece;
  const { sample_rate, hop_length, window_seconds, dual_path } = config;
  const { latentsOfAudio, tokensOfAudio, sayOfGiven } = await import('./stages/given.ts');
  sayOfGiven('continueFrom', given, job.progress, job.recipe.keepGiven ? undefined : audioOf(config));
  const audio = convertAudio(given, sample_rate, audioOf(config).channels);
  const length = lengthOf(audio);
  // Whole chunks at the end of the audio, one window at most: what lies before has no say.
  const chunk = piece.chunkFrames * hop_length;
  const samples = Math.min(Math.floor(length / chunk) * chunk, window_seconds * sample_rate);
  if (samples === 0)
    throw new MelodyError(
      'invalid_argument',
      `the audio to continue has ${(length / sample_rate).toFixed(2)} s; expected at least ${chunk / sample_rate} s`,
    );
  const start = length - samples;
  job.clock = new Clock(-start / sample_rate); // the first sample of the given audio is taken to be a downbeat
  const tail = cutAudio(audio, start);
  piece.latents = await latentsOfAudio(job.engine, tail, job.signal);
  const listened = monoAt(given, LISTENING_RATE).slice(Math.round((start * LISTENING_RATE) / sample_rate));
  piece.tokens = (await tokensOfAudio(job.engine, listened, job.signal)).slice(0, samples / hop_length / dual_path.frames_per_token);
  piece.known = new Array<boolean>(samples / hop_length).fill(true);
  piece.given = piece.known.length;
  piece.phase = RunningPhase.of(config, { seed, tuning, from: piece.given, given: { audio: monoMix(tail), until: samples } });
  return piece;
}

/** Decode frames from…to−1 for nothing but where their phase ends. */
export async function walk(job: Job, latents: Float32Array, from: number, to: number, options: DecodeOptions): Promise<void> {
  await job.progress.during('decoding', async () => {
    for (let at = from; at < to; )
      at = await job.fitted(true, async () => {
        const end = Math.min(to, at + job.decodeFrames);
        await decode(job.engine, latents, at, end, { ...options, signal: job.signal });
        return end;
      });
  });
}

/** Frames from…to−1 as audio, one array a channel, decoded piece by piece; `startSample` is the place of the first sample in the clip. */
export async function decodeAll(
  job: Job,
  latents: Float32Array,
  from: number,
  to: number,
  { startSample = 0, ...options }: Omit<DecodeOptions, 'signal'> & { startSample?: number } = {},
): Promise<Float32Array[]> {
  const { hop_length } = job.engine.model.config;
  const { channels } = audioOf(job.engine.model.config);
  const audio = Array.from({ length: channels }, () => new Float32Array((to - from) * hop_length));
  await job.progress.during('decoding', async () => {
    for (let at = from; at < to; ) {
      const end = await job.fitted(true, async () => {
        const end = Math.min(to, at + job.decodeFrames);
        const part = await decode(job.engine, latents, at, end, { ...options, signal: job.signal });
        for (const [c, channel] of audio.entries()) channel.set(part[c] as Float32Array, (at - from) * hop_length);
        return end;
      });
      job.progress.report('decoding', (end - from) / (to - from));
      job.progress.emit({ type: 'chunk', startSample: startSample + (at - from) * hop_length, samples: (end - at) * hop_length });
      at = end;
    }
  });
  return audio;
}
