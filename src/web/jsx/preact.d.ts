// <melody-player> in JSX of Preact. In a program: import type {} from 'melody/jsx/preact';
import type { HTMLAttributes } from 'preact';
import type { MelodyPlayerAttributes, MelodyPlayerElement, MelodyPlayerListeners } from '../player.js';

declare module 'preact' {
  namespace JSX {
    interface IntrinsicElements {
      'melody-player': MelodyPlayerAttributes &
        MelodyPlayerListeners &
        Omit<HTMLAttributes<MelodyPlayerElement>, keyof MelodyPlayerAttributes | keyof MelodyPlayerListeners>;
    }
  }
}
