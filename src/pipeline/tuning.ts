// Which A4 a piece is tuned to, where its decoder sounds pitches: the one asked for, or that of the given audio.
import { monoMix } from '../audio/channels.ts';
import { tones } from '../audio/measures/tones.ts';
import { exp2, log2 } from '../elementary.ts';
import type { ModelConfig } from './model.ts';
import type { AudioInput, GenerateOptions } from './options.ts';

/** Length of the part of given audio that is measured, seconds. */
const EXCERPT = 20;
/** Share of tones within 15 cents of a semitone from which on the audio has a tuning at all. In music it is 0.77, by chance 0.44. */
const SURE = 0.65;
/** Nearer than this to the model's own tuning is that tuning, cents. */
const SAME = 6;

/**
 * A4 in Hz of the audio that the piece goes on from or fits into, or else takes its style from; undefined where it is the model's own, where
 * none can be heard, and where the decoder knows no pitch. Audio a quarter tone or more off is taken for the nearer side.
 */
export function tuningOfGiven(options: GenerateOptions, { vae_decoder }: ModelConfig): number | undefined {
  const { initAudio, continueFrom, promptAudio } = options;
  const given = initAudio ?? continueFrom ?? promptAudio;
  if (vae_decoder.kind !== 'istft_running' || !given) return undefined;
  const { reference, inTune = 0 } = tones(excerpt(given, given === continueFrom), given.sampleRate);
  if (reference === undefined || inTune < SURE) return undefined;
  const semitones = 12 * log2(reference / vae_decoder.reference_pitch);
  const off = semitones - Math.round(semitones);
  return Math.abs(off) * 100 < SAME ? undefined : Math.round(vae_decoder.reference_pitch * exp2(off / 12) * 100) / 100;
}

/** Its start, or where it is gone on from its end. */
function excerpt({ channels, sampleRate }: AudioInput, end: boolean): Float32Array {
  const samples = Math.round(EXCERPT * sampleRate);
  return monoMix(channels.map((c) => (end ? c.slice(-samples) : c.slice(0, samples))));
}
