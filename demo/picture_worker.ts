// Draws the picture of the sound away from the page's thread.
import { Drawing } from './drawing.ts';
import type { PictureAnswer, PictureRequest } from './picture.ts';

const scope = globalThis as unknown as {
  onmessage: (event: MessageEvent<PictureRequest>) => void;
  postMessage(answer: PictureAnswer, transfer: Transferable[]): void;
};
let drawing: Drawing | undefined;

scope.onmessage = ({ data }) => {
  if (data.type === 'canvas') drawing = new Drawing(data.canvas);
  else if (data.type === 'clear') drawing?.clear();
  else {
    drawing?.draw(data.frame);
    const { samples, levels } = data.frame;
    scope.postMessage({ samples, levels }, [samples.buffer, levels.buffer]);
  }
};
