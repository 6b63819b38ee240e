// The sound as it plays, drawn in a worker (picture_worker.ts), or in the page where a canvas cannot be handed over. The page's thread reads
// the sound and no more; while a picture is drawn the next one waits. With reduced motion it is redrawn once a second, in steps. Where the
// processor draws, half as many pictures as the screen shows leave it to the music.
import type { Drawing, Frame } from './drawing.ts';

const CALM_MS = 1000;
const HALF_MS = 1000 / 30;
/** Frames come so much too soon at times. */
const EARLY_MS = 5;
/** Of beats that are no downbeats. */
const WEAK = 0.5;

export type PictureRequest =
  | { readonly type: 'canvas'; readonly canvas: OffscreenCanvas }
  | { readonly type: 'clear' }
  | { readonly type: 'frame'; readonly frame: Frame };
/** A picture is drawn; its buffers come back. */
export type PictureAnswer = Pick<Frame, 'samples' | 'levels'>;

export class Picture {
  /** A GPU draws, as often as the screen shows a frame. */
  smooth = false;
  #canvas: HTMLCanvasElement;
  readonly #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #worker: Worker | undefined;
  #drawing: Drawing | undefined; // where there is no worker
  #analyser: AnalyserNode | undefined;
  #buffers: PictureAnswer | undefined;
  #running = false;
  #busy = false; // a picture is drawn
  #last = 0;
  #beat = 0;

  constructor(canvas: HTMLCanvasElement) {
    this.#canvas = canvas;
    if (!canvas.transferControlToOffscreen) {
      void this.#drawHere();
      return;
    }
    const worker = new Worker(new URL('./picture_worker.js', import.meta.url), { type: 'module' });
    worker.onmessage = ({ data }: MessageEvent<PictureAnswer>) => {
      this.#buffers = data;
      this.#busy = false;
    };
    worker.onerror = () => {
      worker.terminate();
      this.#worker = undefined;
      const fresh = this.#canvas.cloneNode() as HTMLCanvasElement; // the other one is given away for good
      this.#canvas.replaceWith(fresh);
      this.#canvas = fresh;
      void this.#drawHere();
    };
    this.#worker = worker;
    const given = canvas.transferControlToOffscreen();
    this.#send({ type: 'canvas', canvas: given }, [given]);
  }

  clear(): void {
    this.#beat = 0;
    this.#send({ type: 'clear' });
    this.#drawing?.clear();
  }

  /** Draw as long as `run(undefined)` was not called. */
  run(analyser: AnalyserNode | undefined): void {
    this.#analyser = analyser;
    if (!analyser || this.#running) return;
    this.#running = true;
    this.#last = performance.now();
    requestAnimationFrame(this.#frame);
  }

  /** A beat is heard. */
  beat(isDownbeat: boolean): void {
    this.#beat = isDownbeat ? 1 : Math.max(WEAK, this.#beat);
  }

  #frame = (now: number): void => {
    const analyser = this.#analyser;
    if (!analyser) {
      this.#running = false;
      return;
    }
    requestAnimationFrame(this.#frame);
    const calm = this.#calm.matches;
    const rest = calm ? CALM_MS : this.smooth ? 0 : HALF_MS;
    if (this.#busy || now - this.#last < rest - EARLY_MS) return;
    const seconds = Math.max(0, Math.min(1, (now - this.#last) / 1000));
    this.#last = now;
    const { fftSize, frequencyBinCount } = analyser;
    const { samples, levels } =
      this.#buffers?.samples.length === fftSize
        ? this.#buffers
        : { samples: new Float32Array(fftSize), levels: new Uint8Array(frequencyBinCount) };
    analyser.getFloatTimeDomainData(samples);
    analyser.getByteFrequencyData(levels);
    const frame = { samples, levels, nyquist: analyser.context.sampleRate / 2, seconds, calm, beat: this.#beat };
    this.#beat = 0;
    if (this.#worker) {
      this.#busy = true;
      this.#buffers = undefined;
      this.#send({ type: 'frame', frame }, [samples.buffer, levels.buffer]);
    } else {
      this.#buffers = frame;
      this.#drawing?.draw(frame);
    }
  };

  #send(request: PictureRequest, transfer: Transferable[] = []): void {
    this.#worker?.postMessage(request, transfer);
  }

  async #drawHere(): Promise<void> {
    this.#busy = false;
    const { Drawing } = await import('./drawing.ts');
    this.#drawing = new Drawing(this.#canvas);
  }
}
