"""Control embeddings of the semantic LM: at every position it is told where in the bar the token it is about to predict lies, and the
piece's
key and tempo. A small model does not find a steady beat in 25 tokens a second by itself; with the clock it need not.

    x_p = embed[id_p] + table[clock_p] + table[key] + table[tempo]          position p predicts semantic token i = p - style_levels

With `instruments` in the config ({class: phrases of a prompt that name it}) instruments that are told make the words likelier that pieces
with them have more often (stages/heads.py):

    logits += instruments · told          [words, classes] · [classes]

and with timbre words the logits of those likewise, by `timbre_instruments` [timbre_words, classes]. With `counted_keys` the key
that is told does so too, by 24 columns more: it counts 1 with true, and with {held, left} what the last words make of it (`key_counts`).

Rows of the table: the clock, for each metre (felt beats a bar), beat and tick of the beat; "no clock"; 24 keys (tonic + 12 if minor); "no
key";
tempo bins, equally wide in log2(bpm); "no tempo". Positions before token 0 (the style prefix) have no clock but do have key and tempo.
"""

import math
from typing import NamedTuple

import torch
from torch import nn

FELT_BEATS = {'4/4': 4, '3/4': 3, '6/8': 2, '5/4': 5, '2/4': 2}


class Controls(NamedTuple):
    """What is known of a piece; None where it is not. `bpm` and `beats` (felt beats a bar) only count together. `beat` is the place on the
    beat grid, in beats after a bar line, of the start of token 0. `instruments`: classes that a prompt names."""

    bpm: float | None = None
    beats: int | None = None
    key: int | None = None  # tonic 0...11 (C first) + 12 if minor
    beat: float = 0.0
    instruments: tuple[str, ...] = ()


UNKNOWN = Controls()


def of_attributes(a, shift=0, seconds=0.0):
    """Controls of a clip of the procedural set, `shift` semitones higher, from `seconds` on (clips start on a bar line).
    A user's clip without tempo, metre or key has none of them."""
    bpm, beats = a.get('tempo'), FELT_BEATS.get(a.get('metre'))
    known = a.get('tonic') is not None and a.get('mode') in ('major', 'minor')
    key = (a['tonic'] + shift) % 12 + 12 * (a['mode'] == 'minor') if known else None
    return Controls(bpm, beats, key, seconds * bpm / 60) if bpm and beats else Controls(key=key)


KEY_STEP, KEY_SIGHT = 25, 75  # words: after so many what a key counts is told anew, from so many before


class ControlTable(nn.Module):
    def __init__(self, c, dim, token_rate=25, words=0, timbre_words=0):
        super().__init__()
        self.metres, self.ticks, self.token_rate = list(c['metres']), c['ticks'], token_rate
        self.tempo_low, self.per_octave, self.bins = c['tempo_low'], c['tempo_per_octave'], c['tempo_bins']
        self.no_clock = sum(self.metres) * self.ticks
        self.no_key = self.no_clock + 1 + 24
        self.no_tempo = self.no_key + 1 + self.bins
        self.weight = nn.Parameter(torch.zeros(self.no_tempo + 1, dim))
        self.phrases = c.get('instruments', {})
        counted = c.get('counted_keys')
        self.counted_keys = 24 if counted else 0
        self.held, self.left = (counted['held'], counted['left']) if isinstance(counted, dict) else (1.0, 1.0)
        if self.phrases:
            columns = len(self.phrases) + self.counted_keys
            self.register_buffer('instruments', torch.zeros(words, columns))  # counted, not learnt
            if timbre_words:
                self.register_buffer('timbre_instruments', torch.zeros(timbre_words, columns))

    def _load_from_state_dict(self, state, prefix, *rest):
        for name, buffer in self.named_buffers():  # counted after the language model learns: its checkpoint may be without
            state.setdefault(f'{prefix}{name}', buffer)
        super()._load_from_state_dict(state, prefix, *rest)

    def tempo_bin(self, bpm):
        return min(max(math.floor(math.log2(bpm / self.tempo_low) * self.per_octave), 0), self.bins - 1)

    def rows(self, controls, first, count):
        """Rows [B, count, 3] for semantic tokens first ... first + count - 1 (negative: the style prefix) of each of `controls`."""
        i = torch.arange(first, first + count)
        out = torch.empty(len(controls), count, 3, dtype=torch.long)
        for row, k in zip(out, controls):
            row[:, 0], row[:, 2] = self.no_clock, self.no_tempo
            row[:, 1] = self.no_key if k.key is None else self.no_clock + 1 + k.key
            if k.bpm is None or k.beats not in self.metres:
                continue
            offset = sum(self.metres[: self.metres.index(k.beats)]) * self.ticks
            beat = k.beat + (i.double() + 0.5) / self.token_rate * k.bpm / 60
            tick = ((beat % k.beats) * self.ticks).floor().long().clamp(max=k.beats * self.ticks - 1)
            row[:, 0] = torch.where(i < 0, torch.full_like(i, self.no_clock), offset + tick)
            row[:, 2] = self.no_key + 1 + self.tempo_bin(k.bpm)
        return out

    def key_counts(self, controls, words):
        """What the key of each of `controls` counts after words [B, n]: `held` while the last KEY_SIGHT of them speak for it more than for
        any other, by the columns of keys; `left` otherwise; 1 before KEY_STEP words."""
        if self.held == self.left or words.shape[1] < KEY_STEP:
            return [1.0 if words.shape[1] < KEY_STEP else self.held] * len(controls)
        spoken = self.instruments[words[:, -KEY_SIGHT:].long()][..., -self.counted_keys :].double().sum(1)  # of halves: exact, in any order
        best = spoken == spoken.max(1, keepdim=True).values
        return [self.held if k.key is not None and row[k.key] and row.sum() == 1 else self.left for k, row in zip(controls, best)]

    def bias(self, controls, words=None, timbre=False):
        """What the logits of each of `controls` gain, [B, words]; those of timbre words [B, timbre_words]. words [B, n]: those before."""
        count = self.key_counts(controls, words if words is not None else torch.zeros(len(controls), 0))
        columns = [
            [float(name in k.instruments) for name in self.phrases] + [share * (key == k.key) for key in range(self.counted_keys)]
            for k, share in zip(controls, count)
        ]
        told = torch.tensor(columns, device=self.instruments.device)
        return told @ (self.timbre_instruments if timbre else self.instruments).float().T

    def forward(self, rows):
        """rows [B, T, 3] -> [B, T, dim]."""
        return nn.functional.embedding(rows, self.weight).sum(2)
