// A Standard MIDI File (RP-001, format 1) of what is planned of a piece: tempo, metre, key, marks, and its beats on the percussion channel. The
// model's tokens are of sound: they know no notes and no chords, so there are none in it.
import { type BeatMark, beatsBetween } from './beats.ts';

/** What `writeMidi` takes: a clip, or what is known of a stream. */
export interface MidiScore {
  /** Tempo, metre and key along the piece, in order of time. Default: what the recipe says was decided, from the start on. */
  readonly beats?: readonly BeatMark[];
  /** The piece's recipe: prompts become title and markers. */
  readonly recipe: {
    /** Title of the file. */
    readonly prompt?: string;
    /** Length of the piece, seconds. */
    readonly durationSeconds?: number;
    /** Changes of the prompt, which become markers. */
    readonly steered?: readonly {
      /** Seconds of the piece. */
      readonly atSeconds: number;
      /** The new prompt: the text of the marker. */
      readonly prompt?: string | undefined;
    }[];
    /** Tempo, key and metre from the start on. */
    readonly decided?: {
      /** Beats a minute. */
      readonly tempo?: number;
      /** For example "A minor". */
      readonly key?: string;
      /** For example "3/4". */
      readonly metre?: string;
    };
  };
  /** Length in seconds. Default: the recipe's, or a minute. */
  readonly durationSeconds?: number;
}

/** Ticks of a quarter note. */
const QUARTER = 480;
const UNKNOWN_TEMPO = 120; // MIDI's own default
/** Of the General MIDI percussion map. */
const PERCUSSION_CHANNEL = 9;
const HIGH_WOOD_BLOCK = 76;
const LOW_WOOD_BLOCK = 77;
const META = { text: 1, title: 3, marker: 6, end: 0x2f, tempo: 0x51, metre: 0x58, key: 0x59 } as const;
const FELT_BEATS: Readonly<Record<string, number>> = { '6/8': 2, '3/4': 3, '5/4': 5 };
/** Seconds before a downbeat that are not worth a bar of their own. */
const NO_UPBEAT = 0.01;

interface Event {
  readonly tick: number;
  readonly bytes: readonly number[];
}

/** The tempo from a moment on, and where it lies in the file. */
interface Pace {
  readonly seconds: number;
  readonly tick: number;
  /** Ticks of a second. */
  readonly rate: number;
}

/** The bytes of a `.mid` file that begins with the piece and lies beside its audio. */
export function writeMidi({ beats, recipe, durationSeconds = recipe.durationSeconds ?? 60 }: MidiScore): Uint8Array {
  const { decided, prompt = 'music', steered = [] } = recipe;
  const start = { ...decided, beatsPerBar: FELT_BEATS[decided?.metre ?? ''] ?? 4, atSeconds: 0 };
  const marks = (beats?.length ? beats : [start]).filter(({ atSeconds }) => atSeconds < durationSeconds);
  const { paces, events } = tempoMap(marks);
  const tickOf = (seconds: number) => {
    const pace = paces.findLast((each) => each.seconds <= seconds) ?? paces[0];
    return Math.max(0, Math.round(pace.tick + (seconds - pace.seconds) * pace.rate));
  };
  const end = tickOf(durationSeconds);
  const conductor = [
    { tick: 0, bytes: meta(META.title, utf8(prompt)) },
    { tick: 0, bytes: meta(META.text, utf8('AI-generated: beats, tempo and key as they were planned')) },
    ...events,
    ...steered.map((change) => ({ tick: tickOf(change.atSeconds), bytes: meta(META.marker, utf8(change.prompt ?? '')) })),
  ];
  const clicks = beatsBetween(marks, 0, durationSeconds).flatMap(({ seconds, inBar, tempo }) => {
    const note = inBar === 0 ? HIGH_WOOD_BLOCK : LOW_WOOD_BLOCK;
    return [
      { tick: tickOf(seconds), bytes: [0x90 | PERCUSSION_CHANNEL, note, inBar === 0 ? 110 : 80] },
      { tick: tickOf(seconds + 15 / tempo), bytes: [0x80 | PERCUSSION_CHANNEL, note, 0] },
    ];
  });
  const tracks = [track(conductor, end), track([{ tick: 0, bytes: meta(META.title, utf8('Beat')) }, ...clicks], end)];
  return Uint8Array.from([
    ...text('MThd'),
    ...bytes(6, 4),
    ...bytes(1, 2),
    ...bytes(tracks.length, 2),
    ...bytes(QUARTER, 2),
    ...tracks.flat(),
  ]);
}

/** Tempo, metre and key as events. Where the piece begins within a bar, its rest is a bar of its own, so that all that follow lie on bar lines. */
function tempoMap(marks: readonly BeatMark[]): { paces: Pace[]; events: Event[] } {
  const paces: Pace[] = [];
  const events: Event[] = [];
  const pace = (seconds: number, perSecond: number) => {
    const last = paces.at(-1);
    const tick = last ? Math.round(last.tick + (seconds - last.seconds) * last.rate) : 0;
    paces.push({ seconds, tick, rate: perSecond * QUARTER });
    events.push({ tick, bytes: meta(META.tempo, bytes(Math.round(1e6 / perSecond), 3)) });
    return tick;
  };
  for (const { atSeconds, tempo, beat = 0, beatsPerBar = 4, key } of marks) {
    const seconds = Math.max(0, atSeconds);
    if (tempo === undefined) {
      if (paces.length === 0) pace(0, UNKNOWN_TEMPO / 60);
    } else {
      const quarters = beatsPerBar === 2 ? 1.5 : 1; // of a beat: of six-eight a beat is a dotted quarter
      const perSecond = (tempo * quarters) / 60;
      const now = beat + ((seconds - atSeconds) * tempo) / 60;
      const rest = (Math.ceil(now / beatsPerBar - 1e-9) * beatsPerBar - now) * quarters; // quarters until the next downbeat
      if (paces.length === 0 && rest / perSecond > NO_UPBEAT) {
        const count = Math.ceil(rest);
        const tick = pace(seconds, (perSecond * count) / rest);
        events.push({ tick, bytes: metre(count, 4) });
        const downbeat = pace(seconds + rest / perSecond, perSecond);
        events.push({ tick: downbeat, bytes: metre(...signature(beatsPerBar)) });
      } else {
        const tick = pace(seconds, perSecond);
        events.push({ tick, bytes: metre(...signature(beatsPerBar)) });
      }
    }
    const signs = key === undefined ? undefined : keySigns(key);
    if (signs) events.push({ tick: paces[paces.length - 1].tick, bytes: meta(META.key, signs) });
  }
  if (paces.length === 0) pace(0, UNKNOWN_TEMPO / 60);
  return { paces, events };
}

const signature = (beatsPerBar: number): [count: number, unit: number] => (beatsPerBar === 2 ? [6, 8] : [beatsPerBar, 4]);
const metre = (count: number, unit: number) => meta(META.metre, [count, unit === 8 ? 3 : 2, unit === 8 ? 36 : 24, 8]);

/** Sharps, or flats as negative numbers in two's complement, and whether it is minor. Undefined for what is no key. */
function keySigns(key: string): number[] | undefined {
  const found = /^([A-G])([#b]?) (major|minor)$/.exec(key);
  if (!found) return undefined;
  const [, letter, sign, mode] = found;
  const minor = mode === 'minor';
  const fifths = 'FCGDAEB'.indexOf(letter) - 1 + (sign === '#' ? 7 : sign === 'b' ? -7 : 0) - (minor ? 3 : 0);
  const signs = fifths > 6 ? fifths - 12 : fifths < -6 ? fifths + 12 : fifths; // of two spellings the one with fewer signs
  return [signs & 0xff, minor ? 1 : 0];
}

function track(events: readonly Event[], end: number): number[] {
  let at = 0;
  const sorted = events.map((event, i) => ({ ...event, tick: Math.min(event.tick, end), i })).sort((a, b) => a.tick - b.tick || a.i - b.i);
  const body = [...sorted, { tick: end, bytes: meta(META.end, []) }].flatMap(({ tick, bytes: event }) => {
    const delta = tick - at;
    at = tick;
    return [...varying(delta), ...event];
  });
  return [...text('MTrk'), ...bytes(body.length, 4), ...body];
}

const meta = (type: number, data: readonly number[]) => [0xff, type, ...varying(data.length), ...data];
const text = (ascii: string) => [...ascii].map((letter) => letter.charCodeAt(0));
const utf8 = (words: string) => [...new TextEncoder().encode(words)];
/** Big-endian. */
const bytes = (value: number, count: number) => Array.from({ length: count }, (_, i) => (value >>> (8 * (count - 1 - i))) & 0xff);

/** A variable-length quantity: seven bits a byte, all but the last marked. */
function varying(value: number): number[] {
  const out = [value & 0x7f];
  for (let rest = value >> 7; rest > 0; rest >>= 7) out.unshift((rest & 0x7f) | 0x80);
  return out;
}
