#!/usr/bin/env bash
# mir_eval 0.8.2.
# "X" in a list of chords says that the chord is none that can be named. Where a reference has it, the measures leave it out. Where an estimate
# has it, "mirex" takes it for a chord of all twelve notes, which has three in common with anything: an estimate that is X from the first to
# the last second scores 1.0, and one that is right in half of the time goes from 0.5 to 1.0 when X takes the place of what was wrong. majmin
# and thirds give 0 for it. Where the reference is "N", no chord, X counts as right in "mirex" and in "root".
# One would expect 0, since the reference names a chord. Way round: write "N" for "X" in estimates before evaluate().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check mir_eval==0.8.2 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
import numpy
from mir_eval import chord

REFERENCE = ["C:maj", "A:min", "F:maj7", "G:7"]
TIMES = numpy.array([[0, 2], [2, 4], [4, 6], [6, 8]], float)
ESTIMATES = {
    "all right": REFERENCE,
    "half wrong": ["C:maj", "A:min", "D:min", "B:maj"],
    "half X": ["C:maj", "A:min", "X", "X"],
    "half N": ["C:maj", "A:min", "N", "N"],
    "all X": ["X"] * 4,
    "all N": ["N"] * 4,
}
MEASURES = ("mirex", "majmin", "thirds", "root")
seen = {}
for name, labels in ESTIMATES.items():
    scores = chord.evaluate(TIMES, REFERENCE, TIMES, labels)
    seen[name] = [round(float(scores[measure]), 2) for measure in MEASURES]
    print(f"{name}: {dict(zip(MEASURES, seen[name]))}")
unknown = [float(getattr(chord, measure)(["N"], ["X"])[0]) for measure in MEASURES]
print("X where the reference is N:", dict(zip(MEASURES, unknown)))
right, half, none = [1.0] * 4, [0.5] * 4, [0.0] * 4
expected = {
    "all right": right, "half wrong": half, "half X": [1.0, 0.5, 0.5, 0.5], "half N": half, "all X": [1.0, 0.0, 0.0, 0.0], "all N": none
}
sys.exit(seen != expected or unknown != [1.0, 0.0, 0.0, 1.0])
PYTHON
