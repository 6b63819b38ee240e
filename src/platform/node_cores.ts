// How many threads can work at once, quotas of containers included: threads beyond a quota wait for each other while all are held back.
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/**
 * Cores for this process: what its affinity allows, at most the whole cores of its cgroups' quota, at least 1. Node asks for the quota by
 * itself from 22.12 on, with versions that count wrongly under 1 core or with cgroups v2 (libuv#4740, node#59200); so it is read here.
 * `read` gives a file's text, undefined where it cannot be read.
 */
export function coresOf(allowed = availableParallelism(), read = textOf): number {
  return Math.max(1, Math.min(allowed, Math.floor(quotaOf(read))));
}

/** Cores that the cgroups of this process may use, the least of all levels; Infinity without a quota. https://docs.kernel.org/admin-guide/cgroup-v2.html */
function quotaOf(read: (path: string) => string | undefined): number {
  let least = Number.POSITIVE_INFINITY;
  for (const line of (read('/proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const unified = controllers === '';
    if (!unified && !controllers?.split(',').includes('cpu')) continue;
    const root = unified ? '/sys/fs/cgroup' : '/sys/fs/cgroup/cpu';
    // A container often sees its own group as the root, under whatever path the host gives it: levels that are not there are passed over.
    for (let at = path ?? '/'; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
      const folder = `${root}${at === '/' ? '' : at}`;
      const [quota, period] = unified
        ? (read(`${folder}/cpu.max`) ?? '').split(' ').map(Number)
        : ['cpu.cfs_quota_us', 'cpu.cfs_period_us'].map((name) => Number(read(`${folder}/${name}`)));
      if (quota !== undefined && period !== undefined && quota > 0 && period > 0) least = Math.min(least, quota / period);
      if (at === '' || at === '/') break;
    }
  }
  return least;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // no Linux, or no such group
  }
}
