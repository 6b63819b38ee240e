#!/usr/bin/env bash
# @tonejs/midi 2.0.28 with midi-file 1.2.4.
# Midi reads a pitch bend as -1 to 1 but writes that number as if it were the -8192 to 8191 of the file: half a bend down comes out as one
# step of 16384, that is no bend. A key signature is read with its major name whatever its scale (three sharps, minor: "A minor", it is F#
# minor), and is written in the wrong place of the table: three sharps come back as a key without a name. Notes, tempos and controllers,
# written beside them, are unharmed. One would expect that a file that was only read and written plays the same.
# Way round: change the events with midi-file, which keeps both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @tonejs/midi@2.0.28 midi-file@1.2.4
cat >see.mjs <<'JAVASCRIPT'
import { parseMidi, writeMidi } from 'midi-file';
import tonejs from '@tonejs/midi';

const { Midi } = tonejs;
const events = [
  { type: 'setTempo', meta: true, microsecondsPerBeat: 600_000 },
  { type: 'keySignature', meta: true, key: 3, scale: 1 }, // three sharps, minor: F# minor
  { type: 'controller', channel: 0, controllerType: 1, value: 64 },
  { type: 'pitchBend', channel: 0, value: -4096 }, // half the range down
  { type: 'noteOn', channel: 0, noteNumber: 60, velocity: 100 },
  { type: 'noteOff', channel: 0, noteNumber: 60, velocity: 0, deltaTime: 480 },
  { type: 'endOfTrack', meta: true },
];
const header = { format: 0, numTracks: 1, ticksPerBeat: 480 };
const bytes = writeMidi({ header, tracks: [events.map((event) => ({ deltaTime: 0, ...event }))] });
const facts = (file) => {
  const all = parseMidi(file).tracks.flat();
  const find = (type) => all.find((event) => event.type === type) ?? {};
  return [find('pitchBend').value, find('keySignature').key, find('noteOn').velocity, find('controller').value, find('setTempo').microsecondsPerBeat];
};
const midi = new Midi(bytes);
const again = new Midi(midi.toArray());
const key = ({ header }) => `${header.keySignatures[0].key} ${header.keySignatures[0].scale}`;
const [before, after] = [facts(bytes), facts(Uint8Array.from(midi.toArray()))];
console.log('           bend, sharps, velocity, controller, µs a beat');
console.log(`in the file ${before}\nwritten     ${after}`);
console.log(`key as read: ${key(midi)}; read, written, read: ${key(again)}`);
const expected = before[0] === -4096 && Math.abs(after[0]) <= 1 && after[1] !== before[1] && after.slice(2).join() === before.slice(2).join();
process.exit(expected && key(midi) === 'A minor' && key(again) === 'undefined minor' ? 0 : 1);
JAVASCRIPT
node see.mjs
