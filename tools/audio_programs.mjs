// @ts-check
// Installs the programs whose audio files the tests read (test/audio/wav_differential.test.ts), where apt is: nothing of it is needed to use melody.
//
//   node tools/audio_programs.mjs
import { spawnSync } from 'node:child_process';

const PACKAGES = ['sox', 'ffmpeg', 'flac', 'lame', 'opus-tools', 'sndfile-programs', 'python3-soundfile', 'python3-numpy'];

const words = ['apt-get', 'install', '-y', '--no-install-recommends', ...PACKAGES];
const { status, error } = spawnSync(process.getuid?.() === 0 ? words[0] : 'sudo', process.getuid?.() === 0 ? words.slice(1) : words, {
  stdio: 'inherit',
});
if (error) process.stderr.write(`audio programs: ${error.message}; by hand: ${words.join(' ')}\n`);
process.exitCode = status ?? 1;
