// Makes files other than WAV in a thread of their own, one each. The encoders start threads from `blob:` addresses, which the page's own
// Content-Security-Policy forbids; this file is under none.
import { recipeTags, writeAudio } from '../src/web/mediabunny.ts';
import type { SaveAnswer, SaveRequest } from './save.ts';

const scope = globalThis as unknown as { onmessage: unknown; postMessage(answer: SaveAnswer, transfer?: Transferable[]): void };

scope.onmessage = async ({ data: { format, channels, sampleRate, ...note } }: MessageEvent<SaveRequest>) => {
  try {
    const bytes = await writeAudio({ channels, sampleRate, tags: recipeTags({ ...note, software: 'melody' }) }, format);
    scope.postMessage({ bytes }, [bytes.buffer]);
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    scope.postMessage({ fault: { message, hint } });
  }
};
