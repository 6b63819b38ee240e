// The model: what it weighs, its licence, loading with progress, and what is kept in this browser.
import type { FetchingEvent, Session, Snapshot } from '../src/web/index.ts';
import { megabytes } from '../src/web/words.ts';
import { byId, make, say } from './dom.ts';
import { t } from './language.ts';
import { choose, type Device, fetchModels, type Offered } from './models.ts';
import { isOn } from './status.ts';

/** Bytes kept of a model that are worth a word. */
const NOTEWORTHY = 1e5;

const of = (part: number, whole: number) => t('{0} of {1}', megabytes(part), megabytes(whole));

interface Actions {
  /** Look again what could be loaded. */
  retry: () => void;
  /** End what plays. */
  end: () => Promise<void>;
  /** A load beside what sounds is on its way. */
  changed: () => void;
  /** Such a load is over: it failed, or was called off, where it is not `loaded`. */
  loaded: (loaded: boolean, error: unknown) => void;
}

export class LoadPanel {
  readonly #session: Session;
  readonly #actions: Actions;
  readonly #button = byId<HTMLButtonElement>('load');
  readonly #choice = byId<HTMLSelectElement>('model-choice');
  readonly #remove = byId<HTMLButtonElement>('remove');
  #models: readonly Offered[] = [];
  #offered: Offered | undefined;
  #asked: Offered | undefined; // loaded last, or being loaded
  #stuck = false; // nothing to load was found
  #pressed = false; // and not loading yet
  #behind: AbortController | undefined; // of a load that leaves alone what sounds
  #fetching: FetchingEvent | undefined; // how far that is
  #open = false; // it came to its end, and the session does not know of it
  #kept = 0; // bytes of this model in this browser
  #bytes = 0;
  #stored = 0; // bytes of all models

  constructor(session: Session, actions: Actions) {
    this.#session = session;
    this.#actions = actions;
    this.#button.onclick = () => void this.#press();
    this.#remove.onclick = () => void this.#forget();
    this.#choice.onchange = () => {
      say(byId('model-why'), '');
      void this.#choose(this.#models[this.#choice.selectedIndex]).catch(() => {}); // loading it says what is wrong
    };
  }

  /** What is chosen is loaded. */
  get ready(): boolean {
    return this.#session.snapshot.model !== undefined && this.#asked === this.#offered;
  }

  /** Something may be loaded, or is. */
  get able(): boolean {
    return !this.#pressed && this.#offered !== undefined && this.#session.snapshot.state !== 'loading';
  }

  /** What Play would download first, in words; empty where that is nothing. */
  get toDownload(): string {
    const missing = this.#bytes - this.#kept;
    return this.ready || missing < NOTEWORTHY ? '' : megabytes(missing);
  }

  get offered(): Offered | undefined {
    return this.#offered;
  }

  /** The licence of the model that made something. */
  licenseOf(name: string): string {
    return (this.#models.find((model) => model.name === name) ?? this.#offered)?.license ?? '';
  }

  /** Says what could be loaded. Fetches some kB only. Throws `io`, `weights`; the button then tries again. */
  async open(device: Device, asked: string | null): Promise<void> {
    try {
      this.#models = await fetchModels();
      const { model, why } = choose(this.#models, asked, device);
      this.#choice.replaceChildren(...this.#models.map(({ name, test }) => make('option', test ? t('{0} (for tests)', name) : name)));
      this.#choice.selectedIndex = this.#models.indexOf(model);
      say(byId('model-why'), why);
      await this.#choose(model);
    } catch (error) {
      this.#stuck = true;
      throw error;
    } finally {
      this.#button.disabled = false;
      this.show(this.#session.snapshot);
    }
  }

  /** A model is open that the session does not know of: to load it takes no time. */
  get opened(): boolean {
    return this.#open;
  }

  /** The share of the model that is here, 0 to 1, while it is loaded beside what sounds. */
  get share(): number | undefined {
    if (!this.#behind) return undefined;
    return this.#fetching ? this.#fetching.received / this.#fetching.total : 0;
  }

  show({ state, loading: seen, model }: Snapshot): void {
    const busy = state === 'loading' || this.#behind !== undefined;
    const loading = seen ?? this.#fetching;
    const begun = this.#kept > NOTEWORTHY && this.#kept < this.#bytes;
    this.#button.hidden = this.#open || (model !== undefined && this.#asked === this.#offered);
    say(this.#button, t(busy ? 'Pause loading' : this.#stuck ? 'Try again' : begun ? 'Go on loading' : 'Load the model'));
    this.#choice.hidden = this.#models.length === 0;
    this.#choice.disabled = busy || this.#models.length < 2;
    this.#remove.hidden = busy || this.#stored === 0; // what is being fetched is not to be taken away
    byId('download').hidden = !busy || !loading;
    if (loading) {
      byId<HTMLProgressElement>('download-bar').value = loading.received / loading.total;
      const file = loading.fileTotal > 1e5 ? `; ${loading.file}: ${of(loading.fileReceived, loading.fileTotal)}` : '';
      say(byId('download-text'), `${of(loading.received, loading.total)}${file}`);
    }
    if (model) {
      const how = model.software ? ` ${t('(a processor, not a graphics card: right, but slow)')}` : '';
      say(byId('adapter'), t('{0}, up to {1} a buffer', `${model.adapter}${how}`, megabytes(model.bindingBytes)));
    }
  }

  async #choose(offered: Offered): Promise<void> {
    this.#offered = offered;
    this.#bytes = this.#kept = 0;
    say(byId('model-size'), '');
    const card = make('a', t('model card').replace(' ', '\u00a0'), { href: offered.card });
    byId('model-links').replaceChildren(`${t('{0} licence,', offered.license)} `, card);
    await this.#refresh();
    this.#stuck = false;
  }

  /** Sizes and storage anew: after choosing, loading, removing. */
  async #refresh(): Promise<void> {
    const { worker } = this.#session;
    const offered = this.#offered;
    if (!offered) return;
    const { bytes, kept } = await worker.describe(offered.src);
    const { entries, quota } = await worker.stored().catch(() => ({ entries: [], quota: undefined }));
    const lasting = await navigator.storage?.persisted?.().catch(() => false);
    if (offered !== this.#offered) return; // another one was chosen meanwhile
    this.#bytes = bytes;
    this.#kept = kept;
    const size =
      kept >= bytes
        ? t('{0}, already here', megabytes(bytes))
        : kept > NOTEWORTHY
          ? t('{0}, {1} of it here', megabytes(bytes), megabytes(kept))
          : megabytes(bytes);
    say(byId('model-size'), size);
    this.#stored = entries.reduce((sum, { received }) => sum + received, 0);
    const room = quota === undefined ? '' : ` ${t('of {0} allowed', quota > 1e9 ? `${(quota / 1e9).toFixed(1)} GB` : megabytes(quota))}`;
    const until = lasting ? '' : `; ${t('the browser may remove them when space gets scarce')}`;
    say(
      byId('stored'),
      this.#stored === 0 ? t('nothing') : `${t('{0} files, {1}', entries.length, megabytes(this.#stored))}${room}${until}`,
    );
    this.show(this.#session.snapshot);
  }

  async #press(): Promise<void> {
    const now = this.#session.snapshot;
    if (this.#behind || now.state === 'loading') {
      this.#behind?.abort();
      return this.#session.cancelLoad();
    }
    if (this.#stuck) {
      this.#button.disabled = true;
      return this.#actions.retry();
    }
    if (!this.#offered) return;
    if (isOn(now) && now.complete && !now.model) return this.loadBehind();
    this.#pressed = true;
    byId<HTMLButtonElement>('play').disabled = true;
    await this.#actions.end();
    await this.load();
  }

  /** Loads what is chosen; false where that was called off or failed. Ask within a press: the browser then keeps the weights for longer. */
  async load(): Promise<boolean> {
    const offered = this.#offered;
    if (!offered) return false;
    this.#asked = offered;
    this.#pressed = this.#open = false;
    const loaded = await this.#session.load(offered.src);
    // The button is gone, and the focus with it.
    if (loaded && document.activeElement === document.body) byId('play').focus();
    const refreshed = this.#refresh().catch(() => {}); // offline: what went wrong was said by the session
    if (!loaded) await refreshed;
    return loaded;
  }

  /** Loads what is chosen and leaves alone what sounds, which needs no model. */
  async loadBehind(): Promise<void> {
    const offered = this.#offered;
    if (!offered || this.#behind) return;
    const behind = new AbortController();
    this.#behind = behind;
    this.#actions.changed();
    void navigator.storage?.persist?.().catch(() => {}); // as a load of the session asks
    let fault: unknown;
    try {
      const onFetching = (fetching: FetchingEvent) => {
        this.#fetching = fetching;
        this.#actions.changed();
      };
      await this.#session.worker.load(offered.src, { signal: behind.signal, onFetching });
      this.#open = this.#session.snapshot.model === undefined && this.#session.snapshot.state !== 'loading';
    } catch (error) {
      fault = behind.signal.aborted ? undefined : error;
    }
    this.#behind = this.#fetching = undefined;
    await this.#refresh().catch(() => {});
    this.#actions.loaded(this.#open, fault);
  }

  async #forget(): Promise<void> {
    await this.#session.worker.remove();
    await this.#refresh().catch(() => {});
  }
}
