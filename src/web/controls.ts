// The buttons and the line of <melody-player>, in its shadow tree.
import type { Snapshot } from './snapshot.ts';
import { megabytes, sentence } from './words.ts';

const STYLE = `
:host { display: inline-block; font: 16px/1.4 system-ui, sans-serif; color: var(--melody-colour, inherit); max-width: 100%; }
:host([hidden]), :host(:not([controls])) { display: none; }
div { display: flex; gap: var(--melody-gap, .75em); align-items: center; }
button { font: inherit; color: inherit; background: none; border: 1px solid currentColor; border-radius: var(--melody-radius, 99px); padding: .35em 1.1em; min-height: 2.5em; cursor: pointer; }
button:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
button[hidden] { display: none; }
p { margin: 0; font-size: .875em; }
`;

export class Controls {
  readonly #root: ShadowRoot;
  readonly #press = document.createElement('button');
  readonly #stop = document.createElement('button');
  readonly #status = document.createElement('p');

  constructor(root: ShadowRoot, { press, stop }: { press: () => void; stop: () => void }) {
    this.#root = root;
    const style = new CSSStyleSheet(); // allowed under a content security policy that forbids <style>
    style.replaceSync(STYLE);
    root.adoptedStyleSheets = [style];
    const row = document.createElement('div');
    for (const [part, element] of Object.entries({ row, play: this.#press, stop: this.#stop, status: this.#status }))
      element.setAttribute('part', part);
    this.#press.textContent = 'Play';
    this.#stop.textContent = 'Stop';
    this.#stop.hidden = true;
    this.#status.setAttribute('role', 'status');
    row.append(this.#press, this.#stop, this.#status);
    root.append(row);
    this.#press.onclick = press;
    this.#stop.onclick = stop;
  }

  /** Labels of the buttons, for people who meet several players through a screen reader. */
  name(prompt: string): void {
    for (const button of [this.#press, this.#stop]) {
      if (prompt) button.setAttribute('aria-label', `${button.textContent}: ${prompt}`);
      else button.removeAttribute('aria-label');
    }
  }

  say(text: string): void {
    if (this.#status.textContent !== text) this.#status.textContent = text;
  }

  /** As before the first press. */
  rest(prompt: string): void {
    this.#label('Play', false, prompt);
    this.say('');
  }

  show(snapshot: Snapshot, prompt: string): void {
    const { state, loading, warnings } = snapshot;
    const running = state === 'playing' || state === 'buffering';
    const press = state === 'loading' ? 'Cancel' : running ? 'Pause' : state === 'paused' ? 'Resume' : 'Play';
    this.#label(press, running || state === 'paused', prompt);
    // In steps of 10 %, so that a screen reader is not talking all the time.
    const tenth = loading && Math.floor((10 * loading.received) / loading.total) * 10;
    const doing = snapshot.error
      ? sentence(snapshot.error)
      : snapshot.waiting
        ? 'Waiting for the server'
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
    this.say([doing, warning && sentence({ message: warning })].filter(Boolean).join('. '));
  }

  #label(press: string, stoppable: boolean, prompt: string): void {
    // What was pressed by keyboard and goes away hands its focus on.
    if (!stoppable && this.#root.activeElement === this.#stop) this.#press.focus();
    // Only where it changes: WebKit gives no click where the text that was pressed was put anew before the button was let go.
    if (this.#press.textContent !== press) this.#press.textContent = press;
    this.#stop.hidden = !stoppable;
    this.name(prompt);
  }
}
