// Buttons, keys, files that are dropped: which of them asks for what.
import { byId } from './dom.ts';

/** What can be asked of the page. */
export interface Presses {
  /** Pauses what plays, goes on with what is paused, else begins. */
  readonly resume: () => void;
  /** Begins what is asked for, whatever plays. */
  readonly start: () => void;
  /** What Play does: as `resume`, but a change that waits is begun. */
  readonly play: () => void;
  readonly end: () => void;
  /** A gain from 0 to 1. */
  readonly volume: (gain: number) => void;
  readonly save: () => void;
  readonly midi: () => void;
  readonly copy: () => void;
  readonly share: () => void;
  readonly vary: () => void;
  readonly openFile: (file: File | undefined) => void;
  /** The address changed. */
  readonly address: () => void;
  /** A piece is there, heard or held: space pauses it. */
  readonly on: () => boolean;
  /** Something would be lost with the page. */
  readonly unsaved: () => boolean;
  /** Another tab changed what is kept. */
  readonly stored: () => void;
}

const VOLUME = 0.8;

export function listenTo(presses: Presses): void {
  const play = byId<HTMLButtonElement>('play');
  play.onclick = presses.play;
  byId('stop').onclick = presses.end;
  byId('save').onclick = presses.save;
  byId('midi').onclick = presses.midi;
  byId('copy').onclick = presses.copy;
  byId('share').onclick = presses.share;
  byId('share').hidden = !navigator.share;
  byId('variations').onclick = presses.vary;
  const setVolume = (place: number) => presses.volume(place * place); // squared: as loudness is felt
  byId<HTMLInputElement>('volume').oninput = (event) => setVolume(Number((event.target as HTMLInputElement).value));
  setVolume(VOLUME);
  takeFiles(presses.openFile);
  takeKeys(presses, play);
  window.onhashchange = presses.address;
  window.onstorage = presses.stored;
  window.onbeforeunload = (event) => {
    if (presses.unsaved()) event.preventDefault();
  };
}

function takeFiles(open: Presses['openFile']): void {
  const file = byId<HTMLInputElement>('file');
  byId('open').onclick = () => file.click();
  file.onchange = () => {
    open(file.files?.[0]);
    file.value = ''; // the same one may be opened again
  };
  document.ondragover = (event) => event.preventDefault();
  document.ondrop = (event) => {
    event.preventDefault(); // or the browser goes to the file
    open(event.dataTransfer?.files[0]);
  };
}

function takeKeys({ resume, start, end, on }: Presses, play: HTMLButtonElement): void {
  byId('timeline').addEventListener('keydown', (event) => {
    if (event.key !== ' ' || event.repeat || !on()) return;
    event.preventDefault(); // or the page scrolls
    resume();
  });
  document.onkeydown = (event) => {
    if (event.isComposing || event.repeat) return; // Escape then ends a word, not the music
    if (event.key === 'Escape') end();
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !play.disabled) start();
  };
}
