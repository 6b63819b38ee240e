// What was made of a piece so far, for saving: its last ten minutes.

const MAX_SAMPLES = 600 * 24_000; // ten minutes at 24 kHz

export class Recording {
  readonly sampleRate: number;
  readonly #parts: Float32Array[] = [];
  #length = 0;

  constructor(sampleRate: number) {
    this.sampleRate = sampleRate;
  }

  push(samples: Float32Array): void {
    this.#parts.push(samples);
    this.#length += samples.length;
    while (this.#parts.length > 1 && this.#length > MAX_SAMPLES) this.#length -= (this.#parts.shift() as Float32Array).length;
  }

  /** One array; undefined when there is nothing. */
  audio(): { samples: Float32Array; sampleRate: number } | undefined {
    if (this.#length === 0) return undefined;
    const samples = new Float32Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      samples.set(part, at);
      at += part.length;
    }
    return { samples, sampleRate: this.sampleRate };
  }
}
