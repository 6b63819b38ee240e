// A person's own sound around what was made: at its own rate, with its own channels, untouched outside the part that is new.
import { MelodyError } from '../errors.ts';
import { convertAudio, cutAudio, joinAudio, lengthOf, MAX_LEVEL } from './channels.ts';

interface Sound {
  readonly channels: readonly Float32Array[];
  readonly sampleRate: number; // Hz
}

/** Nothing that reaches this can be heard: −80 dBFS. */
const SILENT = 1e-4;

/** Is there nothing to hear in a given sound? Throws `invalid_argument` where its full scale is not 1. */
function isSilent(name: string, { channels }: Pick<Sound, 'channels'>): boolean {
  let peak = 0;
  for (const channel of channels) for (const x of channel) peak = Math.max(peak, Math.abs(x));
  if (peak <= MAX_LEVEL) return peak < SILENT;
  throw new MelodyError(
    'invalid_argument',
    `${name}: its samples reach ${peak.toPrecision(4)}; expected full scale to be 1`,
    'divide the samples by their full scale, for example by 32768 where they were 16-bit integers',
  );
}

/**
 * Says of given sound, before it is worked on, what a person would want to know: that it is silent, or has not the form of what is made of it, where
 * that is given. Throws `invalid_argument` where its full scale is not 1.
 */
export function sayOfGiven(
  name: string,
  given: Sound,
  progress: { warn(code: 'silent_audio' | 'converted_audio', message: string): void },
  made?: { readonly sampleRate: number; readonly channels: number },
): void {
  if (isSilent(name, given)) progress.warn('silent_audio', `${name} is silent: nothing in it reaches -80 dBFS`);
  const form = (sampleRate: number, channels: number) => `${sampleRate} Hz and ${channels === 1 ? 'one channel' : `${channels} channels`}`;
  const [own, theirs] = [form(given.sampleRate, given.channels.length), made && form(made.sampleRate, made.channels)];
  if (theirs !== undefined && own !== theirs)
    progress.warn('converted_audio', `${name} has ${own}, what is made has ${theirs}: convert one of them to join the two`);
}

/** Seconds over which the new part comes in and goes out: it may lack high tones that the given sound has. */
const JOIN_SECONDS = 0.02;
/** Whole seconds of surroundings that are converted with the new part, so that it has no edge: whole ones are whole samples at any rate. */
const MARGIN_SECONDS = 1;

/**
 * The given sound with the regions (seconds) of `made`, which is as long, in place of its own. Returns one array a channel of the given sound,
 * at its rate; samples outside the regions are its own.
 */
export function intoGiven(given: Sound, made: Sound, regions: readonly { readonly start: number; readonly end: number }[]): Float32Array[] {
  const { sampleRate: rate } = given;
  const out = given.channels.map((channel) => channel.slice());
  const length = lengthOf(out);
  const join = alike(given, made) ? 0 : Math.round(JOIN_SECONDS * rate); // what is alike the model has joined
  for (const region of regions) {
    const first = Math.max(0, Math.floor(region.start) - MARGIN_SECONDS); // whole seconds
    const last = Math.ceil(region.end) + MARGIN_SECONDS;
    const near = { channels: cutAudio(made.channels, first * made.sampleRate, last * made.sampleRate), sampleRate: made.sampleRate };
    const part = convertAudio(near, rate, out.length);
    const [start, end] = [Math.round(region.start * rate), Math.min(length, Math.round(region.end * rate))];
    for (const [c, channel] of out.entries()) {
      for (let i = start; i < end; i++) {
        const inside = join === 0 ? 1 : Math.min(start === 0 ? 1 : (i - start + 1) / join, end === length ? 1 : (end - i) / join, 1);
        channel[i] = inside * (part[c][i - first * rate] ?? 0) + (1 - inside) * channel[i];
      }
    }
  }
  return out;
}

const alike = (given: Sound, made: Sound) => made.sampleRate === given.sampleRate && made.channels.length === given.channels.length;

/** Samples, and after them the last `count` of them once more, turned over at their end: conversion finds no edge there. */
function turnedOver(samples: Float32Array, count: number): Float32Array {
  const { length } = samples;
  const last = samples[length - 1];
  const more = Float32Array.from({ length: Math.min(count, length - 1) }, (_, i) => 2 * last - samples[length - 2 - i]);
  return joinAudio([samples], [more])[0];
}

/** `made`, which goes on from the given sound, at that sound's rate and with its channels: `samples` of each, joined to its last ones. */
export function onFromGiven(given: Sound, made: Sound, samples: number): Float32Array[] {
  const { sampleRate: rate } = given;
  const { length } = given.channels[0];
  if (alike(given, made)) return cutAudio(made.channels, 0, samples);
  const first = Math.max(0, Math.floor(length / rate) - MARGIN_SECONDS); // whole seconds
  const tail = cutAudio(given.channels, first * rate);
  const frames = Math.ceil((lengthOf(tail) * made.sampleRate) / rate); // where the made part begins
  const onward = { channels: tail.map((channel) => turnedOver(channel, Math.round(JOIN_SECONDS * rate))), sampleRate: rate };
  const before = cutAudio(convertAudio(onward, made.sampleRate, made.channels.length), 0, frames);
  const near = convertAudio({ channels: joinAudio(before, made.channels), sampleRate: made.sampleRate }, rate, given.channels.length);
  const fresh = cutAudio(near, length - first * rate);
  const join = Math.min(lengthOf(fresh), Math.round(JOIN_SECONDS * rate));
  for (const [c, channel] of fresh.entries()) {
    const step = given.channels[c][length - 1] - near[c][length - 1 - first * rate];
    for (let i = 0; i < join; i++) channel[i] += step * (1 - i / join) * (1 - i / join); // no step where high tones end
  }
  // What conversion is short of at the end, a sample or two.
  return fresh.map((channel) => Float32Array.from({ length: samples }, (_, i) => channel[Math.min(i, channel.length - 1)]));
}
