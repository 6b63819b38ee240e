#!/usr/bin/env bash
# @tonejs/midi 2.0.28, midi-file 1.2.4, spessasynth_core 4.3.22.
# Midi makes a new track at each program change of a channel and looks for the end of a note only in the track of the moment. A note that
# sounds while its channel changes the program (as the last note of a section does when the next sound is prepared) has no end there
# and is left out, without a word. spessasynth_core reads the note. One would expect the note, with the program that it began with.
# Way round: pair the events of midi-file, or move program changes behind the ends of notes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @tonejs/midi@2.0.28 midi-file@1.2.4 spessasynth_core@4.3.22
cat >see.mjs <<'JAVASCRIPT'
import { writeMidi } from 'midi-file';
import { BasicMIDI } from 'spessasynth_core';
import tonejs from '@tonejs/midi';

function read(changeAt) {
  const events = [
    { at: 0, type: 'noteOn', channel: 0, noteNumber: 60, velocity: 100 },
    { at: 480, type: 'noteOff', channel: 0, noteNumber: 60, velocity: 0 },
    { at: changeAt, type: 'programChange', channel: 0, programNumber: 40 },
    { at: 960, type: 'noteOn', channel: 0, noteNumber: 64, velocity: 100 },
    { at: 1440, type: 'noteOff', channel: 0, noteNumber: 64, velocity: 0 },
    { at: 1440, type: 'endOfTrack', meta: true },
  ].sort((a, b) => a.at - b.at);
  const track = events.map(({ at, ...event }, i) => ({ deltaTime: at - (events[i - 1]?.at ?? 0), ...event }));
  const bytes = Uint8Array.from(writeMidi({ header: { format: 0, numTracks: 1, ticksPerBeat: 480 }, tracks: [track] }));
  const ours = new tonejs.Midi(bytes).tracks.flatMap(({ notes, instrument }) => notes.map(({ midi }) => `${midi} of ${instrument.number}`));
  const theirs = BasicMIDI.fromArrayBuffer(bytes.buffer).getNoteTimes().flat().map(({ midiNote }) => midiNote);
  console.log(`program change at tick ${changeAt}: @tonejs/midi reads ${ours.join(', ')}; spessasynth_core reads ${theirs.join(', ')}`);
  return `${ours.join()} | ${theirs.join()}`;
}
const after = read(480);
const during = read(479);
process.exit(after === '60 of 0,64 of 40 | 60,64' && during === '64 of 40 | 60,64' ? 0 : 1);
JAVASCRIPT
node see.mjs
