// How a session plays, and who watches it.
import type { MelodyEvent } from '../pipeline/options.ts';
import type { MelodyWorker } from './client.ts';
import type { HeardBeat } from './pulse.ts';
import type { Snapshot } from './snapshot.ts';

/** How a session plays, and who watches it. */
export interface SessionOptions {
  /** Seconds of music that must be there before the sound starts. Default 0.5. */
  startSeconds?: number;
  /** Seconds of music that are made ahead of what is heard. Default 8. */
  aheadSeconds?: number;
  /** Called with every new snapshot. */
  onChange?: (snapshot: Snapshot) => void;
  /** Called with the next samples of every channel, as many of each. After a change of style they may begin before the last ones end, and take their place. */
  onChunk?: (channels: readonly Float32Array[], sampleRate: number, startSample: number) => void;
  /** Called with the events of the engine. */
  onEvent?: (event: MelodyEvent) => void;
  /** Called with every beat of the music as it is heard, where the model plans one; late by a tenth of a second at most, also in a hidden page. */
  onBeat?: (beat: HeardBeat) => void;
  /** The worker to use. Default: a new one, from the script beside this one. `dispose` ends it in either case, unless `shared`. */
  worker?: MelodyWorker;
  /** Others use the worker too: `dispose` leaves it. Default false. */
  shared?: boolean;
  /** The page's own AudioContext, of any rate; the sound is resampled to it. It is neither suspended nor closed, and started by `play`, `playClip` and `resume` alone: while the page suspends it, the music waits. Default: one of the model's rate. */
  context?: AudioContext;
  /** A node of `context` that the sound goes to. Default: the context's destination. */
  destination?: AudioNode;
  /** Keep what is made, ten minutes at most, for `audio`, `seek` and `loop`. Default false. */
  record?: boolean;
}
