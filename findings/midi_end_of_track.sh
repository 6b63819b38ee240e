#!/usr/bin/env bash
# @tonejs/midi 2.0.28, spessasynth_core 4.3.22, midi-file 1.2.4.
# A MIDI file says where it ends by the time of its end-of-track event; a loop of four beats whose last note ends after one has it at beat 4.
# @tonejs/midi and spessasynth_core tell 1 beat as its length, loop after one beat, and write the end there: after reading and
# writing the rest is gone from the file. midi-file keeps it. One would expect the length of the file, or that the event is kept.
# Way round: read the time of endOfTrack from midi-file, or put a controller event without effect at the end of a loop.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @tonejs/midi@2.0.28 spessasynth_core@4.3.22 midi-file@1.2.4
cat >see.mjs <<'JAVASCRIPT'
import { parseMidi, writeMidi } from 'midi-file';
import { BasicMIDI } from 'spessasynth_core';
import tonejs from '@tonejs/midi';

const track = [
  { deltaTime: 0, type: 'noteOn', channel: 0, noteNumber: 60, velocity: 100 },
  { deltaTime: 480, type: 'noteOff', channel: 0, noteNumber: 60, velocity: 0 },
  { deltaTime: 1440, type: 'endOfTrack', meta: true },
];
const bytes = Uint8Array.from(writeMidi({ header: { format: 0, numTracks: 1, ticksPerBeat: 480 }, tracks: [track] }));
const beats = (file) => Math.max(...parseMidi(Uint8Array.from(file)).tracks.map((events) => events.reduce((sum, event) => sum + event.deltaTime, 0))) / 480;
const tone = new tonejs.Midi(bytes);
const spessa = BasicMIDI.fromArrayBuffer(bytes.buffer);
const seen = {
  'in the file': beats(bytes),
  'midi-file writes': beats(writeMidi(parseMidi(bytes))),
  '@tonejs/midi tells': tone.durationTicks / 480,
  '@tonejs/midi writes': beats(tone.toArray()),
  'spessasynth_core tells': spessa.duration * 2,
  'spessasynth_core loops after': spessa.loop.end / 480,
  'spessasynth_core writes': beats(new Uint8Array(spessa.writeMIDI())),
};
for (const [what, value] of Object.entries(seen)) console.log(`${what}: ${value} beats`);
process.exit(Object.values(seen).join() === '4,4,1,1,1,1,1' ? 0 : 1);
JAVASCRIPT
node see.mjs
