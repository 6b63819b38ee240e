"""Our own arrangements, for styles MMA's library lacks: patterns on a step grid → Score. Specs are in arrangements.py.

Pattern alphabet, one character a step ('.' or ' ' is silence): drums 'X' loud, 'x' normal, 'o' soft;
bass 'r' root, '5' fifth, '3' third, 'o' octave, 'l' low octave root, 'w' walk towards the next chord; stabs 'x'/'X'.
'-' prolongs the note before it. Where several patterns are given, one is drawn per clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .score import DRUMS, Score
from .theory import Chord

KICK, SNARE, RIM, CLAP, HAT, PEDAL, OPEN, CRASH, RIDE = 36, 38, 37, 39, 42, 44, 46, 49, 51
LOW_TOM, HIGH_TOM, TAMBOURINE, SHAKER, CONGA, LOW_CONGA, AGOGO, SURDO, CABASA, TIMBALE, TRIANGLE = (
    45,
    50,
    54,
    70,
    63,
    64,
    67,
    41,
    69,
    65,
    81,
)


@dataclass(frozen=True)
class Layer:
    """One accompaniment part. kind: pad | stab | arp | broken | bass | tremolo | ostinato | octaves."""

    kind: str
    programs: tuple
    patterns: tuple = ()
    low: int = 52  # lowest pitch of its voicings
    volume: int = 88
    chance: float = 1.0  # probability that the part is there at all
    velocity: int = 84
    pan: int = 64


@dataclass(frozen=True)
class Spec:
    layers: tuple
    drums: tuple = ()  # ((pitch, (patterns...)), ...)
    kit: int = 0
    beats: int = 4  # felt beats a bar: 4, 3, or 2 (6/8)
    steps: int = 16  # steps a bar
    swing: float = 0.0  # share of a step by which odd steps come late
    lead_density: tuple = (0.2, 0.7)
    lead_chance: float = 0.8
    human: float = 0.006  # seconds of timing jitter (standard deviation)
    build: bool = False  # layers enter one after another (trance, house)


def voicing(chord: Chord, low: int) -> list:
    """Close voicing with its lowest note at or just above `low`."""
    return sorted(low + (pc - low) % 12 for pc in chord.pitch_classes)


class Arranger:
    """Writes one spec over a chord list. beat = seconds a felt beat; bars = chords per bar."""

    def __init__(self, rng: Random, spec: Spec, bars: list, beat: float):
        self.rng, self.spec, self.bars, self.beat = rng, spec, bars, beat
        self.step = beat * spec.beats / spec.steps
        self.score, self.next_channel, self.entries = Score(), 0, {}

    def channel(self) -> int:
        c = self.next_channel
        self.next_channel += 2 if c == DRUMS - 1 else 1
        return c

    def time(self, bar: int, step: float) -> float:
        late = self.spec.swing * self.step if int(step) % 2 else 0.0
        return max(0.0, (bar * self.spec.steps + step) * self.step + late + self.rng.gauss(0, self.spec.human))

    def chord_at(self, bar: int, step: int) -> Chord:
        chords = self.bars[bar]
        return chords[min(len(chords) - 1, step * len(chords) // self.spec.steps)]

    def hits(self, pattern: str):
        """(step, length in steps, character) of each note of a pattern."""
        for i, c in enumerate(pattern):
            if c not in '. -':
                n = 1
                while i + n < len(pattern) and pattern[i + n] == '-':
                    n += 1
                yield i, n, c

    def active_bars(self, order: int):
        first = self.entries.get(order, 0)
        return range(first, len(self.bars))

    def write(self) -> Score:
        rng, spec = self.rng, self.spec
        layers = [(i, x) for i, x in enumerate(spec.layers) if rng.random() < x.chance]
        if spec.build and rng.random() < 0.5:  # parts come in at bars 0, 2, 4 (never the first one late)
            order = [i for i, _ in layers[1:]]
            rng.shuffle(order)
            self.entries = {i: 2 * min(k + 1, 3) for k, i in enumerate(order[:3])}
        for i, layer in layers:
            getattr(self, layer.kind)(i, layer)
        if spec.drums:
            self.drums()
        return self.score.sort()

    def start(self, layer: Layer) -> tuple:
        channel = self.channel()
        self.score.instrument(
            channel, self.rng.choice(layer.programs), layer.volume + self.rng.randint(-6, 6), layer.pan + self.rng.randint(-20, 20)
        )
        return channel, self.rng.choice(layer.patterns) if layer.patterns else ''

    def drums(self) -> None:
        self.score.instrument(DRUMS, self.spec.kit, 100)
        level = {'X': 116, 'x': 92, 'o': 58}
        chosen = [(pitch, self.rng.choice(patterns)) for pitch, patterns in self.spec.drums]
        first = 2 if self.entries and self.rng.random() < 0.4 else 0
        for bar in range(first, len(self.bars)):
            for pitch, pattern in chosen:
                pattern = pattern * (self.spec.steps // len(pattern))
                for step, _, c in self.hits(pattern):
                    self.score.add_note(self.time(bar, step), self.step, DRUMS, pitch, level[c] + self.rng.randint(-7, 7))
            if bar % 8 == 0 and self.spec.kit not in (40,) and len(chosen) > 3:
                self.score.add_note(self.time(bar, 0), 1.0, DRUMS, CRASH, 84)

    def bass(self, order: int, layer: Layer) -> None:
        channel, pattern = self.start(layer)
        for bar in self.active_bars(order):
            for step, n, c in self.hits(pattern * (self.spec.steps // len(pattern))):
                chord = self.chord_at(bar, step)
                tones = chord.pitch_classes
                root = layer.low + (chord.root - layer.low) % 12
                if c == 'w':
                    following = self.chord_at((bar + 1) % len(self.bars), 0)
                    target = layer.low + (following.root - layer.low) % 12
                    pitch = target + self.rng.choice((-1, 1, -2, 2, 5))
                else:
                    pitch = {
                        'r': root,
                        'o': root + 12,
                        'l': root - 12 if root - 12 >= 24 else root,
                        '5': root + (tones[2] - tones[0]) % 12 if len(tones) > 2 else root + 7,
                        '3': root + (tones[1] - tones[0]) % 12,
                    }[c]
                self.score.add_note(
                    self.time(bar, step), n * self.step * 0.92, channel, pitch, layer.velocity + 12 + self.rng.randint(-6, 6)
                )

    def pad(self, order: int, layer: Layer) -> None:
        channel, _ = self.start(layer)
        for bar in self.active_bars(order):
            chords = self.bars[bar]
            for k, chord in enumerate(chords):
                step = k * self.spec.steps // len(chords)
                for p in voicing(chord, layer.low):
                    self.score.add_note(
                        self.time(bar, step),
                        self.spec.steps / len(chords) * self.step * 1.02,
                        channel,
                        p,
                        layer.velocity + self.rng.randint(-5, 5),
                    )

    def stab(self, order: int, layer: Layer) -> None:
        channel, pattern = self.start(layer)
        for bar in self.active_bars(order):
            for step, n, c in self.hits(pattern * (self.spec.steps // len(pattern))):
                notes = voicing(self.chord_at(bar, step), layer.low)
                strum = self.rng.uniform(0.0, 0.012) if layer.programs[0] in range(24, 31) else 0.0
                for k, p in enumerate(notes):
                    self.score.add_note(
                        self.time(bar, step) + k * strum,
                        n * self.step * 0.9,
                        channel,
                        p,
                        layer.velocity + (14 if c == 'X' else 0) + self.rng.randint(-6, 6),
                    )

    def arp(self, order: int, layer: Layer) -> None:
        """Chord tones over an octave and a half; the pattern's digits choose the tone ('0' lowest)."""
        channel, pattern = self.start(layer)
        for bar in self.active_bars(order):
            for step, n, c in self.hits(pattern * (self.spec.steps // len(pattern))):
                notes = voicing(self.chord_at(bar, step), layer.low)
                pitch = notes[int(c) % len(notes)] + 12 * (int(c) // len(notes))
                self.score.add_note(self.time(bar, step), n * self.step * 0.95, channel, pitch, layer.velocity + self.rng.randint(-7, 7))

    def broken(self, order: int, layer: Layer) -> None:
        """Piano or harp left hand: root and fifth low, chord tones rising, held to the end of the chord."""
        channel, pattern = self.start(layer)
        for bar in self.active_bars(order):
            hits = list(self.hits(pattern * (self.spec.steps // len(pattern))))
            for step, _, c in hits:
                chord = self.chord_at(bar, step)
                root = 36 + (chord.root - 36) % 12
                line = [root, root + 7, root + 12] + [p for p in voicing(chord, root + 13)] + [root + 24]
                pitch = line[min(int(c), len(line) - 1)]
                self.score.add_note(
                    self.time(bar, step),
                    (self.spec.steps - step) * self.step,
                    channel,
                    pitch,
                    layer.velocity - (8 if int(c) else 0) + self.rng.randint(-6, 6),
                )

    def ostinato(self, order: int, layer: Layer) -> None:
        """One drawn figure of scale degrees over the first chord's fifths, the same every bar: minimal and suspense music."""
        channel, pattern = self.start(layer)
        root = self.bars[0][0]
        tones = voicing(root, layer.low) + [layer.low + (root.root - layer.low) % 12 + 12]
        figure = [self.rng.choice(tones) for _ in range(self.spec.steps)]
        for bar in self.active_bars(order):
            for step, n, _ in self.hits(pattern * (self.spec.steps // len(pattern))):
                self.score.add_note(
                    self.time(bar, step),
                    n * self.step * 0.8,
                    channel,
                    figure[step],
                    layer.velocity + (8 if step == 0 else 0) + self.rng.randint(-5, 5),
                )

    def tremolo(self, order: int, layer: Layer) -> None:
        channel, _ = self.start(layer)
        for bar in self.active_bars(order):
            for step in range(self.spec.steps):
                for p in voicing(self.chord_at(bar, step), layer.low)[:3]:
                    self.score.add_note(
                        self.time(bar, step),
                        self.step * 0.9,
                        channel,
                        p,
                        layer.velocity - 10 + (10 if step % 4 == 0 else 0) + self.rng.randint(-4, 4),
                    )

    def octaves(self, order: int, layer: Layer) -> None:
        """Root and fifth power chords: guitars, low brass."""
        channel, pattern = self.start(layer)
        for bar in self.active_bars(order):
            for step, n, c in self.hits(pattern * (self.spec.steps // len(pattern))):
                root = layer.low + (self.chord_at(bar, step).root - layer.low) % 12
                for p in (root, root + 7, root + 12):
                    self.score.add_note(
                        self.time(bar, step),
                        n * self.step * 0.93,
                        channel,
                        p,
                        layer.velocity + (12 if c == 'X' else 0) + self.rng.randint(-5, 5),
                    )
