// <melody-player prompt="calm piano, 80 bpm" src="weights/melody-small/"></melody-player>
//
// Attributes: prompt, src (a model folder), seed, duration (seconds; endless without). Nothing is fetched before the first press. A change of
// `prompt` while it plays is heard from the next chunk on. Fires `melodychange` with the session's snapshot as its detail.
import { Player } from './player.ts';
import { Session } from './session.ts';
import type { Snapshot } from './snapshot.ts';
import { megabytes, sentence } from './words.ts';

const STYLE = `
:host { display: inline-block; font: 16px/1.4 system-ui, sans-serif; color: inherit; max-width: 100%; }
div { display: flex; gap: .75em; align-items: center; }
button { font: inherit; color: inherit; background: none; border: 1px solid currentColor; border-radius: 99px; padding: .35em 1.1em; min-height: 2.5em; cursor: pointer; }
button:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
button[hidden] { display: none; }
p { margin: 0; font-size: .875em; }
`;

/** Where pages are only rendered (Node), the module loads and the class cannot be used. */
const Base = globalThis.HTMLElement ?? (class {} as typeof HTMLElement);

declare global {
  interface HTMLElementTagNameMap {
    'melody-player': MelodyPlayerElement;
  }
}

/** `<melody-player>`: one button to hear a prompt. */
export class MelodyPlayerElement extends Base {
  /** Attributes whose changes the element acts on. */
  static observedAttributes = ['prompt', 'src'];
  #session: Session | undefined;
  #press: HTMLButtonElement;
  #stop: HTMLButtonElement;
  #status: HTMLParagraphElement;

  /** Made by the browser, for every `<melody-player>` of a page. */
  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    const style = new CSSStyleSheet(); // allowed under a content security policy that forbids <style>
    style.replaceSync(STYLE);
    root.adoptedStyleSheets = [style];
    const row = document.createElement('div');
    this.#press = document.createElement('button');
    this.#stop = document.createElement('button');
    this.#status = document.createElement('p');
    this.#press.textContent = 'Play';
    this.#stop.textContent = 'Stop';
    this.#stop.hidden = true;
    this.#status.setAttribute('role', 'status');
    this.#name();
    row.append(this.#press, this.#stop, this.#status);
    root.append(row);
    this.#press.onclick = () => void this.#toggle();
    this.#stop.onclick = () => void this.#session?.stop();
  }

  /** The session behind it, once Play was pressed: events, audio, statistics. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** The attribute `prompt`; a change is heard from the next chunk on. */
  get prompt(): string {
    return this.getAttribute('prompt') ?? '';
  }

  /** Sets the attribute. */
  set prompt(text: string) {
    this.setAttribute('prompt', text);
  }

  /** The browser's callback: steers on a new prompt, ends on a new source. */
  attributeChangedCallback(name: string, old: string | null, value: string | null): void {
    if (name === 'prompt') this.#name();
    if (!this.#session || old === value) return;
    if (name === 'prompt') this.#session.steer({ prompt: value ?? '' });
    else this.#end();
  }

  /** The browser's callback: ends the piece and frees the worker. */
  disconnectedCallback(): void {
    this.#end();
  }

  async #toggle(): Promise<void> {
    if (this.#session?.worker.fault) this.#end(); // it answers nothing any more: another one
    const session = this.#session ?? this.#start();
    if (!session) return;
    const { state } = session.snapshot;
    if (state === 'loading') return void session.cancelLoad();
    if (state === 'playing' || state === 'buffering') return session.pause();
    if (state === 'paused') return void session.resume();
    if (!session.snapshot.model) {
      if (!(await session.load(this.getAttribute('src') ?? ''))) return;
      // The press may be minutes old by now, too old for some browsers.
      const may = await Player.mayOpen().catch(() => true);
      if (session !== this.#session || session.snapshot.state !== 'ready') return; // pressed meanwhile
      if (!may) return this.#say('Ready: press Play');
    }
    const number = (name: string) => (this.hasAttribute(name) ? Number(this.getAttribute(name)) : undefined);
    await session.play({ prompt: this.prompt, seed: number('seed'), durationSeconds: number('duration') });
  }

  #start(): Session | undefined {
    try {
      const session = new Session({ onChange: (snapshot) => this.#session === session && this.#show(snapshot) });
      this.#session = session;
      return session;
    } catch (error) {
      this.#say(sentence(error as Error));
      return undefined;
    }
  }

  #end(): void {
    void this.#session?.dispose();
    this.#session = undefined;
    this.#label('Play', false);
    this.#say('');
  }

  #label(press: string, stoppable: boolean): void {
    // What was pressed by keyboard and goes away hands its focus on.
    if (!stoppable && this.shadowRoot?.activeElement === this.#stop) this.#press.focus();
    this.#press.textContent = press;
    this.#stop.hidden = !stoppable;
    this.#name();
  }

  /** Labels of the buttons, for people who meet several players through a screen reader. */
  #name(): void {
    for (const button of [this.#press, this.#stop]) {
      if (this.prompt) button.setAttribute('aria-label', `${button.textContent}: ${this.prompt}`);
      else button.removeAttribute('aria-label');
    }
  }

  #say(text: string): void {
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }

  #show(snapshot: Snapshot): void {
    const { state, loading, warnings } = snapshot;
    const running = state === 'playing' || state === 'buffering';
    this.#label(state === 'loading' ? 'Cancel' : running ? 'Pause' : state === 'paused' ? 'Resume' : 'Play', running || state === 'paused');
    // In steps of 10 %, so that a screen reader is not talking all the time.
    const tenth = loading && Math.floor((10 * loading.received) / loading.total) * 10;
    const doing = snapshot.error
      ? sentence(snapshot.error)
      : loading
        ? loading.received < loading.total
          ? `Loading ${tenth} % of ${megabytes(loading.total)}`
          : 'Getting ready'
        : state === 'loading'
          ? 'Loading'
          : state === 'buffering'
            ? snapshot.underruns
              ? 'Making more music'
              : 'Making music'
            : '';
    const warning = snapshot.error ? undefined : warnings.at(-1);
    this.#say([doing, warning && sentence({ message: warning })].filter(Boolean).join('. '));
    this.dispatchEvent(new CustomEvent('melodychange', { detail: snapshot }));
  }
}

if (globalThis.customElements && !customElements.get('melody-player')) customElements.define('melody-player', MelodyPlayerElement);
