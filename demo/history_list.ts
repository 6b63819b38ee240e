// The list of what was played.
import { button, byId, clock, make } from './dom.ts';
import type { Entry, History } from './history.ts';
import { type Text, t } from './language.ts';

const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

interface Actions {
  play: (entry: Entry) => void;
  save: (entry: Entry) => void;
  use: (entry: Entry) => void;
}

export class HistoryList {
  readonly #history: History;
  readonly #actions: Actions;
  readonly #rows = byId('history');
  #ready = false;

  constructor(history: History, actions: Actions) {
    this.#history = history;
    this.#actions = actions;
    byId('history-clear').onclick = () => {
      history.clear();
      this.show();
    };
  }

  /** A model is there to make music with. */
  set ready(value: boolean) {
    if (value === this.#ready) return;
    this.#ready = value;
    this.show();
  }

  /** The rows anew; the focus stays on its button, or goes to the row that took the place of a removed one. */
  show(): void {
    const { entries } = this.#history;
    const focused = document.activeElement as HTMLElement | null;
    const row = focused?.closest<HTMLElement>('#history li');
    const at = row ? [...this.#rows.children].indexOf(row) : -1;
    const cleared = focused?.id === 'history-clear';
    this.#rows.replaceChildren(...entries.map((entry) => this.#line(entry)));
    byId('history-empty').hidden = entries.length > 0;
    byId('history-clear').hidden = entries.length === 0;
    if (row)
      this.#focus(
        entries.findIndex(({ id }) => id === row.dataset.id),
        at,
        focused?.dataset.act ?? '',
      );
    if (cleared) byId('history-title').focus();
  }

  #focus(same: number, at: number, act: string): void {
    const row = this.#rows.children[same < 0 ? Math.min(at, this.#rows.children.length - 1) : same];
    const again = row?.querySelector<HTMLElement>(`[data-act="${act}"]:enabled`) ?? row?.querySelector<HTMLElement>('button:enabled');
    (again ?? byId('history-title')).focus();
  }

  #line(entry: Entry): HTMLLIElement {
    const line = make('li');
    line.dataset.id = entry.id;
    const sound = this.#history.sound(entry.id);
    const what = make('div', entry.prompt, { className: 'what' });
    const length = sound
      ? clock(sound.channels[0].length / sound.sampleRate)
      : entry.given
        ? t('its sound is no longer here')
        : entry.durationSeconds
          ? clock(entry.durationSeconds)
          : t('endless');
    const seed = entry.own ? '' : ` · ${t('seed {0}', entry.seed)}`;
    const blend = [entry.blend ?? []]
      .flat()
      .map(({ weight, text }) => ` · ${Math.round(100 * weight)} % ${text}`)
      .join('');
    const steered = entry.steered?.length ? ` · ${t('changed {0} × as it played', entry.steered.length)}` : '';
    const kind = `${entry.loop ? ` · ${t('a loop')}` : ''}${entry.given ? ` · ${entry.given}` : ''}`;
    what.append(make('small', `${WHEN.format(entry.at)} · ${length}${seed}${blend}${steered}${kind}`));
    const act = (name: string, english: Text, work: () => void) => {
      const text = t(english);
      const control = button(text, work);
      control.className = 'link';
      control.dataset.act = name;
      control.setAttribute(
        'aria-label',
        entry.own ? t('{0}: {1}', text, entry.prompt) : t('{0}: {1}, seed {2}', text, entry.prompt, entry.seed),
      );
      return control;
    };
    line.append(what);
    const play = act('play', sound ? 'Play' : 'Make again', () => this.#actions.play(entry));
    play.disabled = !sound && !this.#ready;
    if (sound || !entry.given) line.append(play);
    if (sound?.recipe) line.append(act('save', 'Save', () => this.#actions.save(entry)));
    if (!entry.own) line.append(act('use', 'Use settings', () => this.#actions.use(entry)));
    line.append(
      act('remove', 'Remove', () => {
        this.#history.remove(entry.id);
        this.show();
      }),
    );
    return line;
  }
}
