// What the picture of the sound looks like: a waveform above, a spectrogram that scrolls below. In a worker, or in the page.

const WAVE_SHARE = 0.3;
const MIN_HZ = 40;
const PIXELS_PER_SECOND = 180; // however fast the screen is redrawn
const QUIETEST_PEAK = 0.05; // quieter sound is not blown up to the full height
const PEAK_HALVES = 3; // seconds
const IDLE_BARS = 72;
const CALM_COLUMN = 16;
const WAVE = [201, 184, 255];
const WAVE_WIDTH = 2.5;
/** A beat makes the waveform brighter and stronger, and fades to half in so many seconds. */
const BEAT_HALVES = 0.09;

/** From quiet to loud, lightness rising evenly; ends of steps as RGB. */
const STOPS = [
  [12, 10, 18],
  [45, 20, 95],
  [110, 30, 125],
  [185, 50, 110],
  [240, 105, 70],
  [252, 180, 80],
  [253, 245, 190],
];

/** The sound at one moment. */
export interface Frame {
  readonly samples: Float32Array<ArrayBuffer>;
  /** Levels from 0 Hz to `nyquist`, 0 to 255. */
  readonly levels: Uint8Array<ArrayBuffer>;
  readonly nyquist: number;
  /** Since the one before. */
  readonly seconds: number;
  /** Frames come once a second, and nothing moves between them. */
  readonly calm: boolean;
  /** How strong a beat began since the one before: 0 none, 1 a downbeat. */
  readonly beat: number;
}

export class Drawing {
  readonly #canvas: HTMLCanvasElement | OffscreenCanvas;
  readonly #paint: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;
  #peak = QUIETEST_PEAK;
  #owed = 0; // pixels of time that passed and are not drawn
  #glow = 0; // of the last beat
  #idle = true;
  readonly #scroll: ImageData; // the spectrogram; a canvas that is drawn onto itself is slower without a GPU
  readonly #pixels: Uint32Array; // of it

  constructor(canvas: HTMLCanvasElement | OffscreenCanvas) {
    this.#canvas = canvas;
    const paint = canvas.getContext('2d', { alpha: false });
    if (!paint) throw new Error('this canvas cannot be drawn on');
    this.#paint = paint as CanvasRenderingContext2D;
    this.#scroll = this.#paint.createImageData(canvas.width, canvas.height - this.#waveHeight);
    this.#pixels = new Uint32Array(this.#scroll.data.buffer);
    this.clear();
  }

  /** At rest: bars that swell and fade, so that the place of the sound is seen. */
  clear(): void {
    this.#idle = true;
    this.#glow = 0;
    const { width, height } = this.#canvas;
    this.#darken(height);
    const step = width / IDLE_BARS;
    for (let i = 0; i < IDLE_BARS; i++) {
      const x = (i + 0.5) / IDLE_BARS;
      const swell = Math.sin(Math.PI * x) ** 1.5;
      const bar = height * (0.02 + 0.5 * swell * (0.35 + 0.65 * Math.abs(Math.sin(i * 0.9) * Math.cos(i * 0.37))));
      this.#paint.fillStyle = `rgb(182 162 255 / ${0.12 + 0.38 * swell})`;
      this.#paint.beginPath();
      this.#paint.roundRect(i * step + step * 0.3, (height - bar) / 2, step * 0.4, bar, step * 0.2);
      this.#paint.fill();
    }
  }

  draw(frame: Frame): void {
    if (this.#idle) this.#pixels.fill(SHADES[0]);
    this.#idle = false;
    this.#drawWave(frame);
    this.#owed = frame.calm ? CALM_COLUMN : this.#owed + frame.seconds * PIXELS_PER_SECOND;
    const columns = Math.floor(this.#owed);
    this.#owed -= columns;
    if (columns > 0) this.#drawColumn(frame, columns);
  }

  #darken(height: number): void {
    this.#paint.fillStyle = rgb(STOPS[0]);
    this.#paint.fillRect(0, 0, this.#canvas.width, height);
  }

  /** As high as the loudest of the last moments, so that quiet music is seen too. */
  #drawWave({ samples, seconds, beat, calm }: Frame): void {
    const faded = Math.max(QUIETEST_PEAK, this.#peak * 0.5 ** (seconds / PEAK_HALVES));
    this.#peak = samples.reduce((peak, value) => Math.max(peak, Math.abs(value)), faded);
    this.#glow = calm ? 0 : Math.max(beat, this.#glow * 0.5 ** (seconds / BEAT_HALVES));
    this.#darken(this.#waveHeight);
    const colour = WAVE.map((value) => Math.round(value + this.#glow * (255 - value)));
    this.#line((x) => samples[Math.min(samples.length - 1, Math.floor(x * samples.length))] / this.#peak, rgb(colour));
  }

  /** f: place 0…1 → value −1…1. */
  #line(f: (x: number) => number, colour: string): void {
    const paint = this.#paint;
    const middle = this.#waveHeight / 2;
    paint.beginPath();
    for (let x = 0; x <= this.#canvas.width; x += 2) {
      const y = middle - Math.max(-1, Math.min(1, f(x / this.#canvas.width))) * (middle - 6);
      if (x === 0) paint.moveTo(x, y);
      else paint.lineTo(x, y);
    }
    paint.strokeStyle = colour;
    paint.lineWidth = WAVE_WIDTH * (1 + this.#glow);
    paint.lineJoin = 'round';
    paint.stroke();
  }

  #drawColumn({ levels, nyquist }: Frame, columnWidth: number): void {
    const { width, height } = this.#scroll;
    const pixels = this.#pixels.copyWithin(0, columnWidth); // what so comes to the end of a row from the next one is drawn over
    for (let row = 0; row < height; row++) {
      const hz = MIN_HZ * (nyquist / MIN_HZ) ** (1 - row / height); // octaves are of equal height
      const at = Math.min(levels.length - 1.001, (hz / nyquist) * levels.length);
      const low = Math.floor(at);
      const level = Math.round(levels[low] * (1 - at + low) + levels[low + 1] * (at - low));
      pixels.fill(SHADES[level], (row + 1) * width - columnWidth, (row + 1) * width);
    }
    this.#paint.putImageData(this.#scroll, 0, this.#waveHeight);
  }

  get #waveHeight(): number {
    return Math.round(this.#canvas.height * WAVE_SHARE);
  }
}

const rgb = ([r, g, b]: readonly number[]) => `rgb(${r} ${g} ${b})`;

/** The colour of each level, 0 to 255, as a pixel of ImageData. */
const SHADES = Uint32Array.from({ length: 256 }, (_, level) => {
  const at = Math.max(0, Math.min(1, (level / 255) * 1.1 - 0.05)) * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(at));
  const colour = STOPS[low].map((value, i) => Math.round(value + (STOPS[low + 1][i] - value) * (at - low)));
  return new Uint32Array(Uint8Array.of(...colour, 255).buffer)[0];
});
