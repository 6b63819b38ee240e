// How loud what is made comes out: at the recipe's loudness, or beside given audio as loud as that.
import { aside } from '../audio/aside.ts';
import { convertAudio, cutAudio, joinAudio, lengthOf, viewAudio } from '../audio/channels.ts';
import { Leveller, levelled, loudnessOf, matched } from '../audio/leveller.ts';
import { limiterReach } from '../audio/limiter.ts';
import type { Job } from './job.ts';
import { audioOf, type ModelConfig } from './model.ts';
import type { AudioInput, Recipe } from './options.ts';

/** Samples after the end of a clip that the running gain of an endless stream has seen. */
export const levellingReach = (sampleRate: number): number => limiterReach(sampleRate) + Math.ceil(0.2 * sampleRate);

/** The last window of given audio, as the model makes it: so much of it counts as the neighbourhood of what is made. */
function tailOf(given: AudioInput, config: ModelConfig): Float32Array[] {
  const audio = convertAudio(given, config.sample_rate, audioOf(config).channels);
  return cutAudio(audio, Math.max(0, lengthOf(audio) - config.window_seconds * config.sample_rate));
}

/** Samples over which a piece of so many fades out at its end. */
export const fadeOf = ({ fadeOutSeconds = 0 }: Recipe, samples: number, { sample_rate }: ModelConfig): number =>
  Math.min(samples, Math.round(fadeOutSeconds * sample_rate));

/** What a stream's chunks go through; undefined where they stay as they are made. */
export function runningLevel({ loudness }: Recipe, config: ModelConfig, given: AudioInput | undefined): Leveller | undefined {
  if (loudness === null) return undefined;
  const beside = given ? loudnessOf(tailOf(given, config), config.sample_rate) : loudness;
  return new Leveller(config.sample_rate, Number.isFinite(beside) ? beside : loudness, audioOf(config).channels);
}

/** What a leveller makes of samples, a second at a time: the event loop turns in between. */
export async function inTurns(leveller: Leveller, samples: Float32Array[], last: boolean, sampleRate: number): Promise<Float32Array[]> {
  const made: Float32Array[][] = [];
  const length = lengthOf(samples);
  for (let from = 0; ; from += sampleRate) {
    const end = from + sampleRate >= length;
    made.push(leveller.push(viewAudio(samples, from, from + sampleRate), last && end));
    if (end) return joinAudio(...made);
    await new Promise((go) => setTimeout(go));
  }
}

/** The first `samples` of what a job made, levelled. */
export async function finished(job: Job, audio: Float32Array[], samples: number, given: AudioInput | undefined): Promise<Float32Array[]> {
  const { recipe } = job;
  const { config } = job.engine.model;
  if (recipe.loudness === null) return cutAudio(audio, 0, samples);
  const running = recipe.runningLevel ? runningLevel(recipe, config, given) : undefined;
  if (running) return cutAudio(await inTurns(running, audio, true, config.sample_rate), 0, samples);
  const cut = viewAudio(audio, 0, samples);
  if (given) return aside(job.signal, 'matched', matched, cut, tailOf(given, config), config.sample_rate);
  const how = { target: recipe.loudness, circular: recipe.loop };
  const done = await aside(job.signal, 'levelled', levelled, cut, config.sample_rate, how, job.measure);
  job.tooQuiet = done.short;
  job.report = done.report;
  return done.audio;
}

/** A part of the given audio that is made anew, as loud as what stays around it: `regions` are samples of all that is made anew. */
export async function besides(
  job: Job,
  made: Float32Array[],
  given: readonly Float32Array[],
  { start, end }: { start: number; end: number },
  regions: readonly { start: number; end: number }[],
): Promise<Float32Array[]> {
  const { sample_rate, window_seconds } = job.engine.model.config;
  const { loudness } = job.recipe;
  if (loudness === null) return made;
  const reach = window_seconds * sample_rate;
  const stays = (i: number) => i >= start - reach && i < end + reach && !regions.some((region) => i >= region.start && i < region.end);
  const around = given.map((channel) => channel.filter((_, i) => stays(i)));
  if (lengthOf(around) > 0) return aside(job.signal, 'matched', matched, made, around, sample_rate);
  return (await aside(job.signal, 'levelled', levelled, made, sample_rate, { target: loudness })).audio;
}
