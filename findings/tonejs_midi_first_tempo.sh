#!/usr/bin/env bash
# @tonejs/midi 2.0.28, against midi-player-js 2.0.17 and spessasynth_core 4.3.22.
# Until its first tempo a MIDI file runs at 120 beats a minute. @tonejs/midi runs all that comes before the first tempo at that first tempo:
# with 60 set at the second beat, a note of two beats lasts 2 s in place of 1.5, and all later notes are late by half a second.
# One would expect 120 there, as the specification says and as the others, mido, pretty_midi and symusic have it.
# Way round: if header.tempos has no entry at 0, put { ticks: 0, bpm: 120 } first and call header.update().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund @tonejs/midi@2.0.28 midi-player-js@2.0.17 spessasynth_core@4.3.22
cat >see.mjs <<'JAVASCRIPT'
import tonejs from '@tonejs/midi';
import midiPlayer from 'midi-player-js';
import { BasicMIDI } from 'spessasynth_core';

// A note of 960 ticks, two beats, with the tempo of 60 (0F4240 µs for a beat) at tick 480.
const track = Buffer.from('00903C40 8360FF51030F4240 8360803C40 00FF2F00'.replaceAll(' ', ''), 'hex');
const file = Buffer.concat([Buffer.from('MThd\0\0\0\x06\0\0\0\x01\x01\xe0MTrk\0\0\0', 'latin1'), Buffer.of(track.length), track]);
const player = new midiPlayer.Player();
player.loadArrayBuffer(Uint8Array.from(file).buffer);
const midi = new tonejs.Midi(file);
const seen = [midi.tracks[0].notes[0].duration, player.getSongTime(), BasicMIDI.fromArrayBuffer(Uint8Array.from(file).buffer).duration];
console.log(`@tonejs/midi ${seen[0]} s, midi-player-js ${seen[1]} s, spessasynth_core ${seen[2]} s`);
midi.header.tempos.unshift({ ticks: 0, bpm: 120 });
midi.header.update();
const repaired = midi.tracks[0].notes[0].duration;
console.log(`@tonejs/midi with 120 entered at 0: ${repaired} s`);
process.exit(seen.join() === '2,1.5,1.5' && repaired === 1.5 ? 0 : 1);
JAVASCRIPT
node see.mjs
