#!/usr/bin/env bash
# midi-player-js 2.0.17, midi-file 1.2.4.
# A key signature in MIDI is a number of sharps or flats and a 0 for major or 1 for minor. midi-player-js takes the name of the major key for
# both: no sharps and minor, which is A minor, is "C Minor"; three flats and minor, C minor, is "Eb Minor". All 15 minor keys have the name of
# their relative major. Tempos, as the player has them, are whole numbers: 92.6 a minute (647948 µs a quarter) is 93, so that four minutes of
# music end a second early.
# One would expect "A Minor", and 92.6. Way round: midi-file, which leaves the numbers of the key as they are and the tempo in µs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund midi-player-js@2.0.17 midi-file@1.2.4
cat >see.mjs <<'JAVASCRIPT'
import midiFile from 'midi-file';
import player from 'midi-player-js';

const minor = ['Ab', 'Eb', 'Bb', 'F', 'C', 'G', 'D', 'A', 'E', 'B', 'F#', 'C#', 'G#', 'D#', 'A#'];
const major = ['Cb', 'Gb', 'Db', 'Ab', 'Eb', 'Bb', 'F', 'C', 'G', 'D', 'A', 'E', 'B', 'F#', 'C#'];
function events(...bytes) {
  const track = [0, 0xff, ...bytes, 0, 0xff, 0x2f, 0];
  const file = Uint8Array.from([...Buffer.from('MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk\0\0\0', 'latin1'), track.length, ...track]);
  const song = new player.Player();
  song.loadArrayBuffer(file.buffer);
  return [song.getEvents()[0][0], midiFile.parseMidi(file).tracks[0][0], song];
}
const keys = minor.map((name, at) => {
  const [event, { key, scale }] = events(0x59, 2, (at - 7) & 255, 1);
  console.log(`${key} sharps, scale ${scale}: ${name} Minor, in midi-player-js ${event.keySignature}`);
  return event.keySignature;
});
const [event, { microsecondsPerBeat }, song] = events(0x51, 3, 0x09, 0xe3, 0x0c);
console.log(`${microsecondsPerBeat} µs: ${(6e7 / microsecondsPerBeat).toFixed(3)} a minute, in midi-player-js ${event.data}, ${song.tempo}`);
process.exit(keys.every((key, at) => key === `${major[at]} Minor`) && microsecondsPerBeat === 647948 && event.data === 93 && song.tempo === 93 ? 0 : 1);
JAVASCRIPT
node see.mjs
