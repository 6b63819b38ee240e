// Places that bytes of weights are read into, used again and again: else a model would leave as many bytes to the garbage as it has weights.

const MOST = 4; // two pieces of a tensor, two blocks of a file
/** Once none has been used for so long, what was asked for is loaded. */
const IDLE_MS = 1000;

const kept: Uint8Array[] = [];
let idle: ReturnType<typeof setTimeout> | undefined;

/** Room for so many bytes or more, whatever is in it. */
export function takePlace(bytes: number): Uint8Array {
  const found = kept.findIndex((place) => place.length >= bytes);
  return (found >= 0 && kept.splice(found, 1)[0]) || new Uint8Array(bytes);
}

/** For who takes one next: nobody reads or writes it any more. The largest stay, for a second. Node need not wait for that. */
export function givePlace(place: Uint8Array): void {
  kept.push(place);
  kept.sort((a, b) => b.length - a.length);
  kept.length = Math.min(kept.length, MOST);
  clearTimeout(idle);
  idle = setTimeout(() => {
    kept.length = 0;
  }, IDLE_MS);
  (idle as { unref?: () => void }).unref?.();
}
