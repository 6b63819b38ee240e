// The timeline: the waveform of what exists, the place that is heard, and a region of it. Imported when the first piece plays.
//
// A click goes there, a drag marks a region; arrows go on and back, “[” and “]” mark where it is.
import type { Region, Snapshot } from '../src/web/index.ts';
import { clock } from './dom.ts';
import { t } from './language.ts';

/** Peaks are kept for so many moments of a second. */
const PEAKS_A_SECOND = 50;
/** What a session keeps, and an endless piece's timeline at its start. */
const KEPT_SECONDS = 600;
const MIN_SECONDS = 20;
/** A drag of fewer pixels is a click; a shorter region is none. */
const DRAG_PIXELS = 6;
const MIN_REGION_SECONDS = 0.1;
const STEPS: Readonly<Record<string, number>> = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1, PageDown: -10, PageUp: 10 };
/** Pixels of the style sheet. */
const BAR = 3;
const GAP = 1;
const COLOURS = ['tint', 'accent', 'line', 'edge', 'ink'] as const;

interface Actions {
  seek: (seconds: number) => void;
  mark: (region: Region | undefined) => void;
}

export class Timeline {
  readonly #canvas: HTMLCanvasElement;
  readonly #actions: Actions;
  #peaks: number[] = []; // of the first channel, or the louder one, one a moment
  #gone = 0; // moments before the first of them, too old to be drawn
  #rate = 0; // Hz
  #count = 0; // samples of the last peak, which is not full yet
  #seconds = 0; // that exist
  #at = 0;
  #total = 0; // seconds that are drawn, from #from on
  #from = 0;
  #region: Region | undefined;
  #drawn = ''; // what the picture shows
  #size = { width: 0, height: 0 }; // of the canvas, CSS pixels: asking it would lay the page out at every report
  #colours: Readonly<Record<string, string>> | undefined;
  #drag: { x: number; seconds: number; moved: boolean } | undefined;

  constructor(canvas: HTMLCanvasElement, actions: Actions) {
    this.#canvas = canvas;
    this.#actions = actions;
    canvas.onpointerdown = (event) => this.#press(event);
    canvas.onpointermove = (event) => this.#move(event);
    canvas.onpointerup = (event) => this.#release(event);
    canvas.onpointercancel = () => (this.#drag = undefined);
    canvas.onkeydown = (event) => this.#key(event);
    const measure = () => (this.#size = { width: canvas.clientWidth, height: canvas.clientHeight });
    measure();
    const anew = () => {
      this.#drawn = '';
      measure();
      this.#colours = undefined;
      this.#draw();
    };
    new ResizeObserver(anew).observe(canvas);
    for (const query of ['(prefers-color-scheme: dark)', '(resolution: 1dppx)']) matchMedia(query).onchange = anew;
  }

  set region(region: Region | undefined) {
    this.#region = region;
    this.#say();
    this.#draw();
  }

  clear(): void {
    this.#peaks = [];
    this.#seconds = this.#count = this.#at = this.#gone = 0;
    this.region = undefined;
  }

  /** The next samples; those from 0 on begin anew, others may take the place of the last ones. */
  push(channels: readonly Float32Array[], sampleRate: number, startSample: number): void {
    if (startSample === 0) {
      this.#peaks = [];
      this.#count = this.#gone = 0;
      this.#rate = sampleRate;
    }
    const [{ length }] = channels;
    const each = Math.round(this.#rate / PEAKS_A_SECOND);
    const over = Math.round(this.#seconds * this.#rate) - startSample;
    if (over > 0 && startSample > 0) {
      const stay = Math.max(0, this.#peaks.length * each - ((each - this.#count) % each) - over); // samples
      this.#peaks.length = Math.ceil(stay / each);
      this.#count = stay % each;
    }
    for (let from = 0; from < length; ) {
      const to = Math.min(length, from + each - this.#count);
      const begun = this.#count > 0 ? (this.#peaks.pop() ?? 0) : 0;
      this.#peaks.push(channels.reduce((peak, channel) => peakOf(channel, from, to, peak), begun));
      this.#count = (this.#count + to - from) % each;
      from = to;
    }
    const most = KEPT_SECONDS * PEAKS_A_SECOND;
    if (this.#peaks.length > 2 * most) this.#gone += this.#peaks.splice(0, most).length;
    this.#seconds = (startSample + length) / sampleRate;
    this.#drawn = ''; // it may have taken the place of as much
    this.#draw();
  }

  /** `playedSeconds` of a piece of `total` seconds, which is endless without. */
  show({ playedSeconds, state }: Snapshot, total: number | undefined): void {
    this.#at = Math.min(playedSeconds, this.#seconds);
    this.#from = total ? 0 : Math.max(0, this.#seconds - KEPT_SECONDS);
    this.#total = (total ?? Math.max(MIN_SECONDS, this.#seconds)) - this.#from;
    // While it plays and is being read, only what the reader does is said.
    if (this.#canvas !== document.activeElement || state !== 'playing') this.#say();
    this.#draw();
  }

  #say(): void {
    const set = (name: string, value: string) => {
      if (this.#canvas.getAttribute(`aria-${name}`) !== value) this.#canvas.setAttribute(`aria-${name}`, value);
    };
    set('disabled', String(this.#seconds === 0));
    set('valuemax', this.#seconds.toFixed(1));
    set('valuenow', this.#at.toFixed(1));
    const { start = 0, end = 0 } = this.#region ?? {};
    const part = end > start ? `; ${t('part from {0} to {1} s', start.toFixed(1), end.toFixed(1))}` : '';
    set('valuetext', t('{0} of {1}', clock(this.#at), clock(this.#seconds)) + part);
  }

  #secondsAt({ clientX }: PointerEvent): number {
    const { left, width } = this.#canvas.getBoundingClientRect();
    const share = Math.max(0, Math.min(1, (clientX - left) / width));
    return Math.min(this.#seconds, this.#from + share * this.#total);
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0 || this.#seconds === 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#drag = { x: event.clientX, seconds: this.#secondsAt(event), moved: false };
  }

  #move(event: PointerEvent): void {
    if (!this.#drag) return;
    this.#drag.moved ||= Math.abs(event.clientX - this.#drag.x) >= DRAG_PIXELS;
    if (this.#drag.moved) this.region = between(this.#drag.seconds, this.#secondsAt(event));
  }

  #release(event: PointerEvent): void {
    const drag = this.#drag;
    this.#drag = undefined;
    if (!drag) return;
    if (drag.moved) this.#mark(between(drag.seconds, this.#secondsAt(event)));
    else this.#actions.seek(drag.seconds);
  }

  #key(event: KeyboardEvent): void {
    if (this.#seconds === 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const { start = 0, end = this.#seconds } = this.#region ?? {};
    const to = event.key === 'Home' ? this.#from : event.key === 'End' ? this.#seconds : this.#at + (STEPS[event.key] ?? Number.NaN);
    // A part may be marked from either of its ends.
    if (event.key === '[') this.#mark(between(this.#at, end));
    else if (event.key === ']') this.#mark(between(start, this.#at));
    else if (to >= Number.NEGATIVE_INFINITY) {
      this.#at = Math.max(this.#from, Math.min(this.#seconds, to));
      this.#actions.seek(this.#at);
      this.#say();
    } else return;
    event.preventDefault();
  }

  #mark(region: Region): void {
    this.region = region.end - region.start >= MIN_REGION_SECONDS ? region : undefined;
    this.#actions.mark(this.#region);
  }

  #draw(): void {
    const { width: clientWidth, height: clientHeight } = this.#size;
    const scale = devicePixelRatio;
    const [width, height] = [Math.round(clientWidth * scale), Math.round(clientHeight * scale)];
    if (width === 0) return;
    // Reports of the sound come ten times a second, and move the place by less than a pixel.
    const { start = 0, end = 0 } = this.#region ?? {};
    const shown = [this.#seconds, this.#from, this.#total, start, end, Math.round((this.#at / this.#total) * width)].join();
    if (shown === this.#drawn) return;
    this.#drawn = shown;
    if (this.#canvas.width !== width || this.#canvas.height !== height) Object.assign(this.#canvas, { width, height });
    const paint = this.#canvas.getContext('2d') as CanvasRenderingContext2D;
    const style = getComputedStyle(this.#canvas);
    this.#colours ??= Object.fromEntries(COLOURS.map((name) => [name, style.getPropertyValue(`--${name}`)]));
    const colours = this.#colours;
    const place = (seconds: number) => ((seconds - this.#from) / this.#total) * clientWidth;
    paint.setTransform(scale, 0, 0, scale, 0, 0);
    paint.clearRect(0, 0, clientWidth, clientHeight);
    const box = (name: (typeof COLOURS)[number], x: number, y: number, w: number, h: number) => {
      paint.fillStyle = colours[name];
      paint.fillRect(x, y, w, h);
    };
    if (end > start) box('tint', place(start), 0, place(end) - place(start), clientHeight);
    for (let x = 0; x < clientWidth; x += BAR + GAP) {
      const peak = this.#peakBetween(x / clientWidth, (x + BAR + GAP) / clientWidth);
      const tall = peak === undefined ? 1 : Math.max(2, peak * (clientHeight - 8));
      const heard = peak !== undefined && x + BAR <= place(this.#at);
      box(heard ? 'accent' : peak === undefined ? 'line' : 'edge', x, (clientHeight - tall) / 2, BAR, tall);
    }
    if (end > start) for (const edge of [start, end]) box('accent', place(edge) - 1, 0, 2, clientHeight);
    if (this.#seconds > 0) box('ink', place(this.#at) - 1, 0, 2, clientHeight);
  }

  /** Of two places of what is drawn, 0 to 1; undefined where nothing exists. */
  #peakBetween(left: number, right: number): number | undefined {
    const moment = (share: number) => (this.#from + share * this.#total) * PEAKS_A_SECOND - this.#gone;
    const [first, last] = [Math.floor(moment(left)), Math.ceil(moment(right))];
    if (first >= this.#peaks.length) return undefined;
    return Math.min(1, Math.max(...this.#peaks.slice(Math.max(0, first), Math.max(first + 1, last))));
  }
}

/** Of the samples from one to another, and of what it was before. A loop as plain as this one is what compilers make fast. */
function peakOf(samples: Float32Array, from: number, to: number, before: number): number {
  let peak = before;
  for (let i = from; i < to; i++) {
    const value = Math.abs(samples[i]);
    if (value > peak) peak = value;
  }
  return peak;
}

const between = (a: number, b: number): Region => ({ start: Math.min(a, b), end: Math.max(a, b) });
