// <melody-player controls prompt="calm piano, 80 bpm" src="weights/melody-small/"></melody-player>
//
// Attributes: prompt; src (a model folder); seed; duration (seconds; endless without); and with the meanings that they have on <audio>:
// controls, autoplay, loop, muted, preload (none, which is the default; metadata; auto). `mix` lets it play along with other players.
// Events, which bubble: play, playing, waiting, pause, ended, volumechange, error; beat and bar with a HeardBeat as their detail, as they are
// heard; and melodychange with the session's snapshot.
// Parts for ::part(): row, play, stop, status. Custom properties: --melody-colour, --melody-gap, --melody-radius.
import type { MelodyError } from '../errors.ts';
import type { StyleOptions } from '../pipeline/options.ts';
import { Controls } from './controls.ts';
import type { MelodyPlayerEvents } from './element_types.ts';
import { Player } from './player.ts';
import type { HeardBeat } from './pulse.ts';
import { Session } from './session.ts';
import { giveWorker, takeWorker } from './shared_workers.ts';
import { runs, type Snapshot } from './snapshot.ts';
import { sentence } from './words.ts';

/** Where pages are only rendered (Node), the module loads and the class cannot be used. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

declare global {
  interface HTMLElementTagNameMap {
    'melody-player': MelodyPlayerElement;
  }
}

/** `<melody-player>`: its own events. */
export interface MelodyPlayerElement {
  /** Listens to an event of the player, or of any element. */
  addEventListener<Type extends keyof MelodyPlayerEvents>(
    type: Type,
    listener: (this: MelodyPlayerElement, event: MelodyPlayerEvents[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  /** As the platform's. */
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

/** What plays, of all players of the page: a new one pauses the others. */
const sounding = new Set<MelodyPlayerElement>();

/** `<melody-player>`: hear a prompt. Used as `<audio>` is. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the interface only says more of a method that the platform has
export class MelodyPlayerElement extends Base {
  /** Attributes whose changes the element acts on. */
  static observedAttributes = ['prompt', 'src', 'muted', 'loop'];
  #session: Session | undefined;
  #src = ''; // of the session
  #volume = 1;
  #context: AudioContext | undefined;
  #destination: AudioNode | undefined;
  #before: Snapshot['state'] = 'empty';
  readonly #controls: Controls;
  #error: Snapshot['error'];
  #loading: Promise<boolean> | undefined; // of the session
  #asked = false; // to play, once it is loaded

  /** Made by the browser, for every `<melody-player>` of a page. */
  constructor() {
    super();
    this.#controls = new Controls(this.attachShadow({ mode: 'open' }), { press: () => void this.#toggle(), stop: () => void this.stop() });
  }

  /** The session behind it, from the first use on: audio, statistics. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** The attribute `prompt`; a change is heard as soon as the machine can make it. */
  get prompt(): string {
    return this.getAttribute('prompt') ?? '';
  }

  /** Sets the attribute. */
  set prompt(text: string) {
    this.setAttribute('prompt', text);
  }

  /** 0 to 1. Default 1. */
  get volume(): number {
    return this.#volume;
  }

  /** Throws a RangeError outside of 0 to 1. */
  set volume(value: number) {
    if (!(value >= 0 && value <= 1)) throw new RangeError(`volume must be from 0 to 1; got ${value}`);
    this.#volume = value;
    this.#applyVolume();
  }

  /** The attribute `muted`. */
  get muted(): boolean {
    return this.hasAttribute('muted');
  }

  /** Sets the attribute. */
  set muted(value: boolean) {
    this.toggleAttribute('muted', value);
  }

  /** The attribute `loop`: a finished piece begins again. */
  get loop(): boolean {
    return this.hasAttribute('loop');
  }

  /** Sets the attribute. */
  set loop(value: boolean) {
    this.toggleAttribute('loop', value);
  }

  /** Why the last load or piece failed; null where none did. */
  get error(): MelodyError | null {
    return this.#error ?? null;
  }

  /** Nothing sounds, and nothing is about to. */
  get paused(): boolean {
    const snapshot = this.#session?.snapshot;
    return !runs(snapshot) && !(this.#asked && snapshot?.state === 'loading');
  }

  /** Seconds of the piece that were heard. */
  get currentTime(): number {
    return this.#session?.snapshot.playedSeconds ?? 0;
  }

  /** Goes there, where the element has the attribute `loop` or `keep`: only then what is made is kept. */
  set currentTime(seconds: number) {
    this.#session?.seek(seconds);
  }

  /** Seconds of the piece; Infinity where it has no end, NaN before it has begun. */
  get duration(): number {
    const recipe = this.#session?.snapshot.recipe;
    return recipe ? (recipe.durationSeconds ?? Number.POSITIVE_INFINITY) : Number.NaN;
  }

  /** The context that it plays in; undefined before the first sound, where the page gave none. */
  get context(): AudioContext | undefined {
    return this.#context ?? this.#session?.context;
  }

  /** Plays in the page's own context, of any rate. To be set before the first use. */
  set context(value: AudioContext | undefined) {
    this.#context = value;
  }

  /** A node of the page's own context that the sound goes to, in place of the context's destination. To be set before the first use. */
  set destination(value: AudioNode | undefined) {
    this.#destination = value;
  }

  /** What is heard of it, for other nodes of its context; where the page gave a context it is there from the start. */
  get output(): AudioNode | undefined {
    if (this.#context || this.#destination) return this.#ready()?.output;
    return this.#session?.output;
  }

  /**
   * Loads the model where it is not here, then plays, or goes on; resolves once that begins, or was called off. Call it from a press. Faults are
   * shown and told as `error`, too. Throws MelodyError.
   */
  async play(): Promise<void> {
    if (this.#session?.worker.fault) this.#end(); // it answers nothing any more: another one
    const session = this.#ready();
    if (!session) throw this.#error;
    if (runs(session.snapshot)) return;
    if (session.snapshot.state === 'paused') return session.resume();
    if (!session.snapshot.model) {
      this.#asked = true;
      session.prepare(48_000, 2); // within the press, which may be minutes old once the model is here: too old for some browsers
      if (!(await this.#load(session))) {
        if (session.snapshot.error) throw session.snapshot.error;
        return;
      }
      const { context, snapshot } = session;
      const sounds = context?.state === 'running' && context.sampleRate === snapshot.model?.sampleRate;
      const may = this.#context || this.#destination || sounds || (await Player.mayOpen().catch(() => true));
      if (session !== this.#session || session.snapshot.state !== 'ready' || !this.#asked) return; // pressed meanwhile
      if (!may) return this.#controls.say('Ready: press Play');
    }
    const number = (name: string) => (this.hasAttribute(name) ? Number(this.getAttribute(name)) : undefined);
    await session.play({ prompt: this.prompt, seed: number('seed'), durationSeconds: number('duration') });
    if (session.snapshot.error) throw session.snapshot.error;
  }

  /** Pauses; `play` goes on from there. */
  pause(): void {
    this.#asked = false;
    void this.#session?.pause();
  }

  /** Ends the piece; resolves when it is silent. */
  async stop(): Promise<void> {
    await this.#session?.stop();
  }

  /** Changes the music while it plays, as soon as the machine can. A `prompt` stands in the attribute afterwards. */
  steer(style: StyleOptions): void {
    const { session } = this;
    this.#session = undefined; // the attribute must not steer a second time
    if (style.prompt !== undefined) this.prompt = style.prompt;
    this.#session = session;
    session?.steer(style);
  }

  /** The browser's callback: steers on a new prompt, ends on a new source. */
  attributeChangedCallback(name: string, old: string | null, value: string | null): void {
    if (name === 'prompt') this.#controls.name(this.prompt);
    if (old === value) return;
    if (name === 'muted') this.#applyVolume();
    if (!this.#session) return;
    if (name === 'loop') this.#session.loop = value !== null;
    if (name === 'prompt') this.#session.steer({ prompt: value ?? '' });
    if (name === 'src') this.#end();
  }

  /** The browser's callback: begins what `autoplay` and `preload` ask for. */
  connectedCallback(): void {
    if (this.#session) return; // it was moved
    const preload = this.getAttribute('preload');
    if (this.hasAttribute('autoplay')) this.play().catch(() => {});
    else if (preload === 'auto') void this.#load(this.#ready());
    else if (preload === 'metadata')
      this.#ready()
        ?.worker.describe(this.#src)
        .catch(() => {});
  }

  /** The browser's callback where an element is moved as it is: nothing changes. */
  connectedMoveCallback(): void {}

  /** The browser's callback: ends the piece and frees the worker, unless the element was only moved. */
  disconnectedCallback(): void {
    queueMicrotask(() => this.isConnected || this.#end());
  }

  async #toggle(): Promise<void> {
    const session = this.#session;
    if (session && !session.worker.fault) {
      if (session.snapshot.state === 'loading') return session.cancelLoad();
      if (runs(session.snapshot)) return this.pause();
    }
    await this.play().catch(() => {}); // it is shown
  }

  /** Whether the model is there in the end: one load, however often it is asked for while it goes on. */
  #load(session: Session | undefined): Promise<boolean> | undefined {
    if (session?.snapshot.state !== 'loading') this.#loading = session?.load(this.#src);
    return this.#loading;
  }

  /** The session, made at its first use. */
  #ready(): Session | undefined {
    if (this.#session) return this.#session;
    try {
      const src = this.getAttribute('src') ?? '';
      const session = new Session({
        worker: takeWorker(src),
        shared: true,
        record: this.loop || this.hasAttribute('keep'),
        onChange: (snapshot) => this.#session === session && this.#show(snapshot),
        onBeat: (beat) => this.#session === session && this.#beat(beat),
        ...(this.#context && { context: this.#context }),
        ...(this.#destination && { destination: this.#destination }),
      });
      this.#src = src;
      session.loop = this.loop;
      session.volume = this.muted ? 0 : this.#volume;
      this.#session = session;
      return session;
    } catch (error) {
      this.#controls.say(sentence(error as Error));
      this.#error = error as MelodyError;
      this.#tell('error', false);
      return undefined;
    }
  }

  #end(): void {
    const session = this.#session;
    if (session) {
      void session.dispose().then(() => giveWorker(session.worker));
      this.#session = undefined;
      this.#asked = false;
      sounding.delete(this);
      this.#before = 'empty';
    }
    this.#controls.rest(this.prompt);
  }

  #applyVolume(): void {
    if (this.#session) this.#session.volume = this.muted ? 0 : this.#volume;
    this.#tell('volumechange');
  }

  #tell(type: string, bubbles = true): void {
    this.dispatchEvent(new Event(type, { bubbles, composed: bubbles }));
  }

  #beat(detail: HeardBeat): void {
    for (const type of detail.inBar === 0 ? ['bar', 'beat'] : ['beat'])
      this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, composed: true }));
  }

  #show(snapshot: Snapshot): void {
    const before = this.#before;
    const { state, error, complete } = snapshot;
    this.#before = state;
    this.#controls.show(snapshot, this.prompt);
    const running = runs(snapshot);
    const ran = runs({ state: before });
    if (running) {
      if (!this.hasAttribute('mix')) for (const other of sounding) if (other !== this && !other.hasAttribute('mix')) other.pause();
      sounding.add(this);
    } else sounding.delete(this);
    if (state !== before) {
      if (running && !ran) this.#tell('play');
      if (state === 'playing') this.#tell('playing');
      else if (state === 'buffering' && before === 'playing') this.#tell('waiting');
      else if (!running && ran) this.#tell(state !== 'paused' && complete ? 'ended' : 'pause');
    }
    if (error && error !== this.#error) this.#tell('error', false); // as the platform's: a page's own listeners for faults must not hear it
    this.#error = error;
    this.dispatchEvent(new CustomEvent('melodychange', { detail: snapshot, bubbles: true, composed: true }));
  }
}

if (globalThis.customElements && !customElements.get('melody-player')) customElements.define('melody-player', MelodyPlayerElement);
