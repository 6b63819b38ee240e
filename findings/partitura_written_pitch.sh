#!/usr/bin/env bash
# partitura 1.9.0, mido 1.3.3.
# What is read from MusicXML has the pitches on the page, not those that sound. A clarinet in B flat, a horn in F or a double bass is in the
# written key in note_array(), in the piano roll and in the MIDI file, against all other parts of the same score. The transposition is kept beside
# them as a mark that nothing heeds, without its <octave-change>, and saving as MusicXML leaves it out. Quarter tones lose their quarter, and a metronome
# mark without <sound> is not read: at 60 a minute the MIDI file has the 120 of a file without tempo.
# One would expect the sounding pitch in MIDI: by its documentation the mark "tells how to change all (following) pitches" to it.
# Way round: take 12 * octave-change + chromatic from the file and add it to the pitches of each part; write <sound tempo> beside each mark.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --no-compile --disable-pip-version-check partitura==1.9.0 mido==1.3.3 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import mido, partitura
from partitura.utils import compute_pianoroll


def write(transpose="", before="", alter=0):
    """A file with the quarters C D E F in one measure."""
    pitches = "".join(
        f"<note><pitch><step>{step}</step><alter>{alter}</alter><octave>4</octave></pitch><duration>1</duration><voice>1</voice><type>quarter</type></note>"
        for step in "CDEF"
    )
    attributes = (
        "<attributes><divisions>1</divisions><key><fifths>0</fifths></key><time><beats>4</beats><beat-type>4</beat-type></time>"
        f"<clef><sign>G</sign><line>2</line></clef>{transpose}</attributes>"
    )
    parts = f'<part-list><score-part id="P1"><part-name/></score-part></part-list><part id="P1"><measure number="1">{attributes}{before}{pitches}</measure></part>'
    text = f'<?xml version="1.0"?><score-partwise version="4.0">{parts}</score-partwise>'
    with open("score.musicxml", "w") as file:
        file.write(text)
    return partitura.load_musicxml("score.musicxml")


def midi(score):
    partitura.save_score_midi(score, "score.mid")
    events = [event for track in mido.MidiFile("score.mid").tracks for event in track]
    keys = [event.note for event in events if event.type == "note_on" and event.velocity]
    return keys, [round(mido.tempo2bpm(event.tempo)) for event in events if event.type == "set_tempo"]


def mark(diatonic, chromatic, octaves=0):
    change = f"<octave-change>{octaves}</octave-change>" if octaves else ""
    return f"<transpose><diatonic>{diatonic}</diatonic><chromatic>{chromatic}</chromatic>{change}</transpose>"


WRITTEN = [60, 62, 64, 65]
seen = {}
for name, (diatonic, chromatic, octaves) in {"flute": (0, 0, 0), "clarinet in B flat": (-1, -2, 0), "horn in F": (-4, -7, 0), "double bass": (0, 0, -1)}.items():
    score = write(mark(diatonic, chromatic, octaves))
    array = score.note_array()["pitch"].tolist()
    roll = sorted(set(compute_pianoroll(score).nonzero()[0].tolist()))
    marks = [(sign.diatonic, sign.chromatic) for sign in score[0].iter_all(partitura.score.Transposition)]
    kept = b"<transpose>" in partitura.save_musicxml(score)
    seen[name] = [array, roll, midi(score)[0], marks, kept]
    sounding = [pitch + chromatic + 12 * octaves for pitch in WRITTEN]
    print(f"{name}, sounding {sounding}: note_array {array}, piano roll {roll}, MIDI {seen[name][2]}; marks {marks}, saved again: {kept}")
quarter = [note.alter for note in write(alter=0.5)[0].notes]
print("altered by 0.5, read as", quarter)
tempos = []
for sound in ("", '<sound tempo="60"/>'):
    metronome = "<metronome><beat-unit>quarter</beat-unit><per-minute>60</per-minute></metronome>"
    tempos.append(midi(write(before=f"<direction><direction-type>{metronome}</direction-type>{sound}</direction>"))[1])
print(f"quarter = 60 alone: {tempos[0]}, with sound: {tempos[1]}")
sys.exit(not (
    all(found[:3] == [WRITTEN] * 3 and not found[4] for found in seen.values()) and seen["double bass"][3] == [(0, 0)]
    and seen["horn in F"][3] == [(-4, -7)] and set(quarter) == {None} and tempos == [[120], [60]]
))
PYTHON
