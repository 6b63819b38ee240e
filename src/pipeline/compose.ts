// Finished clips: from the start, after given audio, as a loop, into holes. Pages fetch this file when the first clip is asked for.
import { convertAudio, cutAudio, fadeOut, joinAudio, lengthOf, monoAt, monoMix, viewAudio } from '../audio/channels.ts';
import { MelodyError } from '../errors.ts';
import { LISTENING_RATE } from '../models/layers.ts';
import { Course } from './course.ts';
import { begin, decodeAll, type Job, keyOf, walk, windowSizes } from './job.ts';
import { besides, fadeOf, finished, levellingReach } from './levels.ts';
import { audioOf, type ModelConfig } from './model.ts';
import type { AudioInput, GenerateOptions, Recipe } from './options.ts';
import { Piece } from './piece.ts';
import { RunningPhase } from './stages/running_phase.ts';
import { freshFrames, type WindowSizes } from './stages/schedule.ts';
import type { Style } from './stages/style.ts';
import { SteeredStyle } from './steered_style.ts';

/** Given audio is joined to made audio over this many seconds. */
const JOIN_SECONDS = 0.02;

/** The channels of one clip, and the style that it begins with. */
export async function make(job: Job, options: GenerateOptions): Promise<{ channels: Float32Array[]; style: Style }> {
  const { seed, durationSeconds } = job.recipe;
  const hole = options.inpaint && Math.min(...(job.recipe.inpaint ?? []).map(({ start }) => start));
  const until = hole === undefined ? Infinity : hole + job.engine.model.config.window_seconds / 2;
  const within = keyOf(job, options.continueFrom ?? (options.inpaint && options.initAudio), until);
  const facts = { seed, within, ...(job.recipe.loop && { loopSeconds: durationSeconds }) };
  const steered = new SteeredStyle(job, options, facts);
  const style = await steered.now();
  const channels =
    options.inpaint && options.initAudio
      ? await inpaint(job, steered, options.initAudio)
      : job.recipe.loop
        ? await loop(job, steered)
        : await compose(job, steered, options.continueFrom);
  return { channels, style };
}

interface Sound {
  readonly channels: Float32Array[];
  readonly sampleRate: number; // Hz
}

/** A clip of this recipe as the person who gave audio has it: at that audio's rate, with its channels and, where it stays, its samples. */
export async function besideGiven(recipe: Recipe, { continueFrom, initAudio }: GenerateOptions, made: Sound): Promise<Sound> {
  const given = continueFrom ?? initAudio;
  if (!recipe.keepGiven || !given) return made;
  const { intoGiven, onFromGiven } = await import('./stages/given.ts');
  const { sampleRate } = given;
  if (!continueFrom) return { channels: intoGiven(given, made, recipe.inpaint ?? []), sampleRate };
  return { channels: onFromGiven(given, made, Math.round((recipe.durationSeconds as number) * sampleRate)), sampleRate };
}

/** A piece from its start, or from where given audio ends. */
async function compose(job: Job, style: SteeredStyle, continueFrom: AudioInput | undefined): Promise<Float32Array[]> {
  const { config } = job.engine.model;
  const samples = Math.round((job.recipe.durationSeconds as number) * config.sample_rate);
  if (job.recipe.steered?.some(({ anew }) => anew)) return asStreamed(job, style, continueFrom, samples);
  const piece = await begin(job, continueFrom);
  const end = piece.given + Math.ceil(samples / config.hop_length);
  piece.extendTo(job.recipe.wholeWindows ? endOfWindow(piece, end, windowSizes(job.engine, job.recipe)) : end);
  await style.plan(piece, piece.end);
  await job.fill(piece);
  const { runningLevel, wholeWindows } = job.recipe;
  const seen = runningLevel && wholeWindows ? Math.ceil(levellingReach(config.sample_rate) / config.hop_length) : 0;
  const raw = await decodeAll(job, piece.latents, piece.given, Math.min(piece.end, end + seen), { phase: piece.phase });
  const fade = fadeOf(job.recipe, samples, config);
  if (!runningLevel) fadeOut(viewAudio(raw, 0, samples), 0, samples, fade); // levelled and measured as it is heard
  const made = await finished(job, seen ? raw : viewAudio(raw, 0, samples), samples, continueFrom);
  if (runningLevel) fadeOut(made, 0, samples, fade); // as a stream does, which levels while it is made
  return joined(job, made, continueFrom);
}

/** A piece that went back while it was streamed: window by window, as it was. */
async function asStreamed(job: Job, style: SteeredStyle, continueFrom: AudioInput | undefined, samples: number): Promise<Float32Array[]> {
  const { durationSeconds = Infinity, wholeWindows, runningLevel } = job.recipe;
  const course = await Course.begin(job, style, continueFrom, wholeWindows ? Infinity : durationSeconds);
  const parts: Float32Array[][] = [];
  for (let made = 0; made < samples; ) {
    const part = await course.next();
    if (part) parts.push(part.channels);
    made += part ? lengthOf(part.channels) : 0;
  }
  const audio = cutAudio(joinAudio(...parts), 0, samples);
  return joined(job, runningLevel ? audio : await finished(job, audio, samples, continueFrom), continueFrom);
}

/** Made audio after what it continues, if anything. */
function joined(job: Job, audio: Float32Array[], continueFrom: AudioInput | undefined): Float32Array[] {
  const { sample_rate } = job.engine.model.config;
  return continueFrom ? joinTo(convertAudio(continueFrom, sample_rate, audio.length), audio, sample_rate) : audio;
}

/** Where the window ends that an endless stream would be in at frame `end`. */
function endOfWindow(piece: Piece, end: number, sizes: WindowSizes): number {
  let reached = piece.end;
  for (let index = 0; reached < end; index++) reached += freshFrames(index, Math.min(reached, sizes.context), sizes);
  return reached;
}

/** A piece whose end leads into its start: the seam is made anew with music on both sides, and decoded as a circle. */
async function loop(job: Job, style: SteeredStyle): Promise<Float32Array[]> {
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
  await style.plan(piece, frames);
  await job.fill(piece);
  const half = Math.floor(frames / piece.chunkFrames / 2) * piece.chunkFrames;
  turn(piece, half, config);
  const seam = frames - half; // where the old end now meets the old start
  const reach = Math.min(piece.chunkFrames, half, seam) / 2;
  piece.known.fill(false, seam - reach, seam + reach);
  await job.fill(piece);
  turn(piece, frames - half, config);
  const { seed, tuning } = job.recipe;
  const how = { circular: true, phase: RunningPhase.of(config, { seed, tuning, circle: frames }) };
  await how.phase?.close(() => walk(job, piece.latents, 0, frames, how), frames);
  return finished(job, await decodeAll(job, piece.latents, 0, frames, how), samples, undefined);
}

/** Rotate a piece so that frame `by` comes first. */
function turn(piece: Piece, by: number, config: ModelConfig): void {
  const at = by * config.latent_dim;
  piece.latents = Float32Array.from([...piece.latents.subarray(at), ...piece.latents.subarray(0, at)]);
  const token = by / config.dual_path.frames_per_token;
  piece.tokens = Uint32Array.from([...piece.tokens.subarray(token), ...piece.tokens.subarray(0, token)]);
  piece.known = [...piece.known.slice(by), ...piece.known.slice(0, by)];
}

/** A part of given audio that is made anew: samples, and the frames that hold them, which begin and end with tokens. */
interface Region {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The given audio with its regions made anew; tokens of a hole follow from what stands before it. Only what the networks see of the
 * surroundings is read: one window on each side.
 */
async function inpaint(job: Job, style: SteeredStyle, given: AudioInput): Promise<Float32Array[]> {
  const { config } = job.engine.model;
  const { sample_rate, hop_length, token_rate, window_seconds, frame_rate } = config;
  const perToken = config.dual_path.frames_per_token;
  const out = convertAudio(given, sample_rate, audioOf(config).channels);
  const listened = monoAt(given, LISTENING_RATE);
  const length = lengthOf(out);
  const { latentsOfAudio, tokensOfAudio, sayOfGiven } = await import('./stages/given.ts');
  sayOfGiven('initAudio', given, job.progress);
  const whole = new Piece(config);
  whole.extendTo(Math.ceil(length / hop_length));
  const regions = (job.recipe.inpaint ?? [])
    .map(({ start, end }) => ({
      start: Math.round(start * sample_rate),
      end: Math.min(length, Math.round(end * sample_rate)),
      from: Math.floor(start * token_rate + 1e-6) * perToken,
      to: Math.min(whole.end, Math.ceil(end * token_rate - 1e-6) * perToken),
    }))
    .sort((a, b) => a.from - b.from);
  for (const near of together(regions, 2 * window_seconds * frame_rate)) {
    const chunk = whole.chunkFrames;
    const margin = window_seconds * frame_rate;
    const last = Math.max(...near.map(({ to }) => to));
    const piece = new Piece(config);
    piece.origin = Math.max(0, Math.floor(((near[0] as Region).from - margin) / chunk) * chunk);
    piece.extendTo(Math.min(whole.end, last + margin));
    const part = (audio: Float32Array, rate: number) => {
      const frame = rate / frame_rate; // samples
      const samples = new Float32Array(piece.known.length * frame); // zeros after the end
      samples.set(audio.subarray(piece.origin * frame, piece.end * frame));
      return samples;
    };
    const sound = out.map((channel) => part(channel, sample_rate));
    piece.latents = await latentsOfAudio(job.engine, sound, job.signal);
    const tokens = await tokensOfAudio(job.engine, part(listened, LISTENING_RATE), job.signal);
    piece.known.fill(true);
    for (const { from, to } of near) {
      const [first, behind] = [from - piece.origin, to - piece.origin];
      piece.known.fill(false, first, behind);
      piece.tokens = tokens.slice(0, first / perToken);
      await style.plan(piece, to);
      tokens.set(piece.tokens.subarray(first / perToken), first / perToken);
    }
    piece.tokens = tokens;
    await job.fill(piece);
    for (const region of near) {
      const startSample = region.from * hop_length;
      const [from, to] = [region.from - piece.origin, region.to - piece.origin];
      const phase = await phaseWithin(job, piece, region, monoMix(sound), hop_length);
      const made = await besides(job, await decodeAll(job, piece.latents, from, to, { startSample, phase }), out, region, regions);
      const join = Math.round(JOIN_SECONDS * sample_rate);
      for (const [c, channel] of out.entries()) paste(channel, made[c] as Float32Array, region, startSample, join);
    }
  }
  return out;
}

/** The phase of a region: its tones run on from the given audio before it, and into the given audio after it. */
async function phaseWithin(job: Job, piece: Piece, { start, from, end }: Region, audio: Float32Array, hop: number) {
  const { config } = job.engine.model;
  const { seed, tuning } = job.recipe;
  const origin = piece.origin;
  const until = start - origin * hop;
  const phase = RunningPhase.of(config, { seed, tuning, from: from - origin, given: { audio, until } });
  const behind = Math.ceil(end / hop) - origin + 3; // whole frames of given audio, with the margin that the phase is handed on before
  if (behind <= piece.known.length) await phase?.close(() => walk(job, piece.latents, from - origin, behind, { phase }), behind, audio);
  return phase;
}

/** Regions in their order, in groups that are further apart than `apart` frames. */
function together(regions: readonly Region[], apart: number): Region[][] {
  const groups: Region[][] = [];
  let end = 0;
  for (const region of regions) {
    const last = groups.at(-1);
    if (last && region.from - end <= apart) last.push(region);
    else groups.push([region]);
    end = Math.max(end, region.to);
  }
  return groups;
}

/** Copy the region from made audio, which starts at sample `at` of the whole; faded over `join` samples within it, but not at the ends of the whole. */
function paste(out: Float32Array, part: Float32Array, { start, end }: Region, at: number, join: number): void {
  for (const [i, made] of part.subarray(start - at, end - at).entries()) {
    const inside = Math.min(start === 0 ? 1 : (i + 1) / join, end === out.length ? 1 : (end - start - i) / join, 1);
    out[start + i] = inside * made + (1 - inside) * (out[start + i] ?? 0);
  }
}

/** Made audio whose first samples fade in from the value that the given audio ends with, channel by channel, so that the join has no step. */
function joinTo(given: readonly Float32Array[], made: Float32Array[], sampleRate: number): Float32Array[] {
  for (const [c, audio] of made.entries()) {
    const step = (given[c]?.at(-1) ?? 0) - (audio[0] ?? 0);
    const join = Math.min(audio.length, Math.round(JOIN_SECONDS * sampleRate));
    for (const [i, value] of audio.subarray(0, join).entries()) audio[i] = value + step * (1 - i / join) * (1 - i / join);
  }
  return made;
}
