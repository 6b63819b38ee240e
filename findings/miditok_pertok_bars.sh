#!/usr/bin/env bash
# miditok 3.1.0 (PerTok, and REMI beside it), symusic 0.6.0.
# PerTok counts bars wrongly wherever the time signature is not over 4, or changes. It takes a bar of 6/8 for 12 quarters in place of 3, and the
# n-th bar to begin at n times the length of the present one. With position tokens, as in its documented example, that moves notes when a piece
# is encoded and decoded: 16 of 24 eighths in 6/8 come out at one and the same time, and after 2 bars of 4/4 18 of the 24 eighths in 3/4
# are elsewhere. Without position tokens the notes are right, but Bar tokens are missing, so that a model learns other bars. A tempo begins at
# the note before it. And that example's "beat_res": {(0, 4): 4, (0, 4): 3} is a dictionary with one key twice: there are no 16ths in it.
# One would expect what REMI gives for the same pieces: the same notes, and a Bar token a bar.
# Way round: REMI or TSD for what is not in 4/4 from start to end; {(0, 2): 4, (0, 4): 3} where both grids are wanted.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip install --quiet --disable-pip-version-check miditok==3.1.0 symusic==0.6.0 numpy==2.4.6
env/bin/python -W ignore - <<'PYTHON'
import sys
from miditok import REMI, PerTok, TokenizerConfig
from symusic import Note, Score, Tempo, TimeSignature, Track

QUARTER = 480


def eighths(count, signatures, tempos=((0, 121.29),)):
    score = Score(QUARTER)
    score.time_signatures.extend(TimeSignature(*signature) for signature in signatures)
    score.tempos.extend(Tempo(*tempo) for tempo in tempos)
    track = Track(program=0)
    track.notes.extend(Note(i * QUARTER // 2, QUARTER // 2, 60 + i % 12, 99) for i in range(count))
    score.tracks.append(track)
    return score


def round_trip(tokenizer, score):
    """How many notes have moved, the times at which notes begin, how many Bar tokens there are, and the tempos in quarters."""
    tokens = tokenizer.encode(score)
    bars = sum(token.startswith("Bar") for token in tokens[0].tokens)  # before decode, which changes the list that it is given
    back = tokenizer.decode(tokens).resample(QUARTER)
    before, after = ([note.time for note in piece.tracks[0].notes] for piece in (score, back))
    tempos = [(tempo.time / QUARTER, round(tempo.qpm)) for tempo in back.tempos]
    return sum(a != b for a, b in zip(before, after, strict=True)), len(set(after)), bars, tempos


settings = {"use_programs": False, "use_time_signatures": True, "use_tempos": True}
own = {"beat_res": {(0, 4): 4}, "ticks_per_quarter": QUARTER, "use_microtiming": False, "max_microtiming_shift": 0.125, "num_microtiming_bins": 30}
tokenizers = {
    "REMI": REMI(TokenizerConfig(**settings)),
    "PerTok": PerTok(TokenizerConfig(**settings, **own, use_position_toks=False)),
    "PerTok with positions": PerTok(TokenizerConfig(**settings, **own, use_position_toks=True)),
}
pieces = {
    "4 bars of 4/4": eighths(32, [(0, 4, 4)]),
    "4 bars of 6/8": eighths(24, [(0, 6, 8)]),
    "2 bars of 4/4, 4 of 3/4": eighths(40, [(0, 4, 4), (8 * QUARTER, 3, 4)]),
}
seen = {}
for name, tokenizer in tokenizers.items():
    for piece, score in pieces.items():
        moved, times, bars, _ = seen[name, piece] = round_trip(tokenizer, score)
        print(f"{name}, {piece}: {moved} of {len(score.tracks[0].notes)} notes have moved, {times} times at which notes begin, {bars} Bar tokens")
changed = eighths(2, [(0, 4, 4)], [(0, 121.29), (QUARTER // 2, 60.32)])
tempos = {name: round_trip(tokenizer, changed)[3] for name, tokenizer in tokenizers.items()}
print("121 a minute and from the second eighth on 60:", tempos)
grid = {(0, 4): 4, (0, 4): 3}
print(f"the documented grid of 16ths and triplets: {grid}")
six, three = "4 bars of 6/8", "2 bars of 4/4, 4 of 3/4"
sys.exit(not (
    all(seen[name, "4 bars of 4/4"][0] == 0 for name in tokenizers) and seen["REMI", six][::2] == (0, 4) and seen["REMI", three][::2] == (0, 6)
    and seen["PerTok", six][::2] == (0, 0) and seen["PerTok with positions", six][:2] == (16, 9) and seen["PerTok with positions", three][0] == 18
    and tempos["REMI"] == [(0, 121), (0.5, 60)] and tempos["PerTok"] == [(0, 121), (0, 60)] and len(grid) == 1
))
PYTHON
