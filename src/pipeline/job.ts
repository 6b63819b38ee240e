// One piece being made: the steps that generating, looping, inpainting and streaming share.
import { resample } from '../audio/resample.ts';
import { MelodyError } from '../errors.ts';
import type { Engine } from './engine.ts';
import { extendTokens } from './language.ts';
import { type AudioInput, type GenerateOptions, mono, type Recipe } from './options.ts';
import { Piece } from './piece.ts';
import { Progress } from './progress.ts';
import { planWindows, type Window, type WindowSizes } from './schedule.ts';
import { decode, denoise, latentsOfAudio, tokensOfAudio } from './stages.ts';
import type { Style } from './style.ts';

/** New windows see this many chunks of what went before. */
const CONTEXT_CHUNKS = 2;
/** Latent frames decoded in one piece. */
const DECODE_FRAMES = 500;

/** One piece being made: the engine, what was asked, how far it is. */
export class Job {
  readonly engine: Engine;
  readonly recipe: Recipe;
  readonly signal: AbortSignal | undefined;
  readonly progress: Progress;

  constructor(engine: Engine, recipe: Recipe, options: Pick<GenerateOptions, 'signal' | 'onEvent'>) {
    this.engine = engine;
    this.recipe = recipe;
    this.signal = options.signal;
    this.progress = new Progress(options.onEvent, options.signal, engine);
  }

  /** Tokens of the piece up to its end, in this style. */
  async plan(piece: Piece, style: Style, target: number): Promise<void> {
    const { recipe, signal } = this;
    const perToken = this.engine.model.config.dual_path.frames_per_token;
    piece.tokens = await this.progress.during('tokens', () =>
      extendTokens(this.engine, piece.origin / perToken, piece.tokens, target / perToken, {
        style: style.codes,
        negative: style.negative,
        guidance: recipe.lmGuidanceScale,
        sampling: recipe,
        seed: recipe.seed,
        signal,
        onToken: (done, of) => this.progress.report('tokens', done / of),
      }),
    );
  }

  /** Latents of one window of the piece. */
  async render(piece: Piece, window: Window, share: (within: number) => number): Promise<void> {
    const { recipe, signal } = this;
    const perToken = this.engine.model.config.dual_path.frames_per_token;
    const from = piece.origin + window.start;
    const [latents] = await this.progress.during('diffusion', () =>
      denoise(this.engine, [
        {
          tokens: piece.tokens.subarray(window.start / perToken, (window.start + window.length) / perToken),
          latents: piece.slice(from, from + window.length),
          fresh: window.fresh,
          seed: recipe.seed,
          firstFrame: from,
          steps: recipe.steps,
          guidance: recipe.guidanceScale,
          schedule: recipe.schedule,
          sampler: recipe.sampler,
          signal,
          onStep: (done, of) => this.progress.report('diffusion', share(done / of)),
        },
      ]),
    );
    piece.accept(from, latents, window.fresh);
  }

  /** All unknown frames of the piece. */
  async fill(piece: Piece): Promise<void> {
    const sizes = windowSizes(this.engine, this.recipe);
    const windows = planWindows(piece.known, sizes);
    const total = windows.reduce((n, w) => n + w.length, 0);
    let before = 0;
    for (const w of windows) {
      await this.render(piece, w, (within) => (before + within * w.length) / total);
      before += w.length;
    }
  }
}

/** How far windows reach, in frames. */
export function windowSizes(engine: Engine, recipe: Recipe): WindowSizes {
  const { window_seconds, frame_rate, chunks } = engine.model.config;
  const window = window_seconds * frame_rate;
  const grid = window / chunks;
  return { window, grid, context: Math.min(CONTEXT_CHUNKS, chunks - 1) * grid, first: Math.round(recipe.firstWindowSeconds * frame_rate) };
}

/** A new piece: empty, or what the given audio says; then the number of frames that were given. */
export async function begin(job: Job, given: AudioInput | undefined): Promise<{ piece: Piece; given: number }> {
  const piece = new Piece(job.engine.model.config);
  if (!given) return { piece, given: 0 };
  const { sample_rate, hop_length, window_seconds, dual_path } = job.engine.model.config;
  const audio = resample(mono(given), given.sampleRate, sample_rate);
  // Whole chunks at the end of the audio, one window at most: what lies before has no say.
  const chunk = piece.chunkFrames * hop_length;
  const samples = Math.min(Math.floor(audio.length / chunk) * chunk, window_seconds * sample_rate);
  if (samples === 0)
    throw new MelodyError(
      'invalid_argument',
      `the audio to continue has ${(audio.length / sample_rate).toFixed(2)} s; expected at least ${chunk / sample_rate} s`,
    );
  const tail = audio.subarray(audio.length - samples);
  piece.latents = await latentsOfAudio(job.engine, tail, job.signal);
  piece.tokens = (await tokensOfAudio(job.engine, tail, job.signal)).slice(0, samples / hop_length / dual_path.frames_per_token);
  piece.known = new Array<boolean>(samples / hop_length).fill(true);
  return { piece, given: piece.known.length };
}

/** Frames from…to−1 as audio, decoded piece by piece. */
export async function decodeAll(job: Job, latents: Float32Array, from: number, to: number, circular = false): Promise<Float32Array> {
  const { hop_length } = job.engine.model.config;
  const audio = new Float32Array((to - from) * hop_length);
  await job.progress.during('decoding', async () => {
    for (let at = from; at < to; at += DECODE_FRAMES) {
      const end = Math.min(to, at + DECODE_FRAMES);
      audio.set(await decode(job.engine, latents, at, end, { circular, signal: job.signal }), (at - from) * hop_length);
      job.progress.report('decoding', (end - from) / (to - from));
      job.progress.emit({ type: 'chunk', startSample: (at - from) * hop_length, samples: (end - at) * hop_length });
    }
  });
  return audio;
}
