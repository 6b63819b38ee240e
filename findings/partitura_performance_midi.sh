#!/usr/bin/env bash
# partitura 1.9.0, mido 1.3.3, symusic 0.6.0.
# `save_performance_midi` writes program changes behind the notes that begin at the same tick. A file that says violin, plays a chord, says
# flute and plays a note, read with `load_performance_midi` and written again, begins as a piano, and each part of the music has the sound of the
# part before: a synthesizer takes a new program for the notes that follow. Pitch bends are lost, also without a word.
# One would expect what was read: the performance in memory has the programs at the right times.
# Way round: move program changes before the notes of their tick with mido, and take the bends from the file that was read.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check partitura==1.9.0 mido==1.3.3 symusic==0.6.0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import mido, partitura, symusic

track = mido.MidiTrack([
    mido.Message("program_change", program=40),  # violin
    *(mido.Message("note_on", note=key, velocity=90) for key in (60, 64, 67)),
    *(mido.Message("note_off", note=key, time=480 * (key == 60)) for key in (60, 64, 67)),
    mido.Message("program_change", program=73),  # flute
    mido.Message("pitchwheel", pitch=4096),
    mido.Message("note_on", note=72, velocity=90),
    mido.Message("note_off", note=72, time=480),
])
file = mido.MidiFile(type=0, ticks_per_beat=480)
file.tracks.append(track)
file.save("before.mid")
performance = partitura.load_performance_midi("before.mid")
print("in memory:", [(program["program"], program["time_tick"]) for program in performance[0].programs])
partitura.save_performance_midi(performance, "after.mid")
seen = {}
for name in ("before", "after"):
    parts = sorted((part.program, [note.pitch for note in part.notes]) for part in symusic.Score(f"{name}.mid").tracks)
    bends = sum(event.type == "pitchwheel" for event in mido.MidiFile(f"{name}.mid").tracks[-1])
    order = [event.type for event in mido.MidiFile(f"{name}.mid").tracks[-1] if event.type in ("program_change", "note_on")]
    seen[name] = (parts, bends)
    print(f"{name}: symusic reads (program, keys) {parts}; {bends} bend(s); {', '.join(order)}")
sys.exit(not (
    seen["before"] == ([(40, [60, 64, 67]), (73, [72])], 1) and seen["after"] == ([(0, [60, 64, 67]), (40, [72])], 0)
))
PYTHON
