// hf:owner/name: a model of the Hugging Face hub, from the hub's own cache where a program has brought it there, else from its address.
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { MelodyError } from '../errors.ts';

type Env = Readonly<Record<string, string | undefined>>;

const NAME = /^hf:([A-Za-z0-9][\w.-]{0,95})\/([A-Za-z0-9][\w.-]{0,95})(?:@([A-Za-z0-9][\w./-]{0,127}))?$/;
const COMMIT = /^[0-9a-f]{40}$/;

/**
 * A folder of the hub's cache (HF_HUB_CACHE, else hub in HF_HOME, else ~/.cache/huggingface/hub), or the address of the model at HF_ENDPOINT.
 * The revision is a branch, a tag or a commit, by default main. Throws `invalid_argument`, and `io` where HF_HUB_OFFLINE forbids to fetch it.
 */
export function hubModel(name: string, env: Env = process.env): string {
  const [, owner, model, revision = 'main'] = NAME.exec(name) ?? [];
  if (owner === undefined || model === undefined || revision.includes('..'))
    throw new MelodyError(
      'invalid_argument',
      `"${name}" names no model of the hub`,
      'it looks like hf:facebook/musicgen-small, or hf:facebook/musicgen-small@main',
    );
  const cache = env.HF_HUB_CACHE || join(env.HF_HOME || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'huggingface'), 'hub');
  const home = join(cache, `models--${owner}--${model}`);
  const kept = join(home, 'snapshots', commitOf(home, revision));
  if (existsSync(join(kept, 'config.json'))) return kept;
  if (/^(1|true|yes|on)$/i.test(env.HF_HUB_OFFLINE ?? ''))
    throw new MelodyError('io', `${name}: it is not in ${cache}, and HF_HUB_OFFLINE forbids to fetch it`, 'fetch it while you are online');
  const endpoint = (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  return `${endpoint}/${owner}/${model}/resolve/${encodeURIComponent(revision)}/`;
}

/** The commit that a branch or tag stood at when the hub's cache last looked; a revision that it does not know is taken as a commit. */
function commitOf(home: string, revision: string): string {
  try {
    const commit = readFileSync(join(home, 'refs', revision), 'utf8').trim();
    return COMMIT.test(commit) ? commit : revision;
  } catch {
    return revision;
  }
}
