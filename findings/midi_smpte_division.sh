#!/usr/bin/env bash
# @tonejs/midi 2.0.28, midi-player-js 2.0.17, spessasynth_core 4.3.22, mido 1.3.3, against midi-file 1.2.4.
# A MIDI file may count frames of film in place of beats: division E7 28 is 25 frames of 40 ticks, that is milliseconds. A note of 1000 ticks
# lasts a second. @tonejs/midi gives it the time and length NaN. midi-player-js and spessasynth_core take E7 28 as 59176 ticks for a beat:
# 8 ms. mido takes it as -6360 ticks for a beat, so that the file lasts -79 ms (and pretty_midi, built on it, refuses the note).
# One would expect a second, or an error that names the division, as symusic and music21 give. midi-file reads both numbers.
# Way round: midi-file, and seconds = ticks / (framesPerSecond * ticksPerFrame); 29 stands for 30000/1001 frames, and tempos do not count.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @tonejs/midi@2.0.28 midi-player-js@2.0.17 spessasynth_core@4.3.22 midi-file@1.2.4
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check mido==1.3.3
cat >see.mjs <<'JAVASCRIPT'
import { writeFileSync } from 'node:fs';
import tonejs from '@tonejs/midi';
import midiFile from 'midi-file';
import midiPlayer from 'midi-player-js';
import { BasicMIDI } from 'spessasynth_core';

const track = Buffer.from('00903C40 8768803C40 00FF2F00'.replaceAll(' ', ''), 'hex'); // 87 68 is 1000
const file = Buffer.concat([Buffer.from('MThd\0\0\0\x06\0\0\0\x01\xe7\x28MTrk\0\0\0', 'latin1'), Buffer.of(track.length), track]);
writeFileSync('film.mid', file);
const { header, tracks } = midiFile.parseMidi(file);
const seconds = tracks[0][1].deltaTime / (header.framesPerSecond * header.ticksPerFrame);
console.log(`midi-file: ${header.framesPerSecond} frames of ${header.ticksPerFrame} ticks, so ${seconds} s`);
const [note] = new tonejs.Midi(file).tracks[0].notes;
console.log(`@tonejs/midi: at ${note.time}, ${note.duration} s`);
const player = new midiPlayer.Player();
player.loadArrayBuffer(Uint8Array.from(file).buffer);
console.log(`midi-player-js: ${player.getSongTime().toFixed(4)} s`);
console.log(`spessasynth_core: ${BasicMIDI.fromArrayBuffer(Uint8Array.from(file).buffer).duration.toFixed(4)} s`);
process.exit(0);
JAVASCRIPT
node see.mjs | tee seen
env/bin/python -c "import mido; print(f'mido: {mido.MidiFile(\"film.mid\").length:.4f} s')" | tee -a seen
expected='midi-file: 25 frames of 40 ticks, so 1 s
@tonejs/midi: at NaN, NaN s
midi-player-js: 0.0084 s
spessasynth_core: 0.0084 s
mido: -0.0786 s'
[[ "$(cat seen)" == "$expected" ]]
