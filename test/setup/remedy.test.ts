import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { chooseRemedy, manualCommands, readMachine } from '../../tools/setup/driver.mjs';

/** A machine as its os-release file tells it. */
function machine(osRelease: string, platform = 'linux') {
  const file = join(tmpdir(), `melody-os-release-${process.pid}`);
  writeFileSync(file, osRelease);
  return readMachine({ platform, osRelease: file });
}

const advice = (m: ReturnType<typeof machine>) => {
  const remedy = chooseRemedy(m);
  return remedy.kind === 'advice' ? remedy.lines.join('\n') : `apt ${remedy.packages.join(' ')} ${remedy.backports ?? ''}`.trim();
};

test('os-release: quotes of both kinds and none', () => {
  const m = machine(`PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID='12'\nID=debian\nVERSION_CODENAME=bookworm\n`);
  expect(m).toMatchObject({ name: 'Debian GNU/Linux 12 (bookworm)', version: 12, id: 'debian', codename: 'bookworm', platform: 'linux' });
});

test('a machine without os-release is no error', () => {
  expect(readMachine({ platform: 'linux', osRelease: '/does/not/exist' })).toMatchObject({ id: '', name: 'linux' });
});

test.each([
  ['Debian 12 takes backports', 'ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm', 'apt mesa-vulkan-drivers libvulkan1 bookworm'],
  ['Debian 13 takes its own', 'ID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie', 'apt mesa-vulkan-drivers libvulkan1'],
  ['Debian testing has no number', 'ID=debian\nVERSION_CODENAME=forky', 'apt mesa-vulkan-drivers libvulkan1'],
  ['Ubuntu takes its own', 'ID=ubuntu\nVERSION_ID="24.04"\nID_LIKE=debian', 'apt mesa-vulkan-drivers libvulkan1'],
  ['Mint is like Ubuntu', 'ID=linuxmint\nVERSION_ID="22"\nID_LIKE="ubuntu debian"', 'apt mesa-vulkan-drivers libvulkan1'],
])('%s', (_name, osRelease, expected) => {
  expect(advice(machine(osRelease))).toBe(expected);
});

test.each([
  ['Debian 11', 'ID=debian\nVERSION_ID="11"', /Debian 12 or newer/],
  ['Fedora', 'ID=fedora\nVERSION_ID=41', /dnf install mesa-vulkan-drivers vulkan-loader/],
  ['Rocky', 'ID=rocky\nID_LIKE="rhel centos fedora"', /dnf install/],
  ['Arch', 'ID=arch', /pacman -S vulkan-icd-loader vulkan-swrast/],
  ['Manjaro', 'ID=manjaro\nID_LIKE=arch', /pacman/],
  ['openSUSE', 'ID="opensuse-leap"\nID_LIKE="suse opensuse"', /zypper install libvulkan1 libvulkan_lvp/],
  ['Alpine', 'ID=alpine', /glibc/],
  ['an unknown Linux', 'ID=plan9', /libvulkan\.so\.1/],
])('%s is told what to install', (_name, osRelease, expected) => {
  expect(advice(machine(osRelease))).toMatch(expected);
});

test('macOS and Windows have their driver', () => {
  expect(advice(machine('', 'darwin'))).toMatch(/Metal/);
  expect(advice(machine('', 'win32'))).toMatch(/Direct3D 12/);
});

test('the commands by hand name this machine’s mirror, or say that one is wanted', () => {
  const remedy = { kind: 'apt' as const, packages: ['mesa-vulkan-drivers'], backports: 'bookworm' };
  expect(manualCommands(remedy, 'sudo', '/does/not/exist')).toEqual([
    "echo 'deb <your Debian mirror> bookworm-backports main' | sudo tee /etc/apt/sources.list.d/bookworm-backports.list",
    'sudo apt-get update',
    'sudo apt-get install -t bookworm-backports mesa-vulkan-drivers',
  ]);
  expect(manualCommands({ kind: 'apt', packages: ['mesa-vulkan-drivers'] }, false)).toEqual([
    'sudo apt-get update',
    'sudo apt-get install mesa-vulkan-drivers',
  ]);
});

test('root is given commands without sudo, which a container may not have', () => {
  const remedy = { kind: 'apt' as const, packages: ['mesa-vulkan-drivers'] };
  expect(manualCommands(remedy, 'root')).toEqual(['apt-get update', 'apt-get install mesa-vulkan-drivers']);
  expect(manualCommands({ ...remedy, backports: 'bookworm' }, 'root', '/does/not/exist')).toEqual([
    "echo 'deb <your Debian mirror> bookworm-backports main' | tee /etc/apt/sources.list.d/bookworm-backports.list",
    'apt-get update',
    'apt-get install -t bookworm-backports mesa-vulkan-drivers',
  ]);
});
