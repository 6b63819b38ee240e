// Music out of music: opened from a file or a microphone, gone on after, made anew in a part, taken as a style. Fetched after the page is shown.
import { MelodyError } from '../src/errors.ts';
import type { AudioInput, BeatMark, Region, Session, StyleOptions } from '../src/web/index.ts';
import { byId } from './dom.ts';
import type { Entry, Settings } from './history.ts';
import { type Text, t } from './language.ts';
import { clipOf, type Made } from './variations.ts';

/** Of what follows a piece where the form says no length, and of what a microphone hears. */
const MORE_SECONDS = 10;
const HEARD_SECONDS = 8;
/** What is kept of a longer piece is cut at its start anyway. */
const MAX_SECONDS = 600;
/** The model listens to no more of a style. */
const STYLE_SECONDS = 10;
const STYLE_WEIGHT = 0.5;
/** Heard before what is new. */
const BEFORE_SECONDS = 2;

/** A piece that is ready to be heard. */
export interface Produced extends Made {
  /** Second of it to begin with. */
  readonly from?: number;
}

/** The style of other sound. */
export interface Taken {
  readonly style: Pick<StyleOptions, 'promptAudio' | 'promptAudioWeight'>;
  /** In words. */
  readonly given: string;
}

/** What of the page it works with. */
export interface Desk {
  readonly session: Session;
  /** What is heard, or was last. */
  readonly playing: () => Entry | undefined;
  readonly settings: () => Settings;
  /** Says `words`, plays what `make` brings; `model`: it is needed, and loaded where it is not here, and what runs ends before. */
  readonly produce: (words: string, model: boolean, make: (signal: AbortSignal) => Promise<Produced>) => Promise<void>;
  /** Ends what sounds. */
  readonly silence: () => Promise<void>;
  readonly tell: (words: string) => void;
  /** What is made from now on follows another style. */
  readonly restyle: () => void;
}

export class Workshop {
  readonly #desk: Desk;
  readonly #extend = byId<HTMLButtonElement>('extend');
  readonly #style = byId<HTMLButtonElement>('style');
  #taken: Taken | undefined;
  #heardEnough: (() => void) | undefined; // while the microphone is heard: what was heard is kept

  constructor(desk: Desk) {
    this.#desk = desk;
    const record = byId<HTMLButtonElement>('record');
    this.#extend.onclick = () => void this.#goOn();
    this.#style.onclick = () => this.#takeStyle();
    record.hidden = !navigator.mediaDevices || typeof MediaRecorder === 'undefined';
    record.onclick = () => {
      if (this.#heardEnough) return this.#heardEnough();
      void this.#desk.produce(t('Listening for {0} seconds; Record ends it sooner.', HEARD_SECONDS), false, async (signal) => {
        try {
          return await this.#listen(signal, (end) => this.#listening(record, end));
        } finally {
          this.#listening(record, undefined);
        }
      });
    };
  }

  /** `able`: music can be made. */
  show(able: boolean): void {
    const there = able && this.#desk.playing() !== undefined && this.#desk.session.snapshot.madeSeconds > 0;
    this.#extend.disabled = !there;
    this.#style.disabled = !there && !this.#taken;
  }

  /** What is made next follows no other sound. */
  letGo(): void {
    this.#taken = undefined;
    this.#style.setAttribute('aria-pressed', 'false');
  }

  /** The style that what is made next follows, too. */
  get taken(): Taken | undefined {
    return this.#taken;
  }

  /** The marked part of what plays, made anew; what is around it stays as it is, to the sample. */
  async anew({ start, end }: Region): Promise<Region | undefined> {
    const piece = this.#piece();
    if (!piece) return undefined;
    const before = piece.startSeconds ?? 0;
    const region = { start: Math.max(0, start - before), end: end - before };
    await this.#desk.produce(t('Making the part anew.'), true, async (signal) => {
      const { durationSeconds: _, loop: __, steered: ___, ...wanted } = this.#desk.settings();
      const { channels, sampleRate } = piece;
      const say = this.#tenths('Making the part anew: {0} %.');
      const made = await clipOf(this.#desk.session.worker, wanted, signal, say, this.#desk.tell, {
        initAudio: { channels, sampleRate },
        inpaint: [region],
      });
      const given = t('{0} s made anew', `${start.toFixed(1)}–${end.toFixed(1)}`);
      return { ...made, settings: { ...made.settings, given }, from: Math.max(0, region.start - BEFORE_SECONDS) };
    });
    return region;
  }

  #tenths(words: Text): (tenth: number) => void {
    return (tenth) => this.#desk.tell(t(words, tenth * 10));
  }

  #piece(): (AudioInput & { readonly startSeconds?: number; readonly name: string; readonly beats: readonly BeatMark[] }) | undefined {
    const { session, playing } = this.#desk;
    const audio = session.audio();
    const entry = playing();
    return audio && entry && { ...audio, name: entry.prompt, beats: session.beats };
  }

  /** A piece and what follows it, as one. */
  async #goOn(): Promise<void> {
    const piece = this.#piece();
    if (!piece) return;
    await this.#desk.produce(t('Going on after it.'), true, async (signal) => {
      const { durationSeconds = MORE_SECONDS, loop: _, steered: __, ...wanted } = this.#desk.settings();
      const { channels, sampleRate, beats } = piece;
      const say = this.#tenths('Going on after it: {0} %.');
      const continueFrom = { channels, sampleRate };
      const { sound } = await clipOf(this.#desk.session.worker, { ...wanted, durationSeconds }, signal, say, this.#desk.tell, {
        continueFrom,
      });
      const before = channels[0].length / sampleRate;
      const later = (sound.beats ?? []).map((mark) => ({ ...mark, atSeconds: mark.atSeconds + before }));
      return {
        settings: { ...wanted, given: t('goes on after {0} s', before.toFixed(1)) },
        sound: { ...sound, channels: channels.map((channel, c) => joined(channel, sound.channels[c])), beats: [...beats, ...later] },
        from: Math.max(0, before - BEFORE_SECONDS),
      };
    });
  }

  /** From the next chunk on, until it is pressed again. */
  #takeStyle(): void {
    const piece = this.#taken ? undefined : this.#piece();
    const channels = piece?.channels.map((channel) => channel.slice(0, STYLE_SECONDS * piece.sampleRate)) ?? [];
    this.#taken = piece && {
      style: { promptAudio: { channels, sampleRate: piece.sampleRate }, promptAudioWeight: STYLE_WEIGHT },
      given: t('in the style of “{0}”', piece.name),
    };
    this.#style.setAttribute('aria-pressed', String(this.#taken !== undefined));
    this.#desk.restyle();
  }

  /** Plays what is in a file. */
  open(file: File): void {
    void this.#desk.produce(t('Opening the sound.'), false, async () => this.#pieceOf(await file.arrayBuffer(), file.name));
  }

  #listening(record: HTMLButtonElement, end: (() => void) | undefined): void {
    this.#heardEnough = end;
    record.setAttribute('aria-pressed', String(end !== undefined));
  }

  /** `begun` is told how to end it sooner. */
  async #listen(signal: AbortSignal, begun: (end: () => void) => void): Promise<Produced> {
    const stream = await navigator.mediaDevices
      .getUserMedia({ audio: { echoCancellation: false, noiseSuppression: false } })
      .catch((cause) => {
        throw new MelodyError(
          'io',
          `the microphone could not be used: ${cause.message}`,
          'allow it for this page, then press Record again',
          {
            cause,
          },
        );
      });
    try {
      signal.throwIfAborted(); // called off while the browser asked whether it may
      await this.#desk.silence();
      const recorder = new MediaRecorder(stream);
      const parts: Blob[] = [];
      recorder.ondataavailable = ({ data }) => parts.push(data);
      const ended = new Promise((resolve) => (recorder.onstop = resolve));
      recorder.start();
      const stop = () => {
        if (recorder.state === 'recording') recorder.stop();
      };
      signal.addEventListener('abort', stop);
      begun(stop);
      const enough = setTimeout(stop, HEARD_SECONDS * 1000);
      await ended;
      clearTimeout(enough);
      return this.#pieceOf(
        await new Blob(parts).arrayBuffer(),
        t('from the microphone'),
        'press Record, let it hear a second or more, then press it again',
      );
    } finally {
      for (const track of stream.getTracks()) track.stop();
    }
  }

  /** What a file says, at the rate of the model. Throws `io`. */
  async #pieceOf(file: ArrayBuffer, name: string, hint = 'open a WAV, FLAC, MP3, Ogg or M4A file'): Promise<Produced> {
    const sampleRate = this.#desk.session.snapshot.model?.sampleRate ?? 48_000;
    const audio = await new OfflineAudioContext(2, 1, sampleRate).decodeAudioData(file).catch((cause) => {
      throw new MelodyError('io', `“${name}” holds no sound that this browser can read`, hint, {
        cause,
      });
    });
    if (audio.duration > MAX_SECONDS)
      throw new MelodyError(
        'io',
        `“${name}” lasts ${Math.round(audio.duration)} s; at most ${MAX_SECONDS} s can be opened`,
        'cut it first',
      );
    const channels = Array.from({ length: Math.min(2, audio.numberOfChannels) }, (_, c) => audio.getChannelData(c).slice());
    const given = t('opened at {0} kHz', sampleRate / 1000); // the browser brought it to that rate
    return { settings: { prompt: name, seed: 0, own: true, given }, sound: { channels, sampleRate, recipe: undefined, beats: [] } };
  }
}

function joined(a: Float32Array, b: Float32Array): Float32Array {
  const whole = new Float32Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
