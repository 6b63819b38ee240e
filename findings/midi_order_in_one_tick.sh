#!/usr/bin/env bash
# pretty_midi 0.2.11.post0, symusic 0.6.0, miditoolkit 1.0.1, mido 1.3.3.
# Messages of one tick are heard in the order of the file: controllers 0 and 32 choose a bank for the program change that follows, and 101
# and 100 choose the setting (0 0 is the range of the pitch wheel) for the value in 6 that follows. pretty_midi, symusic and miditoolkit read
# and write all of them, yet not in this order: each writes the program change first, so that the bank comes too late (a sound of
# bank 8 becomes that of bank 0), and pretty_midi sorts the controllers by number, so that the range, 12, is set before it is chosen,
# and bends of an octave become bends of a tone. One would expect a file that was only read and written to sound the same.
# Way round: write with mido, or put the controllers a tick before the program change, and 101, 100 and 6 a tick apart.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pretty_midi==0.2.11.post0 symusic==0.6.0 miditoolkit==1.0.1 mido==1.3.3 numpy==2.4.6 setuptools==80.9.0
env/bin/python -W ignore - <<'PYTHON'
import sys
import mido
import miditoolkit
import pretty_midi
import symusic


def heard(name):
    """Bank, program and bend (in semitones) of the first note, as a synthesizer takes the messages in their order."""
    controls, bank, program, bend, semitones = {}, 0, 0, 0, 2
    for message in mido.MidiFile(name):
        if message.type == "control_change":
            controls[message.control] = message.value
            if message.control == 6 and (controls.get(101), controls.get(100)) == (0, 0):
                semitones = message.value
        elif message.type == "program_change":
            bank, program = controls.get(0, 0), message.program
        elif message.type == "pitchwheel":
            bend = message.pitch
        elif message.type == "note_on":
            return f"bank {bank}, program {program}, bent by {bend / 8192 * semitones:g} semitones"


change = lambda control, value: mido.Message("control_change", control=control, value=value)
file = mido.MidiFile(type=0)
settings = [change(0, 8), change(32, 0), mido.Message("program_change", program=40), change(101, 0), change(100, 0), change(6, 12)]
notes = [mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=480)]
file.tracks.append(mido.MidiTrack([*settings, mido.Message("pitchwheel", pitch=-8192), *notes]))
file.save("mido.mid")
pretty_midi.PrettyMIDI("mido.mid").write("pretty_midi.mid")
symusic.Score("mido.mid").dump_midi("symusic.mid")
miditoolkit.MidiFile("mido.mid").dump("miditoolkit.mid")
seen = {name: heard(f"{name}.mid") for name in ("mido", "pretty_midi", "symusic", "miditoolkit")}
for name, sound in seen.items():
    print(f"written by {name}: {sound}")
late = "bank 0, program 40, bent by -12 semitones"
expected = {"mido": "bank 8, program 40, bent by -12 semitones", "pretty_midi": "bank 0, program 40, bent by -2 semitones", "symusic": late, "miditoolkit": late}
sys.exit(seen != expected)
PYTHON
