'use client';
// Rendered on the server too, where the import registers nothing and starts nothing; the browser makes the element of it.
import 'melody/player';

/** `public/weights/melody-small/` of this project holds the model. */
export const Player = () => <melody-player controls prompt="calm piano, 80 bpm" src="/weights/melody-small/" />;
