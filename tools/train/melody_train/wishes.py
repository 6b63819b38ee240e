"""What a prompt says of tempo, key and metre in so many words, and a draw from the style heads for what it leaves open.
The engine's src/pipeline/controls.ts does the same with its own random numbers."""

import math
import re

import torch

from .models.controls import FELT_BEATS, Controls

PITCH = {'c': 0, 'd': 2, 'e': 4, 'f': 5, 'g': 7, 'a': 9, 'b': 11}
BPM = re.compile(r'(?<![\d.])(\d{2,3})(?:\.\d+)?\s*(?:bpm\b|beats per minute|beats a minute)|\btempo(?: of| is|:)?\s*(\d{2,3})\b', re.I)
KEY = re.compile(r'\b([A-Ga-g])(#|♯|b|♭|[- ]sharp|[- ]flat)?[- ]?(major|minor|maj|min)\b', re.I)
METRE = re.compile(r'\b([2-6]/[48])\b')
SLOWEST, FASTEST = 40.0, 220.0
TEMPERATURE = 0.7  # of the draw: a little more usual than the data


def said(text):
    """text -> (bpm or None, key or None, felt beats a bar or None), each read from the words alone."""
    bpm = next((float(a or b) for a, b in BPM.findall(text)), None)
    key = None
    for letter, sign, mode in KEY.findall(text):
        if letter.islower() and not sign and letter == 'a':
            continue  # "a major hit", "in a minor key": the article
        step = 1 if sign and (sign in '#♯' or 'sharp' in sign) else -1 if sign else 0
        key = (PITCH[letter.lower()] + step) % 12 + 12 * mode.lower().startswith('min')
        break
    beats = next((FELT_BEATS[x] for x in METRE.findall(text) if x in FELT_BEATS), None)
    return (bpm if bpm and SLOWEST <= bpm <= FASTEST else None), key, beats


@torch.no_grad()
def controls_of(texts, embeddings, heads, table, generator):
    """texts (or None, one a row), embeddings [B, E] before the quantiser -> a list of Controls, starting on a bar line."""
    tempo, key, metre = heads(embeddings)
    draw = lambda logits: torch.multinomial((logits / TEMPERATURE).softmax(-1), 1, generator=generator)[:, 0].tolist()
    tempi, keys, metres = draw(tempo), draw(key), metre.argmax(-1).tolist()
    out = []
    for i, text in enumerate(texts or [''] * len(embeddings)):
        bpm, tonic, beats = said(text)
        middle = table.tempo_low * 2 ** ((tempi[i] + 0.5) / table.per_octave)
        out.append(Controls(bpm or float(math.floor(middle + 0.5)), beats or table.metres[metres[i]], keys[i] if tonic is None else tonic))
    return out
