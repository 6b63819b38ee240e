// The form's words: prompt, the helpers that write into it, and the second idea.
import { button, byId, make, say } from './dom.ts';
import type { Settings } from './history.ts';
import { type Text, t } from './language.ts';
import {
  EXAMPLES,
  has,
  INSTRUMENTS,
  KEYS,
  keyOf,
  METRES,
  MOODS,
  metreOf,
  moodOf,
  tempoOf,
  toggle,
  withKey,
  withMetre,
  withMood,
  withTempo,
} from './prompt.ts';

/** A list of what may be chosen, or nothing of it. */
const offer = (select: HTMLSelectElement, names: readonly Text[], none: Text) =>
  select.append(make('option', t(none), { value: '' }), ...names.map((name) => make('option', t(name), { value: name })));

export class Shape {
  readonly #prompt = byId<HTMLTextAreaElement>('prompt');
  readonly #mood = byId<HTMLSelectElement>('mood');
  readonly #key = byId<HTMLSelectElement>('key');
  readonly #metre = byId<HTMLSelectElement>('metre');
  readonly #tempo = byId<HTMLInputElement>('tempo');
  readonly #second = byId<HTMLInputElement>('second');
  readonly #blend = byId<HTMLInputElement>('blend');
  readonly #instruments: HTMLButtonElement[];
  readonly #changed: () => void;

  /** `changed` hears every change of what is asked for. */
  constructor(changed: () => void) {
    this.#changed = changed;
    byId('examples').append(...EXAMPLES.map(([name, text]) => button(t(name), () => this.#write(text))));
    offer(this.#mood, MOODS, 'any');
    offer(this.#key, KEYS, 'any key');
    this.#metre.append(make('option', t('any metre'), { value: '' }), ...METRES.map((name) => make('option', name, { value: name })));
    this.#instruments = INSTRUMENTS.map((name) => button(t(name), () => this.#write(toggle(this.#prompt.value, name))));
    byId('instruments').append(...this.#instruments);
    this.#prompt.oninput = () => this.#show();
    this.#mood.onchange = () => this.#write(withMood(this.#prompt.value, this.#mood.value || undefined));
    this.#key.onchange = () => this.#write(withKey(this.#prompt.value, this.#key.value || undefined));
    this.#metre.onchange = () => this.#write(withMetre(this.#prompt.value, this.#metre.value || undefined));
    this.#tempo.oninput = () => {
      const none = this.#tempo.value === this.#tempo.min;
      this.#write(withTempo(this.#prompt.value, none ? undefined : Number(this.#tempo.value)));
    };
    this.#second.oninput = () => this.#show();
    this.#blend.oninput = () => this.#show();
    this.#show();
  }

  style(): Pick<Settings, 'prompt' | 'blend'> {
    const text = this.#second.value.trim();
    const weight = Number(this.#blend.value);
    return { prompt: this.#prompt.value.trim() || 'music', ...(text && weight > 0 && { blend: { text, weight } }) };
  }

  fill({ prompt, blend }: Settings): void {
    this.#second.value = blend?.text ?? '';
    this.#blend.value = String(blend?.weight ?? 0);
    this.#write(prompt);
  }

  #write(prompt: string): void {
    this.#prompt.value = prompt;
    this.#show();
  }

  #show(): void {
    const prompt = this.#prompt.value;
    const bpm = tempoOf(prompt);
    this.#mood.value = moodOf(prompt) ?? '';
    this.#key.value = keyOf(prompt) ?? '';
    this.#metre.value = metreOf(prompt) ?? '';
    this.#tempo.value = String(bpm ?? this.#tempo.min);
    const tempo = bpm === undefined ? t('any') : `${bpm} bpm`;
    say(byId('tempo-text'), tempo);
    this.#tempo.setAttribute('aria-valuetext', tempo);
    for (const [i, chip] of this.#instruments.entries()) chip.setAttribute('aria-pressed', String(has(prompt, INSTRUMENTS[i])));
    this.#blend.disabled = this.#second.value.trim() === '';
    const blend = `${Math.round(100 * Number(this.#blend.value))} %`;
    say(byId('blend-text'), blend);
    this.#blend.setAttribute('aria-valuetext', blend);
    this.#changed();
  }
}
