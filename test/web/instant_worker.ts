// In place of the page's worker: it answers at once, or as late as a test wants, with a level in place of music.
import type { Page } from 'playwright-core';

export interface Stub {
  /** Aborted jobs do not end while this is set. */
  held: boolean;
  /** How long a chunk of a second takes, ms. */
  chunkMs: number;
  loadMs: number;
  /** Bytes of the model, of one million, that are in this browser. */
  kept: number;
  offline: boolean;
  /** What was asked for, in order. */
  readonly loaded: string[];
  readonly played: { prompt: string; seed: number; styled?: boolean }[];
  readonly steered: { prompt: string }[];
  /** Clips: seconds of what they are made out of, and how. */
  readonly generated: Partial<Record<'seconds' | 'loop' | 'inpaint' | 'init' | 'continued' | 'styled', unknown>>[];
}

/** What the page asks, as far as the stub looks at it. */
interface Body {
  readonly src: string;
  readonly options: {
    readonly prompt: string;
    readonly seed: number;
    readonly durationSeconds?: number;
    readonly loop?: boolean;
    readonly inpaint?: object;
    readonly initAudio?: Sound;
    readonly continueFrom?: Sound;
    readonly promptAudio?: Sound;
  };
  readonly channels: Float32Array[];
  readonly recipe: object;
  readonly aheadSeconds: number;
  readonly samples: number;
  readonly style: { readonly prompt: string };
}
interface Sound {
  readonly channels: Float32Array[];
  readonly sampleRate: number;
}
type Asked = Body & { readonly type: string; readonly id: number };

/** The level that stands for a prompt's music. */
export const levelOf = (prompt: string) => Math.fround(prompt.length / 100);

/** Before the tab opens the page. A prompt with “fail” in it fails after its first second; files saved are JSON: recipe and level. */
export const stubWorker = (tab: Page, set: Partial<Stub> = {}) =>
  tab.addInitScript((set) => {
    const RATE = 24_000;
    const BYTES = 1e6;
    const stub: Stub = {
      held: false,
      chunkMs: 100,
      loadMs: 50,
      kept: 0,
      offline: false,
      loaded: [],
      played: [],
      steered: [],
      generated: [],
      ...set,
    };
    globalThis.stub = stub;
    const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    const fault = (code: string, message: string) => Object.assign(new Error(message), { code });
    const music = (prompt: string, seconds: number) => new Float32Array(seconds * RATE).fill(prompt.length / 100);

    class StubWorker {
      onmessage: (event: { data: object }) => void = () => {};
      readonly #aborted = new Set<number>();
      readonly #heard = new Map<number, number>();

      terminate() {}

      postMessage({ type, id, ...body }: Asked) {
        if (type === 'abort') this.#aborted.add(id);
        else if (type === 'played') this.#heard.set(id, body.samples);
        else if (type === 'steer') stub.steered.push(body.style);
        else
          this.#call(type, id, body).then(
            (value) => this.#say({ type: 'done', id, value }),
            ({ code, message }) => this.#say({ type: 'failed', id, error: { code, message } }),
          );
      }

      #say(data: object) {
        setTimeout(() => this.onmessage({ data }));
      }

      async #unlessAborted(id: number) {
        if (!this.#aborted.has(id)) return;
        while (stub.held) await wait(20);
        throw fault('aborted', 'stopped');
      }

      async #call(type: string, id: number, { src, options, channels, recipe, aheadSeconds }: Body): Promise<unknown> {
        const event = (event: object) => this.#say({ type: 'event', id, event });
        if (stub.offline && (type === 'load' || type === 'describe')) throw fault('io', 'there is no network');
        if (type === 'describe') return { files: [], bytes: BYTES, kept: stub.kept };
        if (type === 'stored') return { entries: stub.kept ? [{ received: stub.kept }] : [], quota: 1e9 };
        if (type === 'measure') return { tempo: 100, key: 'A minor', loudness: -14, duration: channels[0].length / RATE, suspect: [] };
        if (type === 'wav') return new TextEncoder().encode(JSON.stringify({ recipe, level: channels[0][0] }));
        if (type === 'load') {
          stub.loaded.push(src);
          for (let received = stub.kept; received <= BYTES; received += BYTES / 10) {
            await this.#unlessAborted(id);
            event({ type: 'fetching', file: 'a', fileReceived: received, fileTotal: BYTES, received, total: BYTES });
            await wait(stub.loadMs / 10);
          }
          return {
            name: 'stub',
            sampleRate: RATE,
            channels: 1,
            windowSeconds: 4,
            adapter: 'none',
            bindingBytes: 1e8,
            software: false,
            kept: true,
          };
        }
        if (type === 'generate') {
          const { prompt, seed, durationSeconds, loop, inpaint, initAudio, continueFrom, promptAudio } = options;
          const seconds = (sound?: Sound) => sound && sound.channels[0].length / sound.sampleRate;
          stub.generated.push({
            seconds: durationSeconds,
            loop,
            inpaint,
            init: seconds(initAudio),
            continued: seconds(continueFrom),
            styled: seconds(promptAudio),
          });
          const channels = (continueFrom ?? initAudio)?.channels.map(() => music(prompt, 4)) ?? [music(prompt, 4)];
          return { channels, sampleRate: RATE, recipe: { model: 'stub', prompt, seed, loop, durationSeconds: 4 }, beats: [] };
        }
        if (type !== 'stream') return 0;
        const { prompt, seed, durationSeconds = Infinity } = options;
        if (seed < 0) throw fault('invalid_argument', `no seed: ${seed}`);
        stub.played.push({ prompt, seed, ...(options.promptAudio && { styled: true }) });
        event({ type: 'started', recipe: options });
        for (let second = 0; second < durationSeconds; second++) {
          await wait(stub.chunkMs);
          await this.#unlessAborted(id);
          if (prompt.includes('fail') && second === 1) throw fault('gpu', 'the GPU is gone');
          this.#say({ type: 'chunk', id, channels: [music(prompt, 1)], sampleRate: RATE, startSample: second * RATE, speed: 50 });
          while ((second + 1 - aheadSeconds) * RATE > (this.#heard.get(id) ?? 0)) {
            await this.#unlessAborted(id);
            await wait(20);
          }
        }
        return undefined;
      }
    }
    // The engine's alone: the picture is drawn in a worker of its own.
    globalThis.Worker = new Proxy(Worker, {
      construct: (Own, [url, options]: [string | URL, WorkerOptions]) =>
        `${url}`.includes('picture_worker') ? new Own(url, options) : new StubWorker(),
    });
    // It would serve the page's files in place of the test.
    Object.defineProperty(Navigator.prototype, 'serviceWorker', { value: undefined });
  }, set);

declare global {
  var stub: Stub;
}
