// What a reader of one kind of file gives to melody inspect.
import type { ByteSource } from '../platform/bytes.ts';
import type { InspectOptions } from './inspect_weights.ts';

/** What there is to say of a file or folder. */
export interface Report {
  /** For --json. */
  readonly json: object;
  /** For people; names from files escaped. */
  readonly text: string;
  /** False makes the exit code 1. */
  readonly sound: boolean;
}

export type Reader = (source: ByteSource, options: InspectOptions) => Promise<Report>;
