#!/usr/bin/env bash
# miditok 3.1.0 (REMI, TSD, MIDILike), symusic 0.6.0.
# The wheel never comes back to the middle. The 32 values of a pitch bend that are there with `use_pitch_bends` go from -8192 to 8191 in equal
# steps, so that 0 is not among them: it becomes 263, 6 cents of two semitones, 39 of the twelve of a guitar. Every note behind a bend that was
# let go is out of tune against the other tracks, in what is decoded and in what a model writes, and a file that merely sets the wheel to 0 at
# its start is out of tune from there on. A tempo of 120 becomes 121.29 for the same reason: over 5 minutes 3.2 s.
# One would expect that the middle of the wheel, the value nearly every bend returns to, is kept, whatever the steps about it are.
# Way round: pitch_bend_range=(-8191, 8191, 33) has the 0; num_tempos=43 makes steps of 5 from 40 to 250.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check miditok==3.1.0 symusic==0.6.0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
from miditok import REMI, TSD, MIDILike, TokenizerConfig
from symusic import Note, PitchBend, Score, Tempo, Track

QUARTER = 480
score = Score(QUARTER)
score.tempos.append(Tempo(0, 120))
track = Track(program=24)
track.notes.extend(Note(i * QUARTER, QUARTER, 60, 99) for i in range(6))
track.pitch_bends.extend(PitchBend(i * QUARTER, value) for i, value in enumerate((0, 4096, 0, -4096, 0)))
score.tracks.append(track)
values = lambda piece: [bend.value for bend in piece.tracks[0].pitch_bends]
print("in:", values(score), "at 120 a minute")


def round_trip(kind, **settings):
    tokenizer = kind(TokenizerConfig(use_programs=True, use_tempos=True, use_pitch_bends=True, **settings))
    back = tokenizer.decode(tokenizer.encode(score))
    found = values(back), [round(tempo.qpm, 2) for tempo in back.tempos]
    print(kind.__name__, settings, *found, f"the middle is {200 * found[0][-1] / 8192:.1f} cents of 2 semitones off, {1200 * found[0][-1] / 8192:.1f} of 12")
    return found


kinds = (REMI, TSD, MIDILike)
default = [round_trip(kind) for kind in kinds]
better = [round_trip(kind, pitch_bend_range=(-8191, 8191, 33), num_tempos=43) for kind in kinds]
sys.exit(not (
    all(found == ([263, 3963, 263, -3965, 263], [121.29]) for found in default)
    and all(bends[::2] == [0, 0, 0] and tempos == [120] for bends, tempos in better)
))
PYTHON
