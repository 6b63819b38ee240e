// <melody-player prompt="calm piano, 80 bpm" src="weights/melody-small/"></melody-player>
//
// Attributes: prompt, src (a model folder), seed, duration (seconds; endless without). Nothing is fetched before the first press. A change of
// `prompt` while it plays is heard from the next chunk on. Fires `melodychange` with the session's snapshot as its detail.
import { Session, type Snapshot } from './session.ts';
import { megabytes, sentence } from './words.ts';

const STYLE = `
:host { display: inline-block; font: 16px/1.4 system-ui, sans-serif; color: inherit; max-width: 100%; }
div { display: flex; gap: .75em; align-items: center; }
button { font: inherit; color: inherit; background: none; border: 1px solid currentColor; border-radius: 99px; padding: .35em 1.1em; min-height: 2.5em; cursor: pointer; }
button:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
button[hidden] { display: none; }
p { margin: 0; font-size: .875em; }
`;

export class MelodyPlayerElement extends HTMLElement {
  static observedAttributes = ['prompt', 'src'];
  #session: Session | undefined;
  #press: HTMLButtonElement;
  #stop: HTMLButtonElement;
  #status: HTMLParagraphElement;

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
    row.append(this.#press, this.#stop, this.#status);
    root.append(row);
    this.#press.onclick = () => void this.#toggle();
    this.#stop.onclick = () => void this.#session?.stop();
  }

  /** The session behind it, once Play was pressed: events, audio, statistics. */
  get session(): Session | undefined {
    return this.#session;
  }

  get prompt(): string {
    return this.getAttribute('prompt') ?? '';
  }

  set prompt(text: string) {
    this.setAttribute('prompt', text);
  }

  attributeChangedCallback(name: string, old: string | null, value: string | null): void {
    if (!this.#session || old === value) return;
    if (name === 'prompt') this.#session.steer({ prompt: value ?? '' });
    else this.#end();
  }

  disconnectedCallback(): void {
    this.#end();
  }

  async #toggle(): Promise<void> {
    this.#session ??= new Session({ onChange: (snapshot) => this.#show(snapshot) });
    const session = this.#session;
    const { state } = session.snapshot;
    if (state === 'loading') return void session.cancelLoad();
    if (state === 'playing' || state === 'buffering') return session.pause();
    if (state === 'paused') return void session.resume();
    if (!session.snapshot.model && !(await session.load(this.getAttribute('src') ?? ''))) return;
    const number = (name: string) => (this.hasAttribute(name) ? Number(this.getAttribute(name)) : undefined);
    await session.play({ prompt: this.prompt, seed: number('seed'), durationSeconds: number('duration') });
  }

  #end(): void {
    void this.#session?.dispose();
    this.#session = undefined;
    this.#press.textContent = 'Play';
    this.#stop.hidden = true;
    this.#status.textContent = '';
  }

  #show(snapshot: Snapshot): void {
    const { state, loading } = snapshot;
    this.#press.textContent =
      state === 'loading' ? 'Cancel' : state === 'playing' || state === 'buffering' ? 'Pause' : state === 'paused' ? 'Resume' : 'Play';
    this.#stop.hidden = state === 'empty' || state === 'loading' || state === 'ready';
    // In steps of 10 %, so that a screen reader is not talking all the time.
    const tenth = loading && Math.floor((10 * loading.received) / loading.total) * 10;
    const text = snapshot.error
      ? sentence(snapshot.error)
      : loading
        ? loading.received < loading.total
          ? `Loading ${tenth} % of ${megabytes(loading.total)}`
          : 'Getting ready'
        : state === 'loading'
          ? 'Loading'
          : state === 'buffering'
            ? 'Making music'
            : '';
    if (this.#status.textContent !== text) this.#status.textContent = text;
    this.dispatchEvent(new CustomEvent('melodychange', { detail: snapshot }));
  }
}

if (!customElements.get('melody-player')) customElements.define('melody-player', MelodyPlayerElement);
