#!/usr/bin/env bash
# verovio 6.4.1, mido 1.3.3.
# The time in the MIDI file (and in the timemap) is another one than in the score. Triplets of a MusicXML file that have their <duration> and
# <time-modification>, but no <tuplet> bracket, are played as plain eighths: a measure of 4 quarters lasts 5, and all behind it is late. A tempo
# in the middle of a measure begins at the measure's start, and of two in one measure the first is never heard (known, and so in the newest
# version). Cue notes, which the MusicXML reference calls silent, sound.
# One would expect each note for its <duration>: in the MusicXML reference <tuplet> is there where a tuplet is to be drawn, in addition to the
# sound that <time-modification> gives.
# Way round: add <tuplet> to the first and last note of each group; begin a measure where the tempo changes; take cue notes out.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check verovio==6.4.1 mido==1.3.3
env/bin/python - <<'PYTHON'
import base64, io, sys
import mido, verovio

toolkit = verovio.toolkit()
START = (
    '<attributes><divisions>12</divisions><time><beats>4</beats><beat-type>4</beat-type></time>'
    "<clef><sign>G</sign><line>2</line></clef></attributes>"
)


def note(step, duration, kind, before="", after=""):
    return f"<note>{before}<pitch><step>{step}</step><octave>4</octave></pitch><duration>{duration}</duration><type>{kind}</type>{after}</note>"


def tempo(quarters):
    metronome = f"<metronome><beat-unit>quarter</beat-unit><per-minute>{quarters}</per-minute></metronome>"
    return f'<direction><direction-type>{metronome}</direction-type><sound tempo="{quarters}"/></direction>'


def play(*measures):
    """The notes as (key, begin in quarters), and the tempos as (begin in quarters, quarters a minute)."""
    inside = "".join(f'<measure number="{i}">{START if i == 1 else ""}{measure}</measure>' for i, measure in enumerate(measures, 1))
    parts = f'<part-list><score-part id="P1"><part-name/></score-part></part-list><part id="P1">{inside}</part>'
    assert toolkit.loadData(f'<?xml version="1.0"?><score-partwise version="4.0">{parts}</score-partwise>')
    file = mido.MidiFile(file=io.BytesIO(base64.b64decode(toolkit.renderToMIDI())))
    notes, tempos = [], []
    for track in file.tracks:
        now = 0
        for event in track:
            now += event.time
            if event.type == "note_on" and event.velocity:
                notes.append((event.note, round(now / file.ticks_per_beat, 2)))
            elif event.type == "set_tempo":
                tempos.append((now / file.ticks_per_beat, round(mido.tempo2bpm(event.tempo))))
    return notes, tempos


def triplets(start, stop):
    ratio = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
    group = "".join(note("C", 4, "eighth", after=ratio + mark) for mark in (start, "", stop))
    return play(group + group + note("D", 24, "half"), note("E", 48, "whole"))[0]


marks = [f'<notations><tuplet type="{kind}"/></notations>' for kind in ("start", "stop")]
marked, bare = triplets(*marks), triplets("", "")
quarter = note("C", 12, "quarter")
_, tempos = play(tempo(120) + 2 * quarter + tempo(60) + 2 * quarter)
cues, _ = play(note("G", 12, "quarter", before="<cue/>") + 3 * quarter)
print(f"six triplets and a half note: with brackets {marked}, without {bare}")
print(f"120 at the first quarter, 60 at the third: {tempos}; a cue note on G and three quarters on C: {cues}")
right = [(60, 0.0), (60, 0.33), (60, 0.67), (60, 1.0), (60, 1.33), (60, 1.67), (62, 2.0), (64, 4.0)]
plain = [(60, 0.0), (60, 0.5), (60, 1.0), (60, 1.5), (60, 2.0), (60, 2.5), (62, 3.0), (64, 5.0)]
sys.exit(not (marked == right and bare == plain and tempos == [(0, 60)] and cues[0] == (67, 0)))
PYTHON
