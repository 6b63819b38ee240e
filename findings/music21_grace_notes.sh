#!/usr/bin/env bash
# music21 10.5.1, mido 1.3.3.
# A score from MusicXML that is written as MIDI. The end of a grace note stands before its beginning, at the same tick, so that the note is never
# ended: a player holds it to the end of the piece. A cue note, which is there to be read and not played, sounds like any other. A part for an
# instrument that transposes sounds as written: a clarinet in B flat 2 semitones too high, a double bass an octave, although the part knows that
# its notes are not the sounding ones (atSoundingPitch is False) and toSoundingPitch() gives the right ones.
# One would expect the notes that are heard, each of which ends. Way round: toSoundingPitch() before write("midi"), and leave out or place the notes
# of no duration.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check music21==10.5.1 mido==1.3.3
env/bin/python -W ignore - <<'PYTHON'
import sys
from collections import Counter
import mido, music21


def note(step, inner="", duration="<duration>1</duration>"):
    return f"<note>{inner}<pitch><step>{step}</step><octave>5</octave></pitch>{duration}<type>quarter</type></note>"


def midi(what, notes, transpose="", sounding=False):
    """The beginnings and ends of notes, as music21 writes them for one measure."""
    score = music21.converter.parseData(
        '<?xml version="1.0"?><score-partwise version="4.0"><part-list><score-part id="P1"><part-name>Part</part-name></score-part></part-list>'
        f'<part id="P1"><measure number="1"><attributes><divisions>1</divisions><time><beats>2</beats><beat-type>4</beat-type></time>{transpose}'
        f"</attributes>{notes}</measure></part></score-partwise>", format="musicxml")
    known = score.parts[0].atSoundingPitch
    if sounding:
        score = score.toSoundingPitch()
    score.write("midi", "score.mid")
    events = [message for track in mido.MidiFile("score.mid").tracks for message in track if message.type in ("note_on", "note_off")]
    seen = " ".join(("+" if event.type == "note_on" else "-") + str(event.note) for event in events)
    held = Counter()
    for event in events:
        held[event.note] = max(held[event.note] + (1 if event.type == "note_on" else -1), 0)
    held = [key for key, count in held.items() if count]
    print(f"{what}: {seen}; held for ever: {held}; atSoundingPitch: {known}")
    return seen, held


major, octave = ("<transpose><diatonic>{}</diatonic><chromatic>{}</chromatic>{}</transpose>".format(*numbers)
                 for numbers in ((-1, -2, ""), (0, 0, "<octave-change>-1</octave-change>")))
plain = note("C") + note("E")
seen = [
    midi("C E", plain),
    midi("C, grace note D, E", note("C") + note("D", "<grace/>", "") + note("E")),
    midi("C, cue note E", note("C") + note("E", "<cue/>")),
    midi("C E for a clarinet", plain, major),
    midi("C E for a clarinet, toSoundingPitch()", plain, major, True),
    midi("C E for a double bass", plain, octave),
    midi("C E for a double bass, toSoundingPitch()", plain, octave, True),
]
sys.exit(seen != [
    ("+72 -72 +76 -76", []),
    ("+72 -72 -74 +74 +76 -76", [74]),
    ("+72 -72 +76 -76", []),
    ("+72 -72 +76 -76", []),
    ("+70 -70 +74 -74", []),
    ("+72 -72 +76 -76", []),
    ("+60 -60 +64 -64", []),
])
PYTHON
