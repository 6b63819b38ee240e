// The form's words: prompt, the helpers that write into it, and the second idea.
import type { Blend } from '../src/web/index.ts';
import { button, byId, make, say } from './dom.ts';
import type { Settings } from './history.ts';
import { type Text, t } from './language.ts';
import type { MidiIn } from './midi_in.ts';
import type { Pad } from './pad.ts';
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
  readonly #opener = byId<HTMLButtonElement>('pad-open');
  readonly #moved: () => void;
  readonly #missing: (error: unknown) => void;
  #pad: Pad | undefined; // once its file is here
  #many: readonly Blend[] | undefined; // while the pad is open
  readonly #midiButton = byId<HTMLButtonElement>('midi-in');
  #midi: MidiIn | undefined;

  /**
   * `changed` hears of what is typed or drawn, which may go on changing; `moved` of what is chosen by one press, and of the pad, which tells no
   * oftener than twice a second; `missing` why the pad or MIDI could not be fetched.
   */
  constructor(changed: () => void, moved: () => void, missing: (error: unknown) => void) {
    this.#changed = changed;
    this.#moved = moved;
    this.#missing = missing;
    this.#opener.onclick = () => void this.#open(this.#many ? undefined : []);
    this.#midiButton.hidden = !navigator.requestMIDIAccess;
    this.#midiButton.onclick = () => void this.#listen();
    byId('examples').append(...EXAMPLES.map(([name, text]) => button(t(name), () => this.#write(text, this.#moved))));
    offer(this.#mood, MOODS, 'any');
    offer(this.#key, KEYS, 'any key');
    this.#metre.append(make('option', t('any metre'), { value: '' }), ...METRES.map((name) => make('option', name, { value: name })));
    this.#instruments = INSTRUMENTS.map((name) => button(t(name), () => this.#write(toggle(this.#prompt.value, name), this.#moved)));
    byId('instruments').append(...this.#instruments);
    this.#prompt.oninput = () => this.#show();
    this.#mood.onchange = () => this.#write(withMood(this.#prompt.value, this.#mood.value || undefined), this.#moved);
    this.#key.onchange = () => this.#write(withKey(this.#prompt.value, this.#key.value || undefined), this.#moved);
    this.#metre.onchange = () => this.#write(withMetre(this.#prompt.value, this.#metre.value || undefined), this.#moved);
    this.#tempo.oninput = () => {
      const none = this.#tempo.value === this.#tempo.min;
      this.#write(withTempo(this.#prompt.value, none ? undefined : Number(this.#tempo.value)));
    };
    this.#second.oninput = () => this.#show();
    this.#blend.oninput = () => this.#show();
    this.#show();
  }

  style(): Pick<Settings, 'prompt' | 'blend'> {
    const prompt = this.#prompt.value.trim() || 'music';
    if (this.#many) return { prompt, ...(this.#many.length && { blend: this.#many }) };
    const text = this.#second.value.trim();
    const weight = Number(this.#blend.value);
    return { prompt, ...(text && weight > 0 && { blend: { text, weight } }) };
  }

  fill({ prompt, blend }: Settings): void {
    const [one, ...more] = Array.isArray(blend) ? (blend as readonly Blend[]) : blend ? [blend as Blend] : [];
    const many = more.length > 0;
    if (many) void this.#open([one, ...more]);
    else if (this.#many) void this.#open(undefined);
    this.#second.value = (!many && one?.text) || '';
    this.#blend.value = String((!many && one?.weight) || 0);
    this.#write(prompt);
  }

  /** The pad with these ideas, as it was left without any; undefined closes it. */
  async #open(many: readonly Blend[] | undefined): Promise<void> {
    this.#many = many;
    byId('pad').hidden = !many;
    byId('one').hidden = Boolean(many);
    this.#opener.setAttribute('aria-expanded', String(Boolean(many)));
    say(this.#opener, t(many ? 'Blend one idea' : 'Blend four ideas on a pad'));
    if (!many) return this.#changed();
    const pad = await import('./pad.ts').catch(this.#missing);
    if (!pad) return this.#open(undefined);
    this.#pad ??= new pad.Pad(() => {
      if (!this.#many || !this.#pad) return;
      this.#many = this.#pad.blend;
      this.#moved();
    });
    if (!this.#many) return; // closed meanwhile
    if (many.length > 0) this.#pad.fill(many);
    else this.#many = this.#pad.blend;
    this.#changed();
  }

  /** Hears MIDI devices, or no more. The browser is asked within the press. */
  async #listen(): Promise<void> {
    const heard = (text: string) => say(byId('midi-heard'), text);
    const on = (value: boolean) => this.#midiButton.setAttribute('aria-pressed', String(value));
    if (this.#midi) {
      this.#midi.close();
      this.#midi = undefined;
      on(false);
      return heard('');
    }
    const midi = await import('./midi_in.ts').catch(this.#missing);
    if (!midi) return;
    try {
      this.#midi = await midi.MidiIn.open({
        tempo: (bpm) => this.#write(withTempo(this.#prompt.value, bpm)),
        move: (x, y) => void this.#move(x, y),
        devices: (names) =>
          heard(
            names.length > 0
              ? t('Its clock sets the tempo, its first two controllers and its notes move the pad: {0}.', names.join(', '))
              : t('No MIDI device is connected. One that is connected now is heard.'),
          ),
      });
      on(true);
    } catch {
      heard(t('The browser does not let this page hear MIDI devices.'));
    }
  }

  async #move(x: number | undefined, y: number | undefined): Promise<void> {
    if (!this.#many) await this.#open([]);
    this.#pad?.move(x, y);
  }

  #write(prompt: string, tell = this.#changed): void {
    this.#prompt.value = prompt;
    this.#show(tell);
  }

  #show(tell = this.#changed): void {
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
    tell();
  }
}
