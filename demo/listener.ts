// What the listener's device does beside the page: title and buttons on its lock screen, a screen that stays on while it plays.
import type { Snapshot } from '../src/web/index.ts';

/** The browser reads the picture for the lock screen, which nobody sees in the first moment of a sound. */
const NAMING_MS = 700;

interface Buttons {
  play: () => void;
  pause: () => void;
  stop: () => void;
}

export class Listener {
  readonly #session = navigator.mediaSession as MediaSession | undefined;
  #lock: Promise<WakeLockSentinel | undefined> | undefined;
  #title = '';
  #sounds = false;
  #naming: ReturnType<typeof setTimeout> | undefined;

  constructor({ play, pause, stop }: Buttons) {
    const audio = (navigator as { audioSession?: { type: string } }).audioSession;
    if (audio) audio.type = 'playback'; // on iOS: heard with the ringer off, as music is
    for (const [action, work] of Object.entries({ play, pause, stop })) this.#session?.setActionHandler(action as MediaSessionAction, work);
    document.addEventListener('visibilitychange', () => this.#hold()); // browsers let go of a hidden page
  }

  show({ state, model, playedSeconds, recipe }: Snapshot, title = ''): void {
    const sounds = state === 'playing' || state === 'buffering';
    if (sounds !== this.#sounds) {
      this.#sounds = sounds;
      this.#hold();
    }
    if (!this.#session) return;
    this.#session.playbackState = sounds ? 'playing' : state === 'paused' ? 'paused' : 'none';
    if (title !== this.#title) {
      this.#title = title;
      clearTimeout(this.#naming);
      const artwork = [{ src: 'icon-512.png', sizes: '512x512', type: 'image/png' }];
      const name = () => {
        (this.#session as MediaSession).metadata = title
          ? new MediaMetadata({ title, artist: 'melody', album: model?.name ?? '', artwork })
          : null;
      };
      this.#naming = setTimeout(name, NAMING_MS);
    }
    const duration = recipe?.durationSeconds;
    if (duration && playedSeconds <= duration) this.#session.setPositionState({ duration, position: playedSeconds });
  }

  #hold(): void {
    if (this.#sounds && document.visibilityState === 'visible') {
      this.#lock ??= navigator.wakeLock?.request('screen').catch(() => undefined); // a battery that is low refuses
      void this.#lock?.then((lock) => lock?.addEventListener('release', () => (this.#lock = undefined), { once: true }));
    } else {
      void this.#lock?.then((lock) => lock?.release());
      this.#lock = undefined;
    }
  }
}
