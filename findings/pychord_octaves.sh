#!/usr/bin/env bash
# pychord 1.4.1, pretty_midi 0.2.11.post0.
# `components_with_pitch` puts a Cb an octave too low and a B# an octave too high, as the octave is counted by the sound and written behind the
# name: Abm at 4 is Ab4 Cb4 Eb5, where Cb4 is the B below, and Eaug ends with B#5 in place of B#4. Ordinary chords have such notes: 16 of 144 of
# twelve usual roots and qualities, Fdim, Ddim7, Db7, F7b5 and Abm among them. And `C6/9`, the common way to write that chord, is C6 in its
# ninth inversion, two octaves and more above; with C69 the 9th is there.
# One would expect each note above the one before, as in F#m, and the note that pretty_midi, with which its examples write MIDI, makes of the name.
# Way round: numbers from `components(visible=False)`, which are right, plus 12 times the octave; write C69.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pychord==1.4.1 pretty_midi==0.2.11.post0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import pretty_midi
from pychord import Chord

def number(note):
    return pretty_midi.note_name_to_number(note[0] + note[-1]) + note.count("#") - note.count("b")  # it reads one accidental only


def keys(name):
    """The keys of the names of its notes, and those its own numbers give."""
    chord = Chord(name)
    names = chord.components_with_pitch(4)
    return names, [number(note) for note in names], [60 + semitones for semitones in chord.components(visible=False)]


roots = ["C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"]
qualities = ["", "m", "7", "M7", "m7", "dim", "dim7", "aug", "m7b5", "7b5", "sus4", "6"]
wrong = []
for name in (root + quality for root in roots for quality in qualities):
    names, found, right = keys(name)
    if found != right:
        wrong.append(name)
print(len(roots) * len(qualities), "chords;", len(wrong), "with a note in another octave:", *wrong)
for name in ("F#m", "Abm", "Ddim7", "Eaug"):
    print(name, *keys(name))
nine = {name: Chord(name).components_with_pitch(4) for name in ("C69", "C6/9")}
print(nine)
sys.exit(not (
    keys("Abm")[1] == [68, 59, 75] and keys("Ddim7")[1] == [62, 65, 68, 59] and keys("Eaug")[1] == [64, 68, 84] and keys("F#m")[1] == keys("F#m")[2]
    and keys("Abm")[2] == [68, 71, 75] and number("Cb4") == pretty_midi.note_name_to_number("Cb4") == 59 and len(wrong) == 16
    and nine == {"C69": ["C4", "E4", "G4", "A4", "D5"], "C6/9": ["E6", "G6", "A6", "C7"]}
))
PYTHON
