// Events and attributes of `<melody-player>`, for programs and for markup that is checked (src/web/jsx).
import type { HeardBeat } from './pulse.ts';
import type { Snapshot } from './snapshot.ts';

/** Events of `<melody-player>` by their names. All but `error` bubble. */
export interface MelodyPlayerEvents {
  /** It was started, and nothing may be heard yet. */
  readonly play: Event;
  /** It sounds. */
  readonly playing: Event;
  /** The next chunk is not made yet. */
  readonly waiting: Event;
  /** It was paused, or ended before all of it was made. */
  readonly pause: Event;
  /** The piece is over. */
  readonly ended: Event;
  /** `volume` or `muted` changed. */
  readonly volumechange: Event;
  /** A fault, which `session.snapshot.error` says. */
  readonly error: Event;
  /** A beat, as it is heard. */
  readonly beat: CustomEvent<HeardBeat>;
  /** A downbeat, as it is heard. */
  readonly bar: CustomEvent<HeardBeat>;
  /** Whatever a page shows of the session changed. */
  readonly melodychange: CustomEvent<Snapshot>;
}

/** Attributes of `<melody-player>`, as markup and JSX write them. */
export interface MelodyPlayerAttributes {
  /** The music in words; a change is heard as soon as the machine can make it. */
  prompt?: string | undefined;
  /** A model folder. */
  src?: string | undefined;
  /** The same seed, words and model make the same music. Default: drawn. */
  seed?: number | string | undefined;
  /** Seconds. Default: endless. */
  duration?: number | string | undefined;
  /** What is loaded before the first press. Default `none`. */
  preload?: 'none' | 'metadata' | 'auto' | undefined;
  /** Is the player seen? Default false. */
  controls?: boolean | undefined;
  /** Does it start by itself? Default false. */
  autoplay?: boolean | undefined;
  /** Does a finished piece begin again? Default false. */
  loop?: boolean | undefined;
  /** Default false. */
  muted?: boolean | undefined;
  /** Is what is made kept, for seeking? Default: with `loop` alone. */
  keep?: boolean | undefined;
  /** Does it play along with other players of the page? Default false. */
  mix?: boolean | undefined;
}

/** Listeners as JSX writes them for elements like this: `onbeat={…}`. */
export type MelodyPlayerListeners = {
  [Type in keyof MelodyPlayerEvents as `on${Type}`]?: ((event: MelodyPlayerEvents[Type]) => void) | undefined;
};
