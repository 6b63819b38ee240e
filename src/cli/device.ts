// --device and --threads, which several commands have.
import { MelodyError } from '../errors.ts';
import { numberValue, textValue, type Values } from './command.ts';

const DEVICES = ['auto', 'gpu', 'cpu'] as const;

/** Throws `invalid_argument`. */
export function deviceOptions(values: Values): { device: (typeof DEVICES)[number]; threads?: number } {
  const text = textValue(values, 'device') ?? 'auto';
  const device = DEVICES.find((name) => name === text);
  if (!device) throw new MelodyError('invalid_argument', `--device: got "${text}", expected ${DEVICES.join(', ')}`);
  const threads = numberValue(values, 'threads', { min: 1, max: 64, whole: true });
  return { device, ...(threads !== undefined && { threads }) };
}
