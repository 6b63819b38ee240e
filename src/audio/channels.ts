// Audio as channels: one Float32Array each, all of one length.
import { resample } from './resample.ts';

/** More channels than these are neither read nor made. */
export const MAX_CHANNELS = 8;
/** Samples beyond this are counts of integers, not a signal with headroom. */
export const MAX_LEVEL = 64;

interface Sound {
  readonly channels: readonly Float32Array[];
  readonly sampleRate: number; // Hz
}

/**
 * The same sound at another rate and with another number of channels, always in arrays of its own. Equal numbers of channels stay as they
 * are; a mono sound goes to every channel; else every channel is the mean of those that are given.
 */
export function convertAudio({ channels, sampleRate }: Sound, rate: number, count: number): Float32Array[] {
  const sources = channels.length === count ? channels : [monoMix(channels)];
  const converted = sources.map((source) => resample(source, sampleRate, rate));
  return Array.from({ length: count }, (_, c) => {
    const samples = converted[c % converted.length];
    return c >= converted.length || sources.includes(samples) ? samples.slice() : samples;
  });
}

/** Samples of each channel. */
export const lengthOf = ([first]: readonly Float32Array[]): number => first?.length ?? 0;

/** A sound as one channel at another rate, [samples], in an array of its own. */
export function monoAt({ channels, sampleRate }: Sound, rate: number): Float32Array {
  const mono = resample(monoMix(channels), sampleRate, rate);
  return channels.includes(mono) ? mono.slice() : mono;
}

/** Mean of the channels, [frames]. A mono clip is returned as it is. */
export function monoMix(channels: readonly Float32Array[]): Float32Array {
  if (channels.length === 1) return channels[0];
  const out = new Float32Array(lengthOf(channels));
  for (const x of channels) for (let n = 0; n < out.length; n++) out[n] += x[n] / channels.length;
  return out;
}

/** Parts of the same sound one after another, channel by channel. */
export function joinAudio(...parts: readonly (readonly Float32Array[])[]): Float32Array[] {
  return parts[0].map((_, c) => {
    const whole = new Float32Array(parts.reduce((length, part) => length + part[c].length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part[c], at);
      at += part[c].length;
    }
    return whole;
  });
}

/** Samples from…to−1 of every channel, where they lie. */
export const viewAudio = (channels: readonly Float32Array[], from: number, to?: number): Float32Array[] =>
  channels.map((channel) => channel.subarray(from, to));

/** Samples from…to−1 of every channel, copied. */
export const cutAudio = (channels: readonly Float32Array[], from: number, to?: number): Float32Array[] =>
  channels.map((channel) => channel.slice(from, to));

/** Fades a part of a sound in place: samples from `start` on of one whose last `fade` of `total` samples fall to 0, as t²(3 − 2t). */
export function fadeOut(part: readonly Float32Array[], start: number, total: number, fade: number): void {
  for (const channel of part)
    for (let i = Math.max(0, total - fade - start); i < channel.length; i++) {
      const t = (total - 1 - start - i) / fade;
      channel[i] *= t * t * (3 - 2 * t);
    }
}
