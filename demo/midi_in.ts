// Music steered by a MIDI device: its clock says the tempo, its controllers and notes move the pad between four ideas. Imported when it is
// asked for, since browsers ask the listener then.
//
//   clock (24 to a beat)     the tempo, once it has held for two beats
//   control change           of the first two controllers that move: left to right, then bottom to top
//   note on                  a corner; four pads of a row of two by two, as they are numbered (36 to 39 and so on): from the bottom left

const CLOCKS_A_BEAT = 24;
/** Beats that are compared. */
const BEATS = 2;
/** A clock that comes later begins anew. */
const GAP_MS = 250;
/** Beats a minute by which a tempo must differ from the one that was told: what clocks waver by is no change. */
const WAVERS = 1;
const CLOCK = 0xf8;
const NOTE_ON = 0x90;
const CONTROL = 0xb0;
const MOST = 127;
/** Of notes by their number: x and y, from the top left. */
const CORNERS: readonly (readonly [x: number, y: number])[] = [
  [0, 1],
  [1, 1],
  [0, 0],
  [1, 0],
];

interface Actions {
  /** Whole beats a minute. */
  tempo: (bpm: number) => void;
  /** Shares of the way from left to right and from top to bottom; undefined stays. */
  move: (x: number | undefined, y: number | undefined) => void;
  /** Names of the devices that are connected: now, and whenever one comes or goes. */
  devices: (names: readonly string[]) => void;
}

export class MidiIn {
  readonly #access: MIDIAccess;
  readonly #actions: Actions;
  readonly #clocks = new Map<string, number[]>(); // times of each device's, ms
  #axes: number[] = []; // controllers that moved, in order
  #told = 0;

  private constructor(access: MIDIAccess, actions: Actions) {
    this.#access = access;
    this.#actions = actions;
    access.onstatechange = () => this.#listen();
    this.#listen();
  }

  /** Asks the browser, which may ask the listener. Throws what the browser says where it may not. */
  static async open(actions: Actions): Promise<MidiIn> {
    return new MidiIn(await navigator.requestMIDIAccess(), actions);
  }

  close(): void {
    this.#access.onstatechange = null;
    for (const input of this.#access.inputs.values()) input.onmidimessage = null;
  }

  #listen(): void {
    const inputs = [...this.#access.inputs.values()].filter(({ state }) => state !== 'disconnected');
    for (const input of inputs) input.onmidimessage = ({ data, timeStamp }) => data && this.#hear(input.id, data, timeStamp);
    this.#actions.devices(inputs.map(({ name, id }) => name ?? id));
  }

  #hear(device: string, [status = 0, first = 0, value = 0]: Uint8Array, time: number): void {
    if (status === CLOCK) this.#tick(device, time);
    else if ((status & 0xf0) === CONTROL) this.#turn(first, value / MOST);
    else if ((status & 0xf0) === NOTE_ON && value > 0) this.#actions.move(...CORNERS[first % CORNERS.length]);
  }

  #turn(controller: number, share: number): void {
    if (!this.#axes.includes(controller) && this.#axes.length < 2) this.#axes.push(controller);
    const axis = this.#axes.indexOf(controller);
    if (axis === 0) this.#actions.move(share, undefined);
    if (axis === 1) this.#actions.move(undefined, 1 - share);
  }

  #tick(device: string, time: number): void {
    const before = this.#clocks.get(device) ?? [];
    const times = time - (before.at(-1) ?? time) > GAP_MS ? [time] : [...before, time].slice(-BEATS * CLOCKS_A_BEAT - 1);
    this.#clocks.set(device, times);
    if (times.length <= BEATS * CLOCKS_A_BEAT) return;
    // A new tempo holds once the last beat is as long as the one before.
    const bpm = (from: number, to: number) => (60_000 * (to - from)) / CLOCKS_A_BEAT / (times[to] - times[from]);
    const [last, now] = [bpm(0, CLOCKS_A_BEAT), bpm(CLOCKS_A_BEAT, BEATS * CLOCKS_A_BEAT)];
    if (!(Math.abs(now - last) <= WAVERS && Math.abs(now - this.#told) > WAVERS && now < Infinity)) return;
    this.#told = Math.round(now);
    this.#actions.tempo(this.#told);
  }
}
