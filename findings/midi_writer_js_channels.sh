#!/usr/bin/env bash
# midi-writer-js 3.2.1, midi-file 1.2.4.
# Of four kinds of events that take a `channel`, two count from 1 and two from 0: with 3 for all of them, notes and controllers go to the
# third channel of the file, program changes and pitch bends to the fourth. The instrument that was chosen and the bends then play on
# another channel than the notes, and drums on 10 get their kit and their bends on 11. Leaving `channel` out puts all four on the first.
# One would expect one way of counting. Way round: one less for ProgramChangeEvent and PitchBendEvent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund midi-writer-js@3.2.1 midi-file@1.2.4
cat >see.mjs <<'JAVASCRIPT'
import { parseMidi } from 'midi-file';
import MidiWriter from 'midi-writer-js';

function channels(channel) {
  const track = new MidiWriter.Track();
  track.addEvent(new MidiWriter.ProgramChangeEvent({ instrument: 41, ...channel }));
  track.addEvent(new MidiWriter.ControllerChangeEvent({ controllerNumber: 7, controllerValue: 100, ...channel }));
  track.addEvent(new MidiWriter.PitchBendEvent({ bend: 0.5, ...channel }));
  track.addEvent(new MidiWriter.NoteEvent({ pitch: 'C4', duration: '4', ...channel }));
  const events = parseMidi(new MidiWriter.Writer([track]).buildFile()).tracks[0];
  const seen = Object.fromEntries(events.filter((event) => event.channel !== undefined).map(({ type, channel }) => [type, channel]));
  console.log(`channel ${channel.channel ?? 'left out'}, in the file (from 0): ${JSON.stringify(seen)}`);
  return Object.values(seen).join();
}
process.exit([{}, { channel: 3 }, { channel: 10 }].map(channels).join(' ') === '0,0,0,0,0 3,2,3,2,2 10,9,10,9,9' ? 0 : 1);
JAVASCRIPT
node see.mjs
