// What a user means by a model: a folder, an address, or the name of one that is installed.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isHubName, readHubName } from '../platform/node_hub.ts';
import { findModel, isMissing, noModel } from '../platform/node_models.ts';
import type { CommandOption, Values } from './command.ts';

export { DEFAULT_MODEL } from '../platform/node_models.ts';

/** What says that a folder is a model: ours and those of transformers, of diffusers, of stable-audio-tools. */
const MODEL_FILES = ['config.json', 'model_index.json', 'model_config.json'];

/** The option of commands that read addresses. */
export const REDIRECT_HOST: CommandOption = {
  help: 'a host that the address of a model may send on to; may be repeated',
  value: 'host',
  multiple: true,
};

/** What it was given. */
export const redirectHosts = (values: Values): { redirectHosts?: readonly string[] } =>
  Array.isArray(values['redirect-host']) ? { redirectHosts: values['redirect-host'] } : {};

/**
 * An address, a name of the hub or a folder as it stands, or the folder of an installed model. Never another model than asked for. Throws `io`,
 * `invalid_argument`; `hint` is then what to do.
 */
export function locateModel(name: string, hint?: string): string {
  if (isHubName(name)) return readHubName(name).name;
  if (/^https?:/i.test(name) || MODEL_FILES.some((file) => existsSync(join(name, file)))) return name;
  const found = findModel(name) ?? (isMissing(name) ? undefined : name); // of a folder it is said what is in it
  if (found !== undefined) return found;
  throw noModel(name, hint);
}
