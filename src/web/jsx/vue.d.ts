// <melody-player> in templates and JSX of Vue. In a program: import type {} from 'melody/jsx/vue';
import type { HTMLAttributes, PublicProps } from 'vue';
import type { MelodyPlayerAttributes, MelodyPlayerElement, MelodyPlayerEvents } from '../player.js';

/** `@beat` of a template, `onBeat` of JSX. */
type Listeners = { [Type in keyof MelodyPlayerEvents as `on${Capitalize<Type>}`]?: (event: MelodyPlayerEvents[Type]) => void };
type Props = MelodyPlayerAttributes & Listeners & Omit<HTMLAttributes, keyof MelodyPlayerAttributes | keyof Listeners> & PublicProps;

declare module 'vue' {
  interface GlobalComponents {
    'melody-player': new () => MelodyPlayerElement & { $props: Props };
  }
}
declare module 'vue/jsx-runtime' {
  namespace JSX {
    interface IntrinsicElements {
      'melody-player': Props;
    }
  }
}
