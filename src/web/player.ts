// Sound out: an AudioContext at the model's rate, or the page's own, the ring of worklet.ts, a volume and an analyser for pictures.
import { MelodyError } from '../errors.ts';
import type { PlayerMessage, PlayerReport, RingOptions } from './worklet.ts';

const VOLUME_SECONDS = 0.015; // a step of it in the middle of a wave clicks
/** What sounds is silent well before this, on a busy machine too; a device that stands does not say so. */
const SILENT_MS = 300;
/** A device that is let go of takes its time to start again: what is played next within this does without. */
const REST_MS = 2000;
/** An AudioContext that may sound runs well before this, on a busy machine too. */
const START_MS = 3000;

/** Where the sound goes instead of a context of our own. */
export interface Outlet {
  /** The page's own context, of any rate: it is neither suspended nor closed, and started at a press alone. */
  readonly context: AudioContext;
  /** What the sound is connected to. */
  readonly output: AudioNode;
}

export class Player {
  readonly context: AudioContext;
  readonly analyser: AnalyserNode;
  readonly #ring: AudioWorkletNode;
  readonly #lent: boolean;
  readonly #volume: GainNode;
  readonly #onState: () => void;
  #piece = 0; // what is told of an earlier one comes too late
  #wishes = 0; // to sound or not: the last one counts
  #onSilence = () => {};
  #rest: ReturnType<typeof setTimeout> | 0 | undefined = 0; // until the device is let go of; undefined while it is to sound, or fades out

  private constructor(
    context: AudioContext,
    { sampleRate, channels, outlet }: { sampleRate: number; channels: number; outlet: Outlet | undefined },
    onReport: (report: PlayerReport) => void,
    onState: () => void,
  ) {
    this.context = context;
    this.#lent = outlet !== undefined;
    const processorOptions: RingOptions = { inputRate: outlet ? sampleRate : context.sampleRate };
    this.#ring = new AudioWorkletNode(context, 'melody-ring', { numberOfInputs: 0, outputChannelCount: [channels], processorOptions });
    this.#volume = new GainNode(context);
    this.analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0.5, minDecibels: -95, maxDecibels: -15 });
    this.#ring.connect(this.analyser);
    this.#ring.connect(this.#volume).connect(outlet?.output ?? context.destination);
    this.#ring.port.onmessage = ({ data }: MessageEvent<PlayerReport>) => {
      if (data.piece !== this.#piece) return;
      onReport(data);
      if (data.still) this.#onSilence();
    };
    this.#onState = () => {
      this.#wake();
      onState();
    };
    context.addEventListener('statechange', this.#onState);
    document.addEventListener('visibilitychange', this.#wake);
  }

  /** Must be called from a press: browsers keep pages silent until then. `sampleRate` in Hz; `onState`: `running` may have changed. Throws `io`. */
  static async open(
    form: { sampleRate: number; channels: number; outlet: Outlet | undefined },
    onReport: (report: PlayerReport) => void,
    onState: () => void,
  ): Promise<Player> {
    const context = form.outlet?.context ?? new AudioContext({ sampleRate: form.sampleRate, latencyHint: 'playback' });
    context.resume().catch(() => {}); // Safari wants this within the press too
    try {
      await context.audioWorklet.addModule(new URL('./melody-worklet.js', import.meta.url));
      return new Player(context, form, onReport, onState);
    } catch (cause) {
      if (!form.outlet) void context.close().catch(() => {}); // or it runs on without an owner
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
    this.context.resume().catch(() => {}); // settles only when the browser lets the page sound
  }

  /** What leaves the sound device now, seconds of the context. */
  get heardTime(): number {
    const { contextTime = 0, performanceTime = 0 } = this.context.getOutputTimestamp?.() ?? {};
    if (contextTime > 0) return contextTime + (performance.now() - performanceTime) / 1000;
    return this.context.currentTime - (this.context.outputLatency || 0);
  }

  /** What is heard of it, after its volume. */
  get output(): AudioNode {
    return this.#volume;
  }

  /** 0…1. */
  set volume(value: number) {
    // A device asks for so much at once: of a time that has passed by then, the curve would begin in its middle.
    const { currentTime, baseLatency = 0 } = this.context;
    this.#volume.gain.setTargetAtTime(value, currentTime + baseLatency, VOLUME_SECONDS);
  }

  /** Starts a new piece, heard after `resume` once `startSeconds` of it are here; it fades in where it begins `within` a wave. */
  begin(startSeconds: number, within = false): void {
    this.#send({ type: 'clear', startSeconds, piece: ++this.#piece, within });
  }

  /** The samples of every channel, which are copied: the page keeps them for saving. `at`: of the piece, in place of what waits from there on. */
  push(given: readonly Float32Array[], at?: number): void {
    const channels = given.map((channel) => channel.slice()); // sent as they are they would be copied with all that their buffers hold, twice
    this.#send(
      { type: 'samples', channels, at },
      channels.map(({ buffer }) => buffer),
    );
  }

  end(): void {
    this.#send({ type: 'end' });
  }

  /** Fades out and stops; resolves when it is silent, or with false when `resume` came meanwhile. */
  async pause(): Promise<boolean> {
    const wish = ++this.#wishes;
    this.#send({ type: 'hold', held: true });
    if (this.#rest === undefined) {
      await new Promise<void>((resolve) => {
        this.#onSilence = resolve;
        setTimeout(resolve, this.running ? SILENT_MS : 0);
      });
      if (wish !== this.#wishes) return false;
    }
    clearTimeout(this.#rest);
    // Not waited for: browsers leave this promise open for as long as a device does not start (or for ever).
    this.#rest = setTimeout(() => this.#lent || this.context.suspend().catch(() => {}), REST_MS);
    return true;
  }

  resume(): void {
    this.#wishes += 1;
    clearTimeout(this.#rest);
    this.#rest = undefined;
    this.#send({ type: 'hold', held: false });
    this.unlock();
  }

  /** Pauses and forgets the piece. */
  async stop(): Promise<void> {
    if (await this.pause()) this.begin(0);
  }

  /** Fades out, and lets go of all that it took. */
  async close(): Promise<void> {
    await this.pause();
    clearTimeout(this.#rest);
    this.context.removeEventListener('statechange', this.#onState);
    document.removeEventListener('visibilitychange', this.#wake);
    this.#send({ type: 'close' });
    this.#ring.disconnect();
    if (!this.#lent) await this.context.close().catch(() => {}); // closed before
  }

  /** Browsers stop sound by themselves: a call, another device, a tab out of sight. It goes on as soon as they allow; a page does so with its own context. */
  #wake = () => {
    if (!this.#lent && this.#rest === undefined && !this.running) this.unlock();
  };

  #send(message: PlayerMessage, transfer: Transferable[] = []): void {
    this.#ring.port.postMessage(message, transfer);
  }
}
