#!/usr/bin/env bash
# spessasynth_core 4.3.22, symusic 0.6.0, against midi-file 1.2.4.
# A system exclusive message may be divided: the first packet is F0 length data, each later one F7 length data. The Standard MIDI File
# specification gives an example (three packets, 200 and 100 ticks apart); here it lies within one note of 480 ticks, half a second.
# spessasynth_core reads F7 as a message without data, so that length and data become times and notes: four strokes of the keys 67 and 100
# sound that are in no file, and the note ends after 0.406 s. symusic invents no note but loses count of the ticks as well: its note ends
# after 0.776 s. midi-file, mido and JZZ read it well.
# One would expect what lies behind a packet to keep its place: old files with synthesizer settings hold such packets.
# Way round: take packets that begin with F7 out with midi-file, and add their times to the next event.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund spessasynth_core@4.3.22 midi-file@1.2.4
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check symusic==0.6.0 numpy==2.4.6
cat >see.mjs <<'JAVASCRIPT'
import { writeFileSync } from 'node:fs';
import midiFile from 'midi-file';
import { BasicMIDI } from 'spessasynth_core';

const packets = '00 F0 03 43 12 00  81 48 F7 06 43 12 00 43 12 00  64 F7 04 43 12 00 F7'; // from the specification, page 7
const track = Buffer.from(`00 90 3C 40 ${packets} 81 34 80 3C 40 00 FF 2F 00`.replaceAll(' ', ''), 'hex');
const file = Buffer.concat([Buffer.from('MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk\0\0\0', 'latin1'), Buffer.of(track.length), track]);
writeFileSync('packets.mid', file);
const events = midiFile.parseMidi(file).tracks[0];
const ticks = events.reduce((sum, { deltaTime }) => sum + deltaTime, 0);
const strokes = events.filter(({ type }) => type === 'noteOn').map(({ noteNumber }) => noteNumber);
console.log(`midi-file: keys ${strokes}, ${ticks / 960} s`);
const spessasynth = BasicMIDI.fromArrayBuffer(Uint8Array.from(file).buffer);
console.log(`spessasynth_core: keys ${spessasynth.getNoteTimes().flat().map(({ midiNote }) => midiNote)}, ${spessasynth.duration.toFixed(3)} s`);
process.exit(0);
JAVASCRIPT
node see.mjs | tee seen
env/bin/python - <<'PYTHON' | tee -a seen
import symusic

score = symusic.Score("packets.mid", ttype="second")
notes = [note for track in score.tracks for note in track.notes]
print(f"symusic: keys {','.join(str(note.pitch) for note in notes)}, {notes[0].end:.3f} s")
PYTHON
expected='midi-file: keys 60, 0.5 s
spessasynth_core: keys 60,67,67,100,67, 0.406 s
symusic: keys 60, 0.776 s'
[[ "$(cat seen)" == "$expected" ]]
