#!/usr/bin/env bash
# pretty_midi 0.2.11.post0, symusic 0.6.0, miditoolkit 1.0.1, mido 1.3.3.
# A MIDI port has 15 channels for parts that are not drums. All three libraries write a 16th part into the channel of the first, with a program
# change of its own at the same time and no port or delay: the change in the later track wins, so that a player plays the first part with the
# sound of the 16th (of 17 strings, winds and so on, two are wrong), and a note of one ends the same note of the other.
# Each of them reads the file back as 17 parts with the right programs, since they keep programs by track, so a round trip does not show it.
# One would expect a second port (meta event 0x21), or an error. Way round: two files, or parts of one program merged before writing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pretty_midi==0.2.11.post0 symusic==0.6.0 miditoolkit==1.0.1 mido==1.3.3
env/bin/python -W ignore - <<'PYTHON'
import sys
import miditoolkit, mido, pretty_midi, symusic

song = pretty_midi.PrettyMIDI()
for program in range(17):
    part = pretty_midi.Instrument(program)
    part.notes.append(pretty_midi.Note(100, 50 + program, 1, 2))
    song.instruments.append(part)
song.write("pretty_midi.mid")
symusic.Score("pretty_midi.mid").dump_midi("symusic.mid")
miditoolkit.MidiFile("pretty_midi.mid").dump("miditoolkit.mid")

seen = []
for name in ("pretty_midi", "symusic", "miditoolkit"):
    file = mido.MidiFile(f"{name}.mid")
    programs, played, ports = {}, {}, 0
    for message in mido.merge_tracks(file.tracks):  # as a player gets them
        ports += message.type == "midi_port"
        if message.type == "program_change":
            programs[message.channel] = message.program
        elif message.type == "note_on" and message.velocity:
            played[message.note - 50] = programs[message.channel]
    wrong = {part: program for part, program in played.items() if part != program}
    again = [int(part.program) for part in pretty_midi.PrettyMIDI(f"{name}.mid").instruments]
    print(f"{name}: part and the program it is played with, where another: {wrong}; ports {ports}; read back well: {again == list(range(17))}")
    seen.append((wrong, ports, again == list(range(17))))
sys.exit(seen != [({0: 15, 1: 16}, 0, True)] * 3)
PYTHON
