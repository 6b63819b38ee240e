// Run by Node and, bundled, by other engines: exact music, as the SHA-256 of its samples and of all that they were made from.
import { type GenerateOptions, type LoadOptions, Melody } from '../../src/index.ts';

/** Long enough for two windows and a change of style; with every stage, the limiter among them. */
const PIECE = {
  prompt: 'calm piano in A minor, 80 bpm',
  seed: 7,
  durationSeconds: 5.3,
  firstWindowSeconds: 2,
  steps: 2,
  loudness: -9,
  steered: [{ atSeconds: 3, prompt: 'fast techno' }],
  exact: true,
} as const;

/** `threads`: 0 is the one that calls. */
export async function exactClip(
  location: string,
  threads: number,
  { options = PIECE, ...load }: LoadOptions & { options?: GenerateOptions } = {},
) {
  const melody = await Melody.load(location, { device: 'cpu', threads, ...load });
  try {
    const { channels, recipe } = await melody.generate(options);
    const digest = await crypto.subtle.digest('SHA-256', channels[0] as Float32Array<ArrayBuffer>);
    return { hash: Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join(''), recipe };
  } finally {
    melody.dispose();
  }
}
