// Node: hf:owner/name@revision, a model of the Hugging Face hub: the folder that the hub's own programs keep of it, or else its files at the hub.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { MelodyError } from '../errors.ts';
import { type ByteFolder, checkFileName } from './bytes.ts';
import { checkAddress } from './http.ts';
import { HUB_STORES } from './hub_stores.ts';
import { diskFacts, diskStore, homeFolder } from './node_cache.ts';
import { checkHost, followInNode } from './node_fetch.ts';
import { diskFolder } from './node_files.ts';
import type { OpenOptions } from './platform.ts';

type Env = Readonly<Record<string, string | undefined>>;
/** A folder at a path or an address, with what its server wants. */
export type OpenPlace = (address: string, options: OpenOptions) => ByteFolder;

const NAME = /^hf:([A-Za-z0-9][\w.-]{0,95})\/([A-Za-z0-9][\w.-]{0,95})(?:@([A-Za-z0-9][\w./-]{0,127}))?$/;
const COMMIT = /^[0-9a-f]{40}$/;
const TIMEOUT_MS = 20_000;
/** Files of which every model has one. */
const CONFIGS = ['config.json', 'model_index.json'];

interface HubName {
  readonly name: string;
  readonly owner: string;
  readonly model: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/** Does a text name a model of the hub, well or badly? */
export const isHubName = (text: string): boolean => /^hf:/i.test(text);

/** The parts of "hf:owner/name" or "hf:owner/name@revision"; the revision is main where none is named. Throws `invalid_argument`. */
export function readHubName(name: string): HubName {
  const [, owner, model, revision = 'main'] = NAME.exec(name) ?? [];
  if (owner !== undefined && model !== undefined && !revision.includes('..')) return { name, owner, model, revision };
  throw new MelodyError(
    'invalid_argument',
    `"${name}" names no model of the hub`,
    'it looks like hf:facebook/musicgen-small, or hf:facebook/musicgen-small@main',
  );
}

/**
 * The files of a model of the hub. Of the environment it heeds HF_HUB_CACHE and HF_HOME (what the hub's programs have fetched is read where it
 * lies), HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE. What is fetched is that of one commit, however the branch moves meanwhile, and large files have
 * the SHA-256 that the hub states. Throws `invalid_argument`; `open` on it `io`.
 */
export function hubFolder(name: string, options: OpenOptions, openPlace: OpenPlace, env: Env = process.env): ByteFolder {
  const hub = readHubName(name);
  checkHost(checkAddress(endpointOf(env)), options.allowedHosts);
  const kept = snapshotOf(hub, env);
  if (kept !== undefined) return { ...openPlace(kept, {}), part: (part) => diskFolder(join(kept, part)) };
  let place: Promise<PlaceOfPart> | undefined;
  const found = () => {
    place ??= findPlace(hub, options, openPlace, env);
    place.catch(() => {
      place = undefined; // it may be tried again
    });
    return place;
  };
  const folder = (part?: string): ByteFolder => ({
    name: `${name.replace(/@.*/, '')}${part === undefined ? '' : `/${part}`}`,
    open: async (file, signal) => (await found())(part).open(file, signal),
  });
  return { ...folder(), part: folder, identity: async (signal) => (await found())(undefined).identity?.(signal) };
}

/** A model's folder, or one of those in it. */
type PlaceOfPart = (part: string | undefined) => ByteFolder;

const hubCache = (env: Env): string =>
  env.HF_HUB_CACHE || join(env.HF_HOME || join(env.XDG_CACHE_HOME || join(homeFolder() ?? '', '.cache'), 'huggingface'), 'hub');

/** The folder in the hub's cache that holds the model whole: programs that only look at a model fetch its config.json alone. */
function snapshotOf({ owner, model, revision }: HubName, env: Env): string | undefined {
  try {
    const home = join(hubCache(env), `models--${owner}--${model}`);
    const folder = join(home, 'snapshots', commitIn(home, revision));
    return CONFIGS.some((file) => existsSync(join(folder, file))) && holdsWeights(folder, true) ? folder : undefined;
  } catch {
    return undefined; // there is none
  }
}

/** Are there weights in the folder, or with `below` in one of those in it? */
const holdsWeights = (folder: string, below: boolean): boolean =>
  readdirSync(folder, { withFileTypes: true }).some(
    (entry) => entry.name.endsWith('.safetensors') || (below && entry.isDirectory() && holdsWeights(join(folder, entry.name), false)),
  );

/** The commit that a branch or tag stood at when the hub's cache last looked; a revision that it does not know is taken as a commit. */
function commitIn(home: string, revision: string): string {
  try {
    const commit = readFileSync(join(home, 'refs', revision), 'utf8').trim();
    return COMMIT.test(commit) ? commit : revision;
  } catch {
    return revision;
  }
}

const endpointOf = (env: Env): string => (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');

async function findPlace(hub: HubName, options: OpenOptions, openPlace: OpenPlace, env: Env): Promise<PlaceOfPart> {
  const addressAt = (revision: string) => `${endpointOf(env)}/${hub.owner}/${hub.model}/resolve/${encodeURIComponent(revision)}/`;
  const fact = `commit of ${addressAt(hub.revision)}`;
  const facts = diskFacts();
  const fetched = async () => keptFolder(addressAt((await facts.get(fact)) ?? hub.revision));
  if (/^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? '')) {
    const folder = await fetched();
    if (folder) return folder;
    throw new MelodyError(
      'io',
      `${hub.name}: it is neither in ${hubCache(env)} nor among melody's own downloads, and HF_HUB_OFFLINE forbids to fetch it`,
      'fetch it while you are online',
    );
  }
  let commit: string | undefined;
  try {
    commit = await commitAt(hub, addressAt(hub.revision), env, options);
  } catch (error) {
    const away = error instanceof MelodyError && error.code === 'io' && !(error instanceof Refused);
    const folder = away && options.cache ? await fetched() : undefined;
    if (folder) return folder;
    throw error;
  }
  if (options.cache && commit !== undefined) await facts.set(fact, commit);
  const redirectHosts = [...(options.redirectHosts ?? []), ...HUB_STORES];
  const how = { ...options, ...(env.HF_TOKEN && { token: env.HF_TOKEN }), redirectHosts };
  return (part) => openPlace(within(addressAt(commit ?? hub.revision), part), how);
}

const within = (address: string, part: string | undefined) => (part === undefined ? address : `${address}${encodeURIComponent(part)}/`);

/** What was fetched before from this address, and nothing else; undefined where that holds no model. */
async function keptFolder(address: string): Promise<PlaceOfPart | undefined> {
  const folder: PlaceOfPart = (part) => ({
    name: within(address, part),
    async open(file) {
      checkFileName(address, file);
      return (await diskStore(new URL(encodeURIComponent(file), within(address, part)).href).complete())?.source;
    },
  });
  for (const file of CONFIGS) if (await folder(undefined).open(file)) return folder;
  return undefined;
}

/** An answer that says no. */
class Refused extends MelodyError {}

/** The commit that a revision stands at now, where the server says so. Throws `io`. */
async function commitAt({ name, revision }: HubName, address: string, env: Env, options: OpenOptions): Promise<string | undefined> {
  const url = checkAddress(`${address}config.json`);
  const { signal, fetch } = options;
  let commit: string | undefined;
  const follow = followInNode(HUB_STORES, {
    ...(env.HF_TOKEN && { token: env.HF_TOKEN }),
    fetch,
    onHop: (headers) => {
      commit ??= headers.get('x-repo-commit') ?? undefined;
    },
  });
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  let status: number;
  try {
    ({ status } = await follow(url, { method: 'HEAD', signal: signal ? AbortSignal.any([signal, limit]) : limit }));
  } catch (cause) {
    if (cause instanceof MelodyError) throw cause;
    if (signal?.aborted) throw new MelodyError('aborted', `${name}: loading was aborted`);
    throw new MelodyError('io', `${name}: ${url.host} cannot be reached`, 'check the network; HF_ENDPOINT names another hub', { cause });
  }
  if (status === 401 || status === 403)
    throw new Refused(
      'io',
      `${name}: ${url.host} does not show it (status ${status})`,
      env.HF_TOKEN
        ? 'check its name, and that HF_TOKEN may read it: some models want their terms accepted on their page first'
        : 'check its name; if it is not public, set HF_TOKEN to a token that may read it',
    );
  if (status === 404 && commit === undefined) return undefined; // perhaps a model without config.json: the reader says what is missing
  if (status >= 500) throw new MelodyError('io', `${name}: ${url.host} answers with status ${status}`, 'try again later');
  return commit !== undefined && COMMIT.test(commit) ? commit : COMMIT.test(revision) ? revision : undefined;
}
