// Cores that a process may use where containers have quotas: the kernel's files as Docker, Kubernetes and systemd leave them.
import { expect, it } from 'vitest';
import { coresOf } from '../../src/platform/node_cores.ts';

const among = (files: Record<string, string>) => (path: string) => files[path];

it.each([
  ['no Linux', {}, 8],
  ['cgroups v2, no quota', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' }, 8],
  ['v2 in a container: two cores', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '200000 100000\n' }, 2],
  ['v2, half a core', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '50000 100000\n' }, 1],
  ['v2, one and a half', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '150000 100000\n' }, 1],
  ['v2, more than there is', { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '3200000 100000\n' }, 8],
  [
    'v2, a quota on a level above',
    {
      '/proc/self/cgroup': '0::/user.slice/run.scope\n',
      '/sys/fs/cgroup/user.slice/run.scope/cpu.max': 'max 100000\n',
      '/sys/fs/cgroup/user.slice/cpu.max': '300000 100000\n',
    },
    3,
  ],
  [
    'v2, the path of the host, the files at the root',
    { '/proc/self/cgroup': '0::/docker/0123\n', '/sys/fs/cgroup/cpu.max': '400000 100000\n' },
    4,
  ],
  [
    'cgroups v1',
    {
      '/proc/self/cgroup': '11:memory:/\n4:cpu,cpuacct:/docker/0123\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '250000\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    },
    2,
  ],
  [
    'v1 without a quota',
    {
      '/proc/self/cgroup': '4:cpu,cpuacct:/\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n',
      '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
    },
    8,
  ],
])('%s', (_, files, cores) => {
  expect(coresOf(8, among(files as Record<string, string>))).toBe(cores);
});

it('is a whole number of at least 1 here', () => {
  expect(coresOf()).toBeGreaterThanOrEqual(1);
  expect(Number.isInteger(coresOf())).toBe(true);
});
