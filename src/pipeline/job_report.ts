// What a job took, for whoever watches this process: in Node the event `melody:job` of node:diagnostics_channel (docs/architecture.md).
import { platform } from '#platform';
import type { Engine } from '../engine/engine.ts';
import { MelodyError } from '../errors.ts';
import type { Model } from './model.ts';
import type { Stage } from './options.ts';

export interface JobReport {
  readonly kind: 'clip' | 'stream';
  readonly model: string;
  readonly adapter: string;
  readonly seed: number;
  /** Seconds of audio made so far. */
  audioSeconds: number;
  /** Seconds that it waited for its turns, and had them. */
  waitingSeconds: number;
  totalSeconds: number;
  /** Seconds of computing in each stage. */
  stages?: Readonly<Record<Stage, number>>;
  /** Most bytes of device memory at one time, with all that was there before. */
  peakBytes?: number;
  /** Code of the error that ended it. */
  error?: string;
}

export const jobReport = (kind: 'clip' | 'stream', { model, device }: Engine<Model>, seed: number): JobReport => ({
  kind,
  model: model.name,
  adapter: device.caps.name,
  seed,
  audioSeconds: 0,
  waitingSeconds: 0,
  totalSeconds: 0,
});

/** Publishes it; `error` is what ended the job early. */
export function publishJob(report: JobReport, { device }: Engine<Model>, error?: unknown): void {
  if (error) report.error = error instanceof MelodyError ? error.code : 'unknown';
  report.peakBytes = device.memory.peakBytes;
  platform.publish?.('melody:job', report);
}
