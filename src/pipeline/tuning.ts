// Which A4 given audio is tuned to. Pages fetch this file when sound is first given.
import { monoMix } from '../audio/channels.ts';
import { tones } from '../audio/measures/tones.ts';
import { exp2, log2 } from '../elementary.ts';
import type { AudioInput } from './options.ts';

/** Length of the part of given audio that is measured, seconds. */
const EXCERPT = 20;
/** Share of tones within 15 cents of a semitone from which on the audio has a tuning at all. In music it is 0.77, by chance 0.44. */
const SURE = 0.65;
/** Nearer than this to the model's own tuning is that tuning, cents. */
const SAME = 6;

/**
 * A4 of the audio's start, or of its end, in Hz; undefined where it is the model's own (`ownPitch`, Hz) and where none can be heard. Audio a
 * quarter tone or more off is taken for the nearer side.
 */
export function tuningOf(given: AudioInput, end: boolean, ownPitch: number): number | undefined {
  const { reference, inTune = 0 } = tones(excerpt(given, end), given.sampleRate);
  if (reference === undefined || inTune < SURE) return undefined;
  const semitones = 12 * log2(reference / ownPitch);
  const off = semitones - Math.round(semitones);
  return Math.abs(off) * 100 < SAME ? undefined : Math.round(ownPitch * exp2(off / 12) * 100) / 100;
}

/** Its start, or where it is gone on from its end. */
function excerpt({ channels, sampleRate }: AudioInput, end: boolean): Float32Array {
  const samples = Math.round(EXCERPT * sampleRate);
  return monoMix(channels.map((c) => (end ? c.slice(-samples) : c.slice(0, samples))));
}
