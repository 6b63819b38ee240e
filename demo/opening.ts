// How the page opens: the pieces first, which sound before the rest of it is here; then what makes music, and what it is shaped with.
import type { Snapshot } from '../src/web/index.ts';
import { wait } from './dom.ts';
import { fetchPiece, offerPieces, type ReadyPiece, readPiece } from './pieces.ts';

/** What follows the first buttons leaves a press so long to come before it. */
const FIRST_MS = 150;
/** A piece that was begun sounds within this, on a slow machine too; looked at again and again. */
const SOUND_MS = 2000;
/** While a piece sounds, what is asked for next waits: begun at once, the picture's and the music's threads take frames from the page, and each from the other. */
const PICTURE_MS = 400;
const MODEL_MS = 1200;
const PARTS_MS = 500;
const STEP_MS = 50;

/** What the page opens, in this order. */
export interface Opening {
  readonly hear: (piece: ReadyPiece) => void;
  /** What was pressed until now has sounded, or come to its end. */
  readonly pressed: () => Promise<void> | undefined;
  readonly state: () => Snapshot['state'];
  readonly picture: () => void;
  readonly model: () => Promise<void>;
  /** Files of the page that no sound waits for: one after another, with frames between, or together they would hold one up for a tenth of a second. */
  readonly parts: readonly (() => Promise<unknown>)[];
  /** Some could not be fetched. */
  readonly missing: (error: unknown) => void;
}

export async function open({ hear, pressed, state, picture, model, parts, missing }: Opening): Promise<void> {
  const pieces = await offerPieces(hear).catch(() => []);
  if (pieces[0]) void readPiece(pieces[0]).catch(() => {}); // the next press tries again
  await wait(FIRST_MS);
  await pressed();
  for (let waited = 0; state() === 'buffering' && waited < SOUND_MS; waited += STEP_MS) await wait(STEP_MS);
  const settle = async (ms: number) => state() === 'playing' && wait(ms);
  await settle(PICTURE_MS);
  picture();
  await settle(MODEL_MS);
  const opened = model();
  await settle(PARTS_MS);
  await inTurn(parts).catch(missing);
  await opened;
  const { saveData } = (navigator as { connection?: { saveData?: boolean } }).connection ?? {};
  if (!saveData) for (const piece of pieces) void fetchPiece(piece).catch(() => {});
  await navigator.serviceWorker?.register('sw.js').catch(() => undefined); // without it the page itself needs the network
}

async function inTurn(parts: Opening['parts']): Promise<void> {
  for (const part of parts) {
    await wait(STEP_MS);
    await part();
  }
}
