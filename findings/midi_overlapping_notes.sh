#!/usr/bin/env bash
# pretty_midi 0.2.11.post0, symusic 0.6.0, partitura 1.9.0, mido 1.3.3.
# One key struck twice before it is released: on, on, off, off on one channel at beats 0, 1, 2, 3. symusic pairs first with first (0 to 2, 1
# to 3). pretty_midi ends both notes at the first release (0 to 2, 1 to 2), and its second release is dropped. partitura forgets the first
# note (only 1 to 2 is left). Where the second stroke and the first release share a tick, stroke first, partitura has one note of length 0
# and loses the one that follows. MIDI does not say which is right; one would expect at least as many notes as strokes. The files are
# common: two voices of a piano on one channel, tracks merged. Way round: end the sounding note where the next begins, before writing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check pretty_midi==0.2.11.post0 symusic==0.6.0 partitura==1.9.0 mido==1.3.3 numpy==2.4.6 setuptools==80.9.0
env/bin/python -W ignore - <<'PYTHON'
import sys
import mido, partitura, pretty_midi, symusic


def read(*strokes):
    """The notes, as (begin, end) in beats, that three libraries read from strokes and releases of one key."""
    track = mido.MidiTrack()
    before = 0
    for beat, velocity in strokes:
        track.append(mido.Message("note_on", note=60, velocity=velocity, time=480 * (beat - before)))
        before = beat
    file = mido.MidiFile(type=0, ticks_per_beat=480)
    file.tracks.append(track)
    file.save("strokes.mid")
    beats = lambda notes: sorted((round(float(begin) * 2, 3), round(float(end) * 2, 3)) for begin, end in notes)
    return {
        "symusic": beats((n.start, n.end) for n in symusic.Score("strokes.mid", ttype="second").tracks[0].notes),
        "pretty_midi": beats((n.start, n.end) for n in pretty_midi.PrettyMIDI("strokes.mid").instruments[0].notes),
        "partitura": beats((n["note_on"], n["note_off"]) for n in partitura.load_performance_midi("strokes.mid")[0].notes),
    }


overlapping = read((0, 10), (1, 20), (2, 0), (3, 0))
touching = read((0, 10), (1, 20), (1, 0), (2, 0))
print(f"on 0, on 1, off 2, off 3: {overlapping}")
print(f"on 0, on 1, off 1, off 2: {touching}")
sys.exit(not (
    overlapping == {"symusic": [(0, 2), (1, 3)], "pretty_midi": [(0, 2), (1, 2)], "partitura": [(1, 2)]}
    and touching == {"symusic": [(0, 1), (1, 2)], "pretty_midi": [(0, 1), (1, 2)], "partitura": [(1, 1)]}
))
PYTHON
