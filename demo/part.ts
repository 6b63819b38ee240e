// The timeline with its tools: a marked part of the piece, and whether it is heard again and again.
import type { Region, Session, Snapshot } from '../src/web/index.ts';
import { byId, wait } from './dom.ts';
import { isOn } from './status.ts';
import { Timeline } from './timeline.ts';

/** A long piece is read in parts, so that no frame waits for all of it: seconds of a part, and milliseconds until the next frame may come. */
const READ_SECONDS = 3;
const READ_MS = 4;

export class Part {
  readonly #session: Session;
  readonly #timeline: Timeline;
  readonly #from = byId<HTMLInputElement>('part-from');
  readonly #to = byId<HTMLInputElement>('part-to');
  readonly #loop = byId<HTMLButtonElement>('part-loop');
  readonly #anew = byId<HTMLButtonElement>('part-anew');
  readonly #clear = byId<HTMLButtonElement>('part-clear');
  #region: Region | undefined;
  #looping = false;
  #unread: Parameters<Timeline['push']>[] = [];
  #reading = false;

  /** `play` begins the last piece again, where nothing plays; `anew` makes a part of it anew. */
  constructor(session: Session, play: () => Promise<void>, anew: (region: Region) => Promise<Region | undefined>) {
    this.#session = session;
    this.#timeline = new Timeline(byId<HTMLCanvasElement>('timeline'), {
      seek: async (seconds) => {
        if (!isOn(session.snapshot)) await play();
        session.seek(seconds);
      },
      mark: (region) => this.#mark(region),
    });
    const typed = () => {
      if (!this.#from.value && !this.#to.value) return this.#mark(undefined);
      const start = this.#from.valueAsNumber || 0;
      const end = this.#to.value ? this.#to.valueAsNumber : session.snapshot.madeSeconds; // the first one typed is a part, too
      this.#mark(end > start ? { start, end } : undefined);
    };
    this.#from.onchange = this.#to.onchange = typed;
    this.#clear.onclick = () => {
      this.#loop.focus(); // the button goes
      this.#mark(undefined);
    };
    this.#anew.onclick = async () => {
      const region = this.#region && (await anew(this.#region));
      this.#mark(region ?? this.#region); // of the new piece
      if (document.activeElement === document.body) this.#anew.focus(); // the button was gone meanwhile
    };
    this.#loop.onclick = () => {
      this.looping = !this.#looping;
    };
    void wait(0).then(() => {
      const audio = session.audio(); // what came before the timeline was here
      if (audio) this.push(audio.channels, audio.sampleRate, audio.startSeconds * audio.sampleRate);
    });
  }

  /** Whether the part, or all of a finished piece, is heard again and again. */
  set looping(value: boolean) {
    this.#looping = value;
    this.#loop.setAttribute('aria-pressed', String(value));
    this.#apply();
  }

  /** What is marked, seconds of the piece. */
  get region(): Region | undefined {
    return this.#region;
  }

  /** The next samples of the piece. */
  push(channels: readonly Float32Array[], sampleRate: number, startSample: number): void {
    const step = READ_SECONDS * sampleRate;
    for (let from = 0; from < channels[0].length; from += step)
      this.#unread.push([channels.map((channel) => channel.subarray(from, from + step)), sampleRate, startSample + from]);
    if (!this.#reading) void this.#read();
  }

  async #read(): Promise<void> {
    this.#reading = true;
    let begun = performance.now();
    for (let next = this.#unread.shift(); next; next = this.#unread.shift()) {
      this.#timeline.push(...next);
      if (performance.now() - begun < READ_MS) continue;
      await wait(0);
      begun = performance.now();
    }
    this.#reading = false;
  }

  /** Before another piece. */
  clear(): void {
    this.#unread = [];
    this.#timeline.clear();
    this.#mark(undefined);
  }

  /** `total`: seconds of the piece, where it has an end; `able`: music can be made. */
  show(now: Snapshot, total: number | undefined, able: boolean): void {
    this.#timeline.show(now, total);
    this.#anew.disabled = !able || now.madeSeconds === 0;
    for (const tool of [this.#from, this.#to, this.#loop]) tool.disabled = now.madeSeconds === 0;
    for (const field of [this.#from, this.#to]) field.max = now.madeSeconds.toFixed(1);
    if (isOn(now) && now.madeSeconds >= (this.#region?.end ?? 0)) queueMicrotask(() => this.#apply());
  }

  #mark(region: Region | undefined): void {
    const made = this.#session.snapshot.madeSeconds;
    this.#region = region && { start: Math.max(0, region.start), end: Math.min(made, region.end) };
    this.#timeline.region = this.#region;
    this.#from.value = this.#region?.start.toFixed(1) ?? '';
    this.#to.value = this.#region?.end.toFixed(1) ?? '';
    this.#clear.hidden = this.#anew.hidden = !this.#region;
    this.#apply();
  }

  /** Without a marked part all of a finished piece begins again. */
  #apply(): void {
    const wanted = this.#looping ? this.#region : undefined;
    this.#session.loop = this.#looping && !wanted;
    if (this.#session.region !== wanted) this.#session.region = wanted;
  }
}
