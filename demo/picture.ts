// The sound as it plays: a waveform above, a spectrogram that scrolls below. With reduced motion it is redrawn once a second, in steps.

const WAVE_SHARE = 0.3;
const MIN_HZ = 40;
const PIXELS_PER_SECOND = 180; // however fast the screen is redrawn
const QUIETEST_PEAK = 0.05; // quieter sound is not blown up to the full height
const PEAK_HALVES = 3; // seconds
const IDLE_BARS = 72;
const CALM_MS = 1000;
const CALM_COLUMN = 16;

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

export class Picture {
  readonly #canvas: HTMLCanvasElement;
  readonly #paint: CanvasRenderingContext2D;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #analyser: AnalyserNode | undefined;
  #running = false;
  #last = 0;
  #peak = QUIETEST_PEAK;
  #owed = 0; // pixels of time that passed and are not drawn
  #idle = true;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    this.#paint = canvas.getContext('2d', { alpha: false }) as CanvasRenderingContext2D;
    this.clear();
  }

  clear(): void {
    this.#idle = true;
    const { width, height } = this.#canvas;
    this.#paint.fillStyle = rgb(STOPS[0]);
    this.#paint.fillRect(0, 0, width, height);
    // At rest: bars that swell and fade, so that the place of the sound is seen.
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

  /** Draw as long as `run(undefined)` was not called. */
  run(analyser: AnalyserNode | undefined): void {
    this.#analyser = analyser;
    if (!analyser || this.#running) return;
    this.#running = true;
    this.#last = performance.now();
    if (this.#idle) {
      this.#idle = false;
      this.#paint.fillStyle = rgb(STOPS[0]);
      this.#paint.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
    }
    requestAnimationFrame(this.#frame);
  }

  #frame = (now: number): void => {
    const analyser = this.#analyser;
    if (!analyser) {
      this.#running = false;
      return;
    }
    requestAnimationFrame(this.#frame);
    if (this.#calm.matches && now - this.#last < CALM_MS) return;
    const seconds = Math.min(1, (now - this.#last) / 1000);
    this.#last = now;
    this.#drawWave(analyser, seconds);
    this.#owed = this.#calm.matches ? CALM_COLUMN : this.#owed + seconds * PIXELS_PER_SECOND;
    const columns = Math.floor(this.#owed);
    this.#owed -= columns;
    if (columns > 0) this.#drawColumn(analyser, columns);
  };

  /** As high as the loudest of the last moments, so that quiet music is seen too. */
  #drawWave(analyser: AnalyserNode, seconds: number): void {
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    const faded = Math.max(QUIETEST_PEAK, this.#peak * 0.5 ** (seconds / PEAK_HALVES));
    this.#peak = samples.reduce((peak, value) => Math.max(peak, Math.abs(value)), faded);
    this.#paint.fillStyle = rgb(STOPS[0]);
    this.#paint.fillRect(0, 0, this.#canvas.width, this.#waveHeight);
    this.#line((x) => samples[Math.min(samples.length - 1, Math.floor(x * samples.length))] / this.#peak, '#c9b8ff');
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
    paint.lineWidth = 2.5;
    paint.lineJoin = 'round';
    paint.stroke();
  }

  #drawColumn(analyser: AnalyserNode, columnWidth: number): void {
    const { width, height } = this.#canvas;
    const top = this.#waveHeight;
    const rows = height - top;
    const levels = new Uint8Array(analyser.frequencyBinCount);
    analyser.getByteFrequencyData(levels);
    this.#paint.drawImage(this.#canvas, columnWidth, top, width - columnWidth, rows, 0, top, width - columnWidth, rows);
    const column = this.#paint.createImageData(columnWidth, rows);
    const nyquist = analyser.context.sampleRate / 2;
    for (let row = 0; row < rows; row++) {
      const hz = MIN_HZ * (nyquist / MIN_HZ) ** (1 - row / rows); // octaves are of equal height
      const at = Math.min(levels.length - 1.001, (hz / nyquist) * levels.length);
      const low = Math.floor(at);
      const level = (levels[low] * (1 - at + low) + levels[low + 1] * (at - low)) / 255;
      const colour = shade(level);
      for (let x = 0; x < columnWidth; x++) column.data.set([...colour, 255], 4 * (row * columnWidth + x));
    }
    this.#paint.putImageData(column, width - columnWidth, top);
  }

  get #waveHeight(): number {
    return Math.round(this.#canvas.height * WAVE_SHARE);
  }
}

const rgb = ([r, g, b]: readonly number[]) => `rgb(${r} ${g} ${b})`;

function shade(level: number): number[] {
  const at = Math.max(0, Math.min(1, level * 1.1 - 0.05)) * (STOPS.length - 1);
  const low = Math.min(STOPS.length - 2, Math.floor(at));
  return STOPS[low].map((value, i) => Math.round(value + (STOPS[low + 1][i] - value) * (at - low)));
}
