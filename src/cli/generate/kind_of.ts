// Which system a model's folder is of, before any of it is opened.
import { type SystemKind, systemOf } from '../../systems/kind.ts';
import { openSystemFolder } from '../../systems/place.ts';
import type { Io, Values } from '../command.ts';
import { openingOptions } from '../opening.ts';

/** What the model's folder holds. Throws `weights` for what cannot be opened. */
export async function kindOf(model: string, values: Values, io: Io): Promise<SystemKind> {
  return (await systemOf(openSystemFolder(model, { ...openingOptions(values, io), cache: true }), io.signal)).kind;
}
