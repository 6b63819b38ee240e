// What was played, kept in this browser: settings for good, sound for as long as the page is open.
import type { BeatMark, Recipe } from '../src/web/index.ts';

export interface Settings {
  readonly prompt: string;
  readonly blend?: Recipe['blend'] | undefined;
  readonly durationSeconds?: number | undefined;
  /** Of a finished clip: a stream begins with a shorter window, and makes another piece. */
  readonly firstWindowSeconds?: number;
  readonly seed: number;
  /** Its end leads into its start. */
  readonly loop?: boolean | undefined;
  /** The listener's sound, which no seed made. */
  readonly own?: boolean;
  /** In words: sound that it was made out of, which its settings do not hold. */
  readonly given?: string;
  /** What was changed while it played: without it the seed does not make the piece again. */
  readonly steered?: Recipe['steered'];
}

export interface Entry extends Settings {
  readonly id: string;
  readonly at: number; // ms since 1970
  readonly model: string;
}

export interface Sound {
  /** One array a channel. */
  readonly channels: readonly Float32Array[];
  readonly sampleRate: number;
  /** All that decides the bytes, as the engine says it; undefined of sound that was opened. */
  readonly recipe: Recipe | undefined;
  /** Tempo, metre and key along it, as far as they were planned. */
  readonly beats?: readonly BeatMark[];
  /** Seconds of the piece before it, which are not kept. */
  readonly startSeconds?: number;
}

/** The recipe and title for a file of this sound. One that lacks its beginning says so, and its recipe makes the whole piece, which ends as the file does. */
export function fileOf(
  { channels, sampleRate, recipe, startSeconds = 0 }: Sound,
  title: string,
): { recipe: Sound['recipe']; title: string } {
  if (startSeconds === 0 || !recipe) return { recipe, title };
  const durationSeconds = startSeconds + channels[0].length / sampleRate;
  const time = `${Math.floor(startSeconds / 60)}:${String(Math.floor(startSeconds % 60)).padStart(2, '0')}`;
  return { recipe: { ...recipe, durationSeconds, wholeWindows: true }, title: `${title} (from ${time} on)` };
}

const KEY = 'melody-history-1';
const MAX_ENTRIES = 40;
/** Twenty minutes of mono at 24 kHz, five of stereo at 48 kHz: many short clips or two long pieces. */
const MAX_BYTES = 115_200_000;
/** What no settings make again is kept longer: ten minutes of stereo at 48 kHz. */
const MAX_LASTING_BYTES = 230_400_000;

export class History {
  #entries: Entry[] = read();
  readonly #sounds = new Map<string, Sound>();
  readonly #gone = new Set<string>(); // removed on this page: another one may still have them
  #stored = idsOf(this.#entries); // as this page knows

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  add(settings: Settings, model: string): Entry {
    const entry: Entry = { ...settings, id: crypto.randomUUID(), at: Date.now(), model };
    this.#entries = [entry, ...this.#entries].slice(0, MAX_ENTRIES);
    this.#write();
    return entry;
  }

  sound(id: string): Sound | undefined {
    return this.#sounds.get(id);
  }

  /** Keeps the sound of an entry, and with its settings how it was steered. */
  keepSound(id: string, sound: Sound): void {
    const steered = sound.recipe?.steered;
    if (steered) this.#entries = this.#entries.map((entry) => (entry.id === id ? { ...entry, steered } : entry));
    if (steered) this.#write();
    this.#sounds.delete(id);
    this.#sounds.set(id, sound);
    const lasts = new Set(this.#entries.flatMap((entry) => (entry.given ? [entry.id] : [])));
    this.#makeRoom(MAX_BYTES, (each) => !lasts.has(each), id);
    this.#makeRoom(MAX_LASTING_BYTES, (each) => lasts.has(each), id);
  }

  /** Of some of the sounds the oldest go; the newest of all stays, however long it is. */
  #makeRoom(most: number, which: (id: string) => boolean, newest: string): void {
    const sounds = [...this.#sounds].filter(([id]) => which(id));
    let bytes = sounds.reduce((sum, [, sound]) => sum + bytesOf(sound), 0);
    for (const [id, sound] of sounds) {
      if (bytes <= most || id === newest) return;
      this.#sounds.delete(id);
      bytes -= bytesOf(sound);
    }
  }

  /** Sound that ends with the page: it was made here and cannot be made again. */
  get fleeting(): readonly string[] {
    return this.#entries.filter(({ id, given }) => given && this.#sounds.get(id)?.recipe).map(({ id }) => id);
  }

  /** Takes up what other pages wrote and removed meanwhile; returns whether that is anything. */
  refresh(): boolean {
    const stored = read();
    const there = idsOf(stored);
    const known = idsOf(this.#entries);
    const others = stored.filter(({ id }) => !known.has(id) && !this.#gone.has(id));
    const kept = this.#entries.filter(({ id }) => there.has(id) || !this.#stored.has(id));
    this.#stored = there;
    if (others.length === 0 && kept.length === known.size) return false;
    this.#entries = [...kept, ...others].sort((a, b) => b.at - a.at).slice(0, MAX_ENTRIES);
    return true;
  }

  /** That it was made out of other sound, in words. */
  giveWord(entry: Entry, given: string): Entry {
    const said = { ...entry, given };
    this.#entries = this.#entries.map((each) => (each.id === entry.id ? said : each));
    this.#write();
    return said;
  }

  remove(id: string): void {
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
    this.#sounds.delete(id);
    this.#gone.add(id);
    this.#write();
  }

  clear(): void {
    for (const { id } of [...this.#entries, ...read()]) this.#gone.add(id);
    this.#entries = [];
    this.#sounds.clear();
    this.#write();
  }

  #write(): void {
    this.refresh();
    try {
      const lasting = this.#entries.filter(({ given }) => !given); // the others cannot be made again
      localStorage.setItem(KEY, JSON.stringify(lasting));
      this.#stored = idsOf(lasting);
    } catch {
      // Private modes may keep nothing: the list then lasts as long as the page.
    }
  }
}

const idsOf = (entries: readonly Entry[]): ReadonlySet<string> => new Set(entries.map(({ id }) => id));
const bytesOf = ({ channels }: Sound) => channels.reduce((bytes, channel) => bytes + channel.byteLength, 0);

/** Entries of an earlier visit; what is not one is passed over. */
function read(): Entry[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(list) ? list.filter(isEntry).slice(0, MAX_ENTRIES) : [];
  } catch {
    return [];
  }
}

function isEntry(value: Partial<Entry> | null): value is Entry {
  return (
    typeof value?.id === 'string' && typeof value.prompt === 'string' && typeof value.seed === 'number' && typeof value.at === 'number'
  );
}
