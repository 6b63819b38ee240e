// <melody-player> in JSX of React. In a program: import type {} from 'melody/jsx/react';
import type { DetailedHTMLProps, HTMLAttributes } from 'react';
import type { MelodyPlayerAttributes, MelodyPlayerElement, MelodyPlayerListeners } from '../player.js';

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      'melody-player': MelodyPlayerAttributes &
        MelodyPlayerListeners &
        Omit<DetailedHTMLProps<HTMLAttributes<MelodyPlayerElement>, MelodyPlayerElement>, keyof MelodyPlayerAttributes>;
    }
  }
}
