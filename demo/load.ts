// The model: what it weighs, its licence, loading with progress, and what is kept in this browser.
import type { Session, Snapshot } from '../src/web/index.ts';
import { megabytes } from '../src/web/words.ts';
import { byId, make, say } from './dom.ts';

/** One line of models.json, which the build writes from the model cards. */
export interface Offered {
  readonly name: string;
  readonly src: string;
  readonly license: string;
  readonly card: string;
}

/** Bytes kept of a model that are worth a word. */
const NOTEWORTHY = 1e5;

export class LoadPanel {
  readonly #session: Session;
  readonly #button = byId<HTMLButtonElement>('load');
  readonly #remove = byId<HTMLButtonElement>('remove');
  #offered: Offered | undefined;
  #kept = 0; // bytes of this model in this browser
  #bytes = 0;

  constructor(session: Session) {
    this.#session = session;
    this.#button.onclick = () => this.#press();
    this.#remove.onclick = () => void this.#forget();
  }

  get model(): Offered | undefined {
    return this.#offered;
  }

  /** Says what could be loaded. Fetches some kB only. Throws `io`, `weights`. */
  async open(): Promise<void> {
    const models = (await (await fetch('models.json')).json()) as Offered[];
    const wanted = new URLSearchParams(location.search).get('model');
    const offered = models.find(({ name }) => name === wanted) ?? models[0];
    this.#offered = offered;
    say(byId('model-name'), offered.name);
    const card = make('a', 'model card', { href: offered.card });
    byId('model-links').replaceChildren(`${offered.license} licence, `, card);
    await this.refresh();
    this.#button.disabled = false;
  }

  show({ state, loading, model }: Snapshot): void {
    this.#button.hidden = state !== 'empty' && state !== 'loading';
    say(
      this.#button,
      state === 'loading' ? 'Pause loading' : this.#kept > NOTEWORTHY && this.#kept < this.#bytes ? 'Go on loading' : 'Load the model',
    );
    byId('download').hidden = state !== 'loading' || !loading;
    if (loading) {
      byId<HTMLProgressElement>('download-bar').value = loading.received / loading.total;
      const file =
        loading.fileTotal > 1e5 ? `; ${loading.file}: ${megabytes(loading.fileReceived)} of ${megabytes(loading.fileTotal)}` : '';
      say(byId('download-text'), `${megabytes(loading.received)} of ${megabytes(loading.total)}${file}`);
    }
    if (model) {
      const how = model.software ? ' (a processor, not a graphics card: right, but slow)' : '';
      say(byId('adapter'), `${model.adapter}${how}, up to ${megabytes(model.bindingBytes)} a buffer`);
    }
  }

  /** Sizes and storage anew: after loading, removing, or a change of the page. */
  async refresh(): Promise<void> {
    const { worker } = this.#session;
    if (!this.#offered) return;
    const { bytes, kept } = await worker.describe(this.#offered.src);
    this.#bytes = bytes;
    this.#kept = kept;
    const size =
      kept >= bytes
        ? `${megabytes(bytes)}, already here`
        : kept > NOTEWORTHY
          ? `${megabytes(bytes)}, ${megabytes(kept)} of it here`
          : megabytes(bytes);
    say(byId('model-size'), size);
    const { entries, quota } = await worker.stored().catch(() => ({ entries: [], quota: undefined }));
    const total = entries.reduce((sum, { received }) => sum + received, 0);
    const room = quota === undefined ? '' : ` of ${quota > 1e9 ? `${(quota / 1e9).toFixed(1)} GB` : megabytes(quota)} allowed`;
    say(byId('stored'), total === 0 ? 'nothing' : `${entries.length} files, ${megabytes(total)}${room}`);
    this.#remove.hidden = total === 0;
  }

  #press(): void {
    if (this.#session.snapshot.state === 'loading') this.#session.cancelLoad();
    else if (this.#offered) {
      // Asked for with the press, so that the browser does not throw the weights away when space gets scarce.
      void navigator.storage?.persist?.().catch(() => false);
      void this.#session.load(this.#offered.src).then(() => this.refresh());
    }
  }

  async #forget(): Promise<void> {
    await this.#session.worker.remove();
    await this.refresh();
  }
}
