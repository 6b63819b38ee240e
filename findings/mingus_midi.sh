#!/usr/bin/env bash
# mingus 0.6.1, read with mido 1.3.3.
# What mingus writes as MIDI. A key loses its accidental and its mode: E flat major is E, F sharp minor F, so that the notes of E flat stand in
# a signature of four sharps. An instrument chosen by its name is the one numbered 1: a violin plays as a bright piano. All tracks of a composition
# use the same channel, and each sets its own program there at the start, so that a piano, a viola and a flute all sound as the last of them.
# In place of the bank, the message before each program is the controller with the number of the channel, here vibrato, on channel 0.
# One would expect the key of the bar, the instrument of the name, and a channel for each track. Way round: set instrument_nr (counted from 0),
# give each note a channel of its own, and put the key right with mido.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check mingus==0.6.1 mido==1.3.3
env/bin/python -W ignore - <<'PYTHON'
import sys
import mido
from mingus.containers import Bar, Composition, Track
from mingus.containers.instrument import MidiInstrument
from mingus.midi import midi_file_out


def messages(kind):
    return [message for track in mido.MidiFile("written.mid").tracks for message in track if message.type == kind]


keys = {}
for key in ("C", "G", "Bb", "Eb", "F#", "a", "f#", "c"):
    bar = Bar(key, (4, 4))
    bar + "C-4"
    midi_file_out.write_Bar("written.mid", bar, 120)
    keys[key] = messages("key_signature")[0].key
print("keys:", keys)

violin = MidiInstrument("Violin")
track = Track(violin)
track + "C-4"
midi_file_out.write_Track("written.mid", track, 120)
program = messages("program_change")[0].program
print(f"{violin.name}: program {program}, which is {MidiInstrument.names[program]}; {MidiInstrument.names.index('Violin')} would be the violin")

composition = Composition()
for number in (0, 41, 73):
    instrument = MidiInstrument()
    instrument.instrument_nr = number
    track = Track(instrument)
    track + "C-4"
    composition.add_track(track)
midi_file_out.write_Composition("written.mid", composition, 120)
programs = [(message.program, message.channel) for message in messages("program_change")]
notes = [message.channel for message in messages("note_on")]
controls = {(message.control, message.channel) for message in messages("control_change")}
print("three tracks: programs and channels", programs, "notes in channels", notes, "controllers and channels", controls)
expected = {"C": "C", "G": "G", "Bb": "B", "Eb": "E", "F#": "F", "a": "A", "f#": "F", "c": "C"}
sys.exit((keys, program, programs, notes, controls) != (expected, 1, [(0, 1), (41, 1), (73, 1)], [1, 1, 1], {(1, 0)}))
PYTHON
