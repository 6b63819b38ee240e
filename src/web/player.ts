// Sound out: an AudioContext at the model's rate, with as many channels, the ring of worklet.ts, a volume and an analyser for pictures.
import { MelodyError } from '../errors.ts';
import type { PlayerMessage, PlayerReport } from './worklet.ts';

const FADE_SECONDS = 0.015; // an edge in the middle of a wave clicks; this is short enough to feel immediate
/** An AudioContext that may sound runs well before this, on a busy machine too. */
const START_MS = 3000;

export class Player {
  readonly context: AudioContext;
  readonly analyser: AnalyserNode;
  readonly #ring: AudioWorkletNode;
  readonly #fade: GainNode;
  readonly #volume: GainNode;
  #wishes = 0; // to sound or not: the last one counts
  #wanted = false; // what it was

  private constructor(context: AudioContext, channels: number, onReport: (report: PlayerReport) => void, onState: () => void) {
    this.context = context;
    this.#ring = new AudioWorkletNode(context, 'melody-ring', { numberOfInputs: 0, outputChannelCount: [channels] });
    this.#fade = new GainNode(context, { gain: 0 });
    this.#volume = new GainNode(context);
    this.analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0.5, minDecibels: -95, maxDecibels: -15 });
    this.#ring.connect(this.#fade).connect(this.analyser);
    this.#fade.connect(this.#volume).connect(context.destination);
    this.#ring.port.onmessage = ({ data }: MessageEvent<PlayerReport>) => onReport(data);
    context.onstatechange = () => {
      this.#wake();
      onState();
    };
    document.addEventListener('visibilitychange', this.#wake);
  }

  /** Must be called from a press: browsers keep pages silent until then. `sampleRate` in Hz; `onState`: `running` may have changed. Throws `io`. */
  static async open(sampleRate: number, channels: number, onReport: (report: PlayerReport) => void, onState: () => void): Promise<Player> {
    const context = new AudioContext({ sampleRate, latencyHint: 'playback' });
    context.resume().catch(() => {}); // Safari wants this within the press too
    try {
      await context.audioWorklet.addModule(new URL('./melody-worklet.js', import.meta.url));
      return new Player(context, channels, onReport, onState);
    } catch (cause) {
      void context.close().catch(() => {}); // or it runs on without an owner
      throw new MelodyError('io', `the script that plays sound could not be used: ${cause}`, 'reload the page', { cause });
    }
  }

  /** Whether a page may start to sound when no press was made just now: some browsers want one for every AudioContext. */
  static async mayOpen(): Promise<boolean> {
    const context = new AudioContext();
    const started = await new Promise<boolean>((resolve) => {
      context.onstatechange = () => context.state === 'running' && resolve(true);
      setTimeout(() => resolve(false), START_MS);
      context.resume().catch(() => {});
    });
    void context.close().catch(() => {});
    return started;
  }

  /** Whether the browser plays: it may take its time, or wait for another press. */
  get running(): boolean {
    return this.context.state === 'running';
  }

  /** To be called from a press, before anything is waited for: what the browser held back until then may sound afterwards. */
  unlock(): void {
    this.context.resume().catch(() => {});
  }

  /** 0…1. */
  set volume(value: number) {
    this.#volume.gain.setTargetAtTime(value * value, this.context.currentTime, FADE_SECONDS); // squared: loudness as it is felt
  }

  /** Starts a new piece, heard after `resume` once `startSeconds` of it are here. */
  begin(startSeconds: number): void {
    this.#send({ type: 'clear', startSeconds });
  }

  /** The samples of every channel, which are copied: the page keeps them for saving. */
  push(channels: readonly Float32Array[]): void {
    this.#send({ type: 'samples', channels });
  }

  end(): void {
    this.#send({ type: 'end' });
  }

  /** Fades out and stops; resolves when it is silent, or with false when `resume` came meanwhile. */
  async pause(): Promise<boolean> {
    const wish = ++this.#wishes;
    this.#wanted = false;
    this.#fadeTo(0);
    await new Promise((resolve) => setTimeout(resolve, 4 * FADE_SECONDS * 1000));
    if (wish !== this.#wishes) return false;
    // Not waited for: browsers leave this promise open for as long as a device does not start (or for ever).
    this.context.suspend().catch(() => {});
    return true;
  }

  resume(): void {
    this.#wishes += 1;
    this.#wanted = true;
    this.context.resume().catch(() => {}); // settles only when the browser lets the page sound
    this.#fadeTo(1);
  }

  /** Pauses and forgets the piece. */
  async stop(): Promise<void> {
    if (await this.pause()) this.#send({ type: 'clear', startSeconds: 0 });
  }

  async close(): Promise<void> {
    this.#wanted = false;
    this.context.onstatechange = null;
    document.removeEventListener('visibilitychange', this.#wake);
    this.#ring.disconnect();
    await this.context.close().catch(() => {}); // closed before
  }

  /** Browsers stop sound by themselves: a call, another device, a tab out of sight. It goes on as soon as they allow. */
  #wake = () => {
    if (this.#wanted && !this.running) this.context.resume().catch(() => {});
  };

  #fadeTo(level: number): void {
    this.#fade.gain.cancelScheduledValues(this.context.currentTime);
    this.#fade.gain.setTargetAtTime(level, this.context.currentTime, FADE_SECONDS);
  }

  #send(message: PlayerMessage): void {
    this.#ring.port.postMessage(message);
  }
}
