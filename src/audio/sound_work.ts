// Work on whole clips that takes long: a thread of its own does it where the platform has one (Platform.aside).
import { levelled } from './leveller.ts';
import { measureClip } from './measure.ts';

export { levelled, matched } from './leveller.ts';
export { measureClip } from './measure.ts';

const REHEARSED_SECONDS = 1.1; // the longest window of a measure is a second

/** What is done with a clip, once: so the code and the tables are there when one comes. */
export function rehearse(sampleRate: number, channels: number): void {
  let state = 1;
  const noise = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state * 2 ** -34;
  };
  const clip = Array.from({ length: channels }, () => new Float32Array(Math.ceil(REHEARSED_SECONDS * sampleRate)).map(noise));
  measureClip(levelled(clip, sampleRate, {}).audio, sampleRate, { periods: [Math.ceil(sampleRate / 100)] });
}
