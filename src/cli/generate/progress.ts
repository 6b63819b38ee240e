// How far it is, for people: one line that is rewritten on a terminal, a plain line now and then elsewhere.
import type { MelodyEvent } from '../../pipeline/options.ts';
import { printableText } from '../../weights/printable.ts';
import type { Io } from '../command.ts';

const EVERY = 0.1; // of the work, between plain lines

export class ProgressLine {
  readonly #io: Io;
  readonly #quiet: boolean;
  readonly #label: string;
  readonly #seconds: number | undefined; // of audio in the making
  readonly #start = performance.now();
  /** Warnings so far. */
  readonly warnings: string[] = [];
  #stage = '';
  #said = 0;
  #open = false; // a rewritten line stands unfinished

  constructor(io: Io, options: { quiet: boolean; label?: string; seconds?: number }) {
    this.#io = io;
    this.#quiet = options.quiet;
    this.#label = options.label ? `${options.label}  ` : '';
    this.#seconds = options.seconds;
  }

  hear(event: MelodyEvent): void {
    if (event.type === 'warning') this.warn(event.message);
    else if (event.type === 'waiting')
      this.#say(`waiting for ${event.file}: its server has sent nothing for 5 s, and is given up after 20`);
    else if (event.type === 'download')
      this.#line('download', event.received / event.total, `${event.file}, ${Math.round(event.total / 1e6)} MB`);
    else if (event.type === 'progress') {
      const spent = (performance.now() - this.#start) / 1000;
      const early = event.fraction < 0.03;
      const speed = this.#seconds === undefined || early ? '' : `, ${((this.#seconds * event.fraction) / spent).toFixed(2)}x real time`;
      const eta = Number.isFinite(event.etaSeconds) && !early ? `ETA ${clock(event.etaSeconds)}` : 'ETA -:--';
      this.#line(event.stage, event.fraction, `${eta}${speed}`);
    }
  }

  warn(message: string): void {
    this.warnings.push(message);
    this.#say(`warning: ${message}`);
  }

  #say(text: string): void {
    if (this.#quiet) return;
    this.close();
    this.#io.err(`${printableText(text)}\n`);
  }

  /** Wipe the rewritten line. */
  close(): void {
    if (this.#open) this.#io.err('\r\u001b[K');
    this.#open = false;
  }

  #line(stage: string, fraction: number, rest: string): void {
    if (this.#quiet) return;
    const text = `${this.#label}${stage.padEnd(9)} ${String(Math.floor(100 * fraction)).padStart(3)} %  ${printableText(rest)}`;
    if (this.#io.terminal) {
      this.#io.err(`\r${text}\u001b[K`);
      this.#open = true;
    } else if (stage !== this.#stage || fraction >= this.#said + EVERY || (fraction === 1 && this.#said < 1)) {
      this.#said = fraction;
      this.#io.err(`${text}\n`);
    }
    this.#stage = stage;
  }
}

/** Minutes and seconds, as 1:05. */
export const clock = (seconds: number): string => {
  const whole = Math.ceil(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`;
};
