// Finished clips: from the start, behind given audio, as a loop, into holes.
import { resample } from '../audio/resample.ts';
import { MelodyError } from '../errors.ts';
import { begin, decodeAll, type Job, windowSizes } from './job.ts';
import type { ModelConfig } from './model.ts';
import { type AudioInput, mono, type Steering } from './options.ts';
import { Piece } from './piece.ts';
import { planWindows } from './schedule.ts';
import { latentsOfAudio, tokensOfAudio } from './stages.ts';
import { isDue } from './steering.ts';
import type { Style } from './style.ts';

/** The style from a change on. */
export type Restyle = (change: Steering) => Promise<Style>;

/** Given audio is joined to made audio over this many seconds. */
const JOIN_SECONDS = 0.02;

/** A piece from its start, or from where given audio ends, in a style that may be steered. */
export async function compose(job: Job, style: Style, continueFrom: AudioInput | undefined, steer: Restyle): Promise<Float32Array> {
  const { config } = job.engine.model;
  const { piece, given } = await begin(job, continueFrom);
  const samples = Math.round((job.recipe.durationSeconds as number) * config.sample_rate);
  piece.extendTo(given + Math.ceil(samples / config.hop_length));
  let now = style;
  const starts = planWindows(piece.known, windowSizes(job.engine, job.recipe)).map(({ start, fresh }) => start + fresh.indexOf(true));
  for (const change of job.recipe.steered ?? []) {
    const at = starts.find((start) => isDue(change, (start - given) / config.frame_rate));
    if (at === undefined) break;
    await job.plan(piece, now, at);
    now = await steer(change);
  }
  await job.plan(piece, now, piece.end);
  await job.fill(piece);
  const audio = await decodeAll(job, piece.latents, given, given + Math.ceil(samples / config.hop_length));
  return continueFrom ? joinTo(continueFrom, audio.slice(0, samples), config.sample_rate) : audio.slice(0, samples);
}

/** A piece whose end leads into its start: the seam is made anew with music on both sides, and decoded as a circle. */
export async function loop(job: Job, style: Style): Promise<Float32Array> {
  const { config } = job.engine.model;
  const samples = Math.round((job.recipe.durationSeconds as number) * config.sample_rate);
  const piece = new Piece(config);
  piece.extendTo(Math.ceil(samples / config.hop_length));
  const frames = piece.end;
  if (samples !== frames * config.hop_length || frames < 2 * piece.chunkFrames)
    throw new MelodyError(
      'invalid_argument',
      `a loop lasts whole chunks of ${(piece.chunkFrames * config.hop_length) / config.sample_rate} s, at least two; got ${job.recipe.durationSeconds} s`,
    );
  await job.plan(piece, style, frames);
  await job.fill(piece);
  const half = Math.floor(frames / piece.chunkFrames / 2) * piece.chunkFrames;
  turn(piece, half, config);
  const seam = frames - half; // where the old end now meets the old start
  const reach = Math.min(piece.chunkFrames, half, seam) / 2;
  piece.known.fill(false, seam - reach, seam + reach);
  await job.fill(piece);
  turn(piece, frames - half, config);
  return decodeAll(job, piece.latents, 0, frames, true);
}

/** Rotate a piece so that frame `by` comes first. */
function turn(piece: Piece, by: number, config: ModelConfig): void {
  const at = by * config.latent_dim;
  piece.latents = Float32Array.from([...piece.latents.subarray(at), ...piece.latents.subarray(0, at)]);
  const token = by / config.dual_path.frames_per_token;
  piece.tokens = Uint32Array.from([...piece.tokens.subarray(token), ...piece.tokens.subarray(0, token)]);
  piece.known = [...piece.known.slice(by), ...piece.known.slice(0, by)];
}

/** The given audio with its regions made anew; tokens of a hole follow from what stands before it. */
export async function inpaint(job: Job, style: Style, given: AudioInput): Promise<Float32Array> {
  const { config } = job.engine.model;
  const perToken = config.dual_path.frames_per_token;
  const original = resample(mono(given), given.sampleRate, config.sample_rate);
  const piece = new Piece(config);
  piece.extendTo(Math.ceil(original.length / config.hop_length));
  const padded = new Float32Array(piece.end * config.hop_length);
  padded.set(original);
  piece.latents = await latentsOfAudio(job.engine, padded, job.signal);
  const tokens = await tokensOfAudio(job.engine, padded, job.signal);
  piece.known.fill(true);
  const regions = (job.recipe.inpaint ?? []).map(({ start, end }) => ({
    from: Math.floor(start * config.token_rate) * perToken,
    to: Math.min(piece.end, Math.ceil(end * config.token_rate) * perToken),
  }));
  for (const { from, to } of regions) {
    piece.known.fill(false, from, to);
    piece.tokens = tokens.slice(0, from / perToken);
    await job.plan(piece, style, to);
    tokens.set(piece.tokens.subarray(from / perToken), from / perToken);
  }
  piece.tokens = tokens;
  await job.fill(piece);
  const made = await decodeAll(job, piece.latents, 0, piece.end);
  const out = original.slice();
  const join = Math.round(JOIN_SECONDS * config.sample_rate);
  for (const { from, to } of regions) paste(out, made, from * config.hop_length, Math.min(to * config.hop_length, out.length), join);
  return out;
}

/** Copy made[from…to) into out, faded in and out over `join` samples outside the region's edges' inner side. */
function paste(out: Float32Array, made: Float32Array, from: number, to: number, join: number): void {
  for (let i = from; i < to; i++) {
    const inside = Math.min(from === 0 ? 1 : (i - from + 1) / join, to === out.length ? 1 : (to - i) / join, 1);
    out[i] = inside * made[i] + (1 - inside) * out[i];
  }
}

/** Made audio whose first samples fade in from the value the given audio ends with, so that the join has no step. */
function joinTo(given: AudioInput, audio: Float32Array, sampleRate: number): Float32Array {
  const source = resample(mono(given), given.sampleRate, sampleRate);
  const step = source[source.length - 1] - audio[0];
  const join = Math.min(audio.length, Math.round(JOIN_SECONDS * sampleRate));
  for (let i = 0; i < join; i++) audio[i] += step * (1 - i / join) ** 2;
  return audio;
}
