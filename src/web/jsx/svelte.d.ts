// <melody-player> in Svelte. In a program: import type {} from 'melody/jsx/svelte';
import type { HTMLAttributes } from 'svelte/elements';
import type { MelodyPlayerAttributes, MelodyPlayerElement, MelodyPlayerListeners } from '../player.js';

declare module 'svelte/elements' {
  interface SvelteHTMLElements {
    'melody-player': MelodyPlayerAttributes &
      MelodyPlayerListeners &
      Omit<HTMLAttributes<MelodyPlayerElement>, keyof MelodyPlayerAttributes | keyof MelodyPlayerListeners>;
  }
}
