// <melody-player> in JSX of Solid, which listens by `on:beat={…}`. In a program: import type {} from 'melody/jsx/solid';
import type { JSX as Solid } from 'solid-js';
import type { MelodyPlayerAttributes, MelodyPlayerElement, MelodyPlayerEvents } from '../player.js';

declare module 'solid-js' {
  namespace JSX {
    interface IntrinsicElements {
      'melody-player': MelodyPlayerAttributes & {
        [Type in keyof MelodyPlayerEvents as `on:${Type}`]?: (event: MelodyPlayerEvents[Type]) => void;
      } & Omit<Solid.HTMLAttributes<MelodyPlayerElement>, keyof MelodyPlayerAttributes | `on:${keyof MelodyPlayerEvents}`>;
    }
  }
}
