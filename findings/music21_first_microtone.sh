#!/usr/bin/env bash
# music21 10.5.1, read with mido 1.3.3.
# A note that lies between two keys is written to MIDI as the next key with a pitch bend. music21 writes the bend of a part's first note before
# the message that sets the wheel to the middle at the start of the part: at one tick stand "bend, no bend, note". The first note sounds up to
# 50 cents wrong (C4 and 50 cents is C sharp 4, and C4 and 25 cents is C4), in every part; the same note later in the part is right.
# One would expect the wheel to be set before the bend, and a scale of quarter tones to begin where it is written.
# Way round: begin the part with a rest, or take the second of the two messages out with mido.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
# Without matplotlib, which MIDI does not need.
env/bin/pip install --quiet --disable-pip-version-check --no-deps music21==10.5.1 mido==1.3.3 numpy==2.4.6 \
  chardet==7.7.0 joblib==1.6.0 jsonpickle==4.1.4 more_itertools==11.2.1 webcolors==25.10.0 packaging==26.4 \
  requests==2.34.2 urllib3==2.8.0 idna==3.20 certifi==2026.10.19.post1 charset_normalizer==3.5.3
env/bin/python - <<'PYTHON'
import sys
import mido
from music21 import note, stream


def heard(*cents):
    """The pitches, in cents above C4, that a part of C4 with these cents added plays as written to MIDI, by a synthesizer's ±2 semitones."""
    part = stream.Part()
    for amount in cents:
        part.append(note.Note("C4"))
        part[-1].pitch.microtone = amount
    part.write("midi", "part.mid")
    bend, pitches = 0, []
    for message in (message for track in mido.MidiFile("part.mid").tracks for message in track):
        if message.type == "pitchwheel":
            bend = message.pitch
        if message.type == "note_on" and message.velocity:
            pitches.append(round(100 * (message.note - 60) + bend / 8192 * 200))
    return pitches


seen = {cents: heard(*cents) for cents in ((50, 50), (25, 25), (-40, -40), (0, 50))}
for cents, pitches in seen.items():
    print(f"written C4 with {cents} cents, heard {pitches}")
sys.exit(seen != {(50, 50): [100, 50], (25, 25): [0, 25], (-40, -40): [0, -40], (0, 50): [0, 50]})
PYTHON
