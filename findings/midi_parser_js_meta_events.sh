#!/usr/bin/env bash
# midi-parser-js 4.0.4, midi-file 1.2.4.
# Four meta events cost the rest of the track, its notes included: a sequence number, a channel prefix, a device name, and what is meant for one
# sequencer are read as longer than they say. What is then found behind them waits for 2108 ticks, or for -1. The port of a track, tempos and
# texts are read well. The key of three flats is 64768. A system exclusive comes as one number, of which what goes beyond 53 bits is lost: the
# GS messages that choose a room and a hall as reverb are the same number.
# One would expect that a file with such events, as many sequencers write them, keeps its notes: each event tells its length.
# Way round: another reader, such as midi-file or midifile-ts.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund midi-parser-js@4.0.4 midi-file@1.2.4
cat >see.mjs <<'JAVASCRIPT'
import midiFile from 'midi-file';
import MidiParser from 'midi-parser-js';

const note = [0, 0x90, 60, 100, 96, 0x80, 60, 0];
const file = (event) => {
  const track = [...event, ...note, 0, 0xff, 0x2f, 0];
  return Uint8Array.from([...Buffer.from('MThd'), 0, 0, 0, 6, 0, 0, 0, 1, 1, 0xe0, ...Buffer.from('MTrk'), 0, 0, 0, track.length, ...track]);
};
const reverb = (kind, sum) => [0, 0xf0, 10, 0x41, 0x10, 0x42, 0x12, 0x40, 1, 0x30, kind, sum, 0xf7];
const EVENTS = {
  port: [0, 0xff, 0x21, 1, 0],
  tempo: [0, 0xff, 0x51, 3, 7, 0xa1, 0x20],
  text: [0, 0xff, 1, 2, 65, 66],
  'sequence number': [0, 0xff, 0, 2, 0, 7],
  'channel prefix': [0, 0xff, 0x20, 1, 5],
  'device name': [0, 0xff, 9, 1, 65],
  'for a sequencer': [0, 0xff, 0x7f, 3, 0, 1, 2],
};
const seen = Object.entries(EVENTS).map(([name, event]) => {
  const events = MidiParser.parse(file(event)).track[0].event;
  const here = events.filter(({ type }) => type === 9 || type === 8).length;
  const there = midiFile.parseMidi(file(event)).tracks[0].filter(({ type }) => type.startsWith('note')).length;
  console.log(`${name}: midi-parser-js ${here} events of notes, ticks ${events.map(({ deltaTime }) => deltaTime)}; midi-file ${there}`);
  return `${here} of ${there}`;
});
const first = (event) => MidiParser.parse(file(event)).track[0].event[0].data;
const key = first([0, 0xff, 0x59, 2, 0xfd, 0]);
const reverbs = [reverb(0, 15), reverb(4, 11)].map(first);
console.log(`key of 3 flats: ${key}; GS reverb of a room and a hall: ${reverbs.join(' ')}`);
process.exit(seen.join() === '2 of 2,2 of 2,2 of 2,0 of 2,0 of 2,0 of 2,0 of 2' && key === 64768 && reverbs[0] === reverbs[1] ? 0 : 1);
JAVASCRIPT
node see.mjs
