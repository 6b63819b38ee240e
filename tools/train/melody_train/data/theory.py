"""Keys, chord progressions and melodies. Everything is drawn from the random.Random it is given."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

NAMES = ('C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B')
SCALES = {'major': (0, 2, 4, 5, 7, 9, 11), 'minor': (0, 2, 3, 5, 7, 8, 10)}
INTERVALS = {
    '': (0, 4, 7),
    'm': (0, 3, 7),
    '7': (0, 4, 7, 10),
    'M7': (0, 4, 7, 11),
    'm7': (0, 3, 7, 10),
    'dim': (0, 3, 6),
    'm7b5': (0, 3, 6, 10),
    'sus4': (0, 5, 7),
    '6': (0, 4, 7, 9),
    '5': (0, 7),
}

# (semitones above the tonic, quality) per bar. Grouped by how they sound; 'major' and 'minor' are the modes they belong to.
PROGRESSIONS = {
    'pop': {
        'major': ('0 7 9m 5', '0 9m 5 7', '9m 5 0 7', '0 5 7 5', '0 4m 5 7', '5 7 4m 9m', '0 5 9m 7', '0 7 2m 5', '0 0 5 7'),
        'minor': ('0m 8 3 10', '0m 10 8 10', '0m 5m 8 10', '0m 3 10 5m', '8 10 0m 0m', '0m 8 5m 7', '0m 5m 10 3'),
    },
    'folk': {
        'major': ('0 5 0 7', '0 0 5 7', '0 5 7 0', '0 7 0 7', '0 9m 5 7', '0 10 5 0', '0 7 5 0'),
        'minor': ('0m 10 0m 10', '0m 3 10 0m', '0m 5m 0m 7', '0m 8 10 0m', '0m 10 8 7'),
    },
    'jazz': {
        'major': ('2m7 7.7 0M7 9m7', '0M7 9m7 2m7 7.7', '0M7 9.7 2m7 7.7', '4m7 9.7 2m7 7.7', '0M7 5M7 4m7 9m7', '0.6 0.7 5M7 5m7'),
        'minor': ('2m7b5 7.7 0m7 0m7', '0m7 5m7 2m7b5 7.7', '0m7 8M7 2m7b5 7.7', '5m7 10.7 3M7 8M7', '0m7 10.7 8M7 7.7'),
    },
    'blues': {
        'major': ('0.7 0.7 0.7 0.7 5.7 5.7 0.7 0.7 7.7 5.7 0.7 7.7', '0.7 5.7 0.7 0.7 5.7 5.7 0.7 0.7 7.7 5.7 0.7 7.7', '0.7 5.7 0.7 7.7'),
        'minor': ('0m7 0m7 0m7 0m7 5m7 5m7 0m7 0m7 8.7 7.7 0m7 7.7', '0m7 5m7 0m7 7.7'),
    },
    'latin': {
        'major': ('0 5 7 5', '0 7 7 0', '0M7 2m7 7.7 0M7', '0 9m 2m 7.7', '0 5 0 7.7'),
        'minor': ('0m 5m 7.7 0m', '0m 10 8 7.7', '0m7 5m7 0m7 7.7', '0m 7.7 7.7 0m', '0m7 10.7 0m7 10.7'),
    },
    'dance': {
        'major': ('9m 5 0 7', '0 7 9m 5', '5 5 9m 7', '0 0 5 9m'),
        'minor': ('0m 8 3 10', '0m 0m 8 10', '0m 10 8 8', '0m 3 8 10', '0m 0m 0m 10', '0m 8 0m 10'),
    },
    'calm': {
        'major': ('0M7 5M7', '0 5 0 5', '0M7 9m7 5M7 5M7', '0 4m 5 5', '0M7 2m7'),
        'minor': ('0m7 8M7', '0m 5m 8 8', '0m7 3M7 8M7 10', '0m 10', '0m 8 0m 5m'),
    },
    'epic': {
        'major': ('0 10 5 0', '0 7 9m 5', '0 3 8 10', '0 5 10 0'),
        'minor': ('0m 8 3 10', '0m 0m 8 8 5m 5m 7 7', '0m 3 10 5', '0m 8 5m 7', '0m 10 8 7'),
    },
    'dark': {
        'major': ('0 1 0 1', '0 8 1 0'),
        'minor': ('0m 1 0m 1', '0m 8m 0m 8m', '0m 6dim 0m 1', '0m 8 1 7', '0m 3m 0m 11dim'),
    },
    'classical': {
        'major': ('0 7 9m 4m 5 0 5 7', '0 5 7 0', '0 9m 2m 7.7', '0 7 0 5 0 7.7 0 0'),
        'minor': ('0m 7.7 0m 10 3 8 2dim 7.7', '0m 5m 7.7 0m', '0m 8 5m 7.7', '0m 7 0m 5m'),
    },
}


class Chord(NamedTuple):
    root: int  # pitch class 0..11
    quality: str  # a key of INTERVALS

    @property
    def pitch_classes(self) -> tuple:
        return tuple((self.root + i) % 12 for i in INTERVALS[self.quality])

    @property
    def triad(self) -> str:
        """'maj' | 'min' | 'dim' | 'sus': what a chord probe is asked to tell."""
        return {'m': 'min', 'm7': 'min', 'dim': 'dim', 'm7b5': 'dim', 'sus4': 'sus', '5': 'sus'}.get(self.quality, 'maj')

    @property
    def mma(self) -> str:
        return NAMES[self.root] + self.quality


def _parse(token: str, tonic: int) -> Chord:
    digits = ''.join(c for c in token[:2] if c.isdigit())
    return Chord((tonic + int(digits)) % 12, token[len(digits) :].lstrip('.'))


def progression(rng: Random, kind: str, tonic: int, mode: str, bars: int) -> list:
    """A list of `bars` entries, each the list of one or two chords of that bar. An A part repeats; a B part may come after 8 bars."""

    def loop() -> list:
        return [_parse(t, tonic) for t in rng.choice(PROGRESSIONS[kind][mode]).split()]

    a, b = loop(), loop()
    hold = 2 if len(a) <= 4 and rng.random() < 0.15 else 1  # every chord for two bars
    a = [c for c in a for _ in range(hold)]
    double = len(a) == 4 and hold == 1 and rng.random() < 0.12  # two chords a bar
    b_from = 8 if rng.random() < 0.3 else bars
    out = []
    for bar in range(bars):
        seq, i = (b, bar - b_from) if bar >= b_from else (a, bar)
        out.append([seq[(2 * i) % len(seq)], seq[(2 * i + 1) % len(seq)]] if double else [seq[i % len(seq)]])
    return out


# onsets in beats within one bar of 4, 3 or 6/8-like (2 felt beats, thirds); density rises along each tuple
RHYTHMS = {
    4: (
        (0, 2),
        (0, 3),
        (0, 1, 2),
        (0, 1.5, 3),
        (0, 1, 2, 3),
        (0, 1.5, 2, 3.5),
        (0, 0.5, 1, 2, 3),
        (0.5, 1, 1.5, 2.5, 3),
        (0, 0.5, 1.5, 2, 2.5, 3.5),
        (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5),
    ),
    3: ((0,), (0, 2), (0, 1, 2), (0, 1.5, 2), (0, 0.5, 1, 2), (0, 1, 1.5, 2, 2.5), (0, 0.5, 1, 1.5, 2, 2.5)),
    2: ((0,), (0, 1), (0, 2 / 3, 1), (0, 2 / 3, 1, 5 / 3), (0, 1 / 3, 2 / 3, 1, 5 / 3), (0, 1 / 3, 2 / 3, 1, 4 / 3, 5 / 3)),
    5: ((0, 3), (0, 1, 3), (0, 1, 2, 3, 4), (0, 1.5, 3, 4)),
}


def melody(rng: Random, bars: list, beats_per_bar: int, tonic: int, mode: str, density: float, low: int = 60, high: int = 84) -> list:
    """[(start beat, length in beats, pitch, accent 0..1)]: a two-bar motif in the form A A B A, chord tones on the strong beats.

    bars: chords per bar from progression(); density 0..1; pitches stay within low..high.
    """
    patterns = RHYTHMS.get(beats_per_bar, RHYTHMS[4])
    scale = [(tonic + s) % 12 for s in SCALES[mode]]

    def motif() -> list:
        centre = density * (len(patterns) - 1)
        picks = [patterns[max(0, min(len(patterns) - 1, round(rng.gauss(centre, 1.2))))] for _ in range(2)]
        out = []
        for bar, onsets in enumerate(picks):
            for onset in onsets:
                if out and rng.random() < 0.06:
                    continue
                out.append((bar * beats_per_bar + onset, rng.choice((-2, -1, -1, 0, 1, 1, 2, 3, -3)), rng.random()))
        return out

    themes = {'A': motif(), 'B': motif()}
    pitch = (low + high) // 2 + rng.randint(-3, 3)
    legato, notes = rng.choice((0.6, 0.85, 0.98)), []
    rest_group = rng.random() < 0.2
    for group in range((len(bars) + 1) // 2):
        name = 'AABA'[group % 4]
        if rest_group and group % 4 == 3:
            continue
        theme = themes[name]
        for k, (onset, step, accent) in enumerate(theme):
            bar = group * 2 + int(onset // beats_per_bar)
            if bar >= len(bars):
                break
            chords = bars[bar]
            chord = chords[min(len(chords) - 1, int((onset % beats_per_bar) / beats_per_bar * len(chords)))]
            strong = abs(onset % 1) < 0.01 and (onset % beats_per_bar in (0, 2) or beats_per_bar == 2)
            allowed = chord.pitch_classes if strong or accent < 0.35 else scale
            target = max(low, min(high, pitch + step * (2 if accent > 0.8 else 1)))
            near = [p for p in range(low, high + 1) if p % 12 in allowed]
            pitch = min(near, key=lambda p: (abs(p - target), p))
            following = theme[k + 1][0] if k + 1 < len(theme) else 2 * beats_per_bar
            notes.append((group * 2 * beats_per_bar + onset, max(0.2, (following - onset) * legato), pitch, accent))
        pitch += rng.choice((-2, 0, 2))
    return notes
