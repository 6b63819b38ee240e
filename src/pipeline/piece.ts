// A piece in the making: tokens, latents and which of them are done, all on the host. Old parts can be dropped, so that an endless one stays small.
import type { ModelConfig } from './model.ts';
import type { RunningPhase } from './stages/running_phase.ts';

export class Piece {
  readonly #config: ModelConfig;
  /** Absolute number of the first frame still held; a whole number of chunks. */
  origin = 0;
  /** Frames from the origin to the first chunk: windows begin anew where a piece was cut. */
  offset = 0;
  /** Frames of given audio before the music that is made; absolute. */
  given = 0;
  /** Tokens from the origin on. */
  tokens: Uint32Array = new Uint32Array(0);
  /** Latents from the origin on, [frames · D]. */
  latents: Float32Array = new Float32Array(0);
  /** Which frames from the origin on are done. */
  known: boolean[] = [];
  /** Where decoding stands, for decoders whose phase runs on. */
  phase: RunningPhase | undefined;

  constructor(config: ModelConfig) {
    this.#config = config;
  }

  /** Frames of one chunk: windows start and end on its multiples. */
  get chunkFrames(): number {
    const { window_seconds, frame_rate, chunks } = this.#config;
    return (window_seconds * frame_rate) / chunks;
  }

  /** Absolute number of the frame after the last one. */
  get end(): number {
    return this.origin + this.known.length;
  }

  /** Make room up to `end` (absolute frames, rounded up to a chunk); new frames are unknown. */
  extendTo(end: number): void {
    const frames = Math.ceil((end - this.origin - this.offset) / this.chunkFrames) * this.chunkFrames + this.offset;
    if (frames <= this.known.length) return;
    const latents = new Float32Array(frames * this.#config.latent_dim);
    latents.set(this.latents);
    this.latents = latents;
    this.known = [...this.known, ...new Array<boolean>(frames - this.known.length).fill(false)];
  }

  /** Latents of frames from…to−1, absolute. */
  slice(from: number, to: number): Float32Array {
    const d = this.#config.latent_dim;
    return this.latents.slice((from - this.origin) * d, (to - this.origin) * d);
  }

  /** Take a window's result: its fresh frames are known from now on. */
  accept(from: number, latents: Float32Array, fresh: readonly boolean[]): void {
    const d = this.#config.latent_dim;
    fresh.forEach((made, i) => {
      if (!made) return;
      const at = from - this.origin + i;
      this.latents.set(latents.subarray(i * d, (i + 1) * d), at * d);
      this.known[at] = true;
    });
  }

  /** Where it stands, with all frames known: calling what this gives brings it back. Nothing of it is copied: what is known is not written again. */
  mark(): () => void {
    const { origin, offset, tokens, latents, known } = this;
    return () => void Object.assign(this, { origin, offset, tokens, latents, known });
  }

  /** It ends before this absolute frame, the first of a token; from there on chunks begin anew. */
  cut(end: number): void {
    const frames = end - this.origin;
    this.latents = this.latents.slice(0, frames * this.#config.latent_dim);
    this.known = this.known.slice(0, frames);
    this.tokens = this.tokens.slice(0, frames / this.#config.dual_path.frames_per_token);
    this.offset = frames % this.chunkFrames;
  }

  /** Forget whole chunks before an absolute frame. */
  forgetBefore(frame: number): void {
    const chunks = Math.floor((frame - this.origin) / this.chunkFrames);
    if (chunks <= 0) return;
    const frames = chunks * this.chunkFrames;
    this.origin += frames;
    this.latents = this.latents.slice(frames * this.#config.latent_dim);
    this.known = this.known.slice(frames);
    this.tokens = this.tokens.slice(frames / this.#config.dual_path.frames_per_token);
  }
}
