"""What a prompt says of tempo, key and metre in so many words, and a draw from the style heads for what it leaves open.
The engine's src/pipeline/controls/controls.ts does the same, with the same patterns and its own random numbers."""

import math

import torch

from .models.controls import FELT_BEATS, Controls
from .words import in_range, instruments_said, read_words

TEMPERATURE = 0.7  # of the draw: a little more usual than the data


def said(text):
    """text -> (bpm or None, key or None, felt beats a bar or None), each read from the words alone, None where the model cannot be told
    it."""
    words = read_words(text)
    bpm, beats = words.get('tempo'), words['metre'][1] if 'metre' in words else None
    return (bpm if bpm is not None and in_range(bpm) else None), words.get('key'), beats if beats in FELT_BEATS.values() else None


@torch.no_grad()
def controls_of(texts, embeddings, heads, table, generator, tokenizer):
    """texts (or None, one a row), embeddings [B, E] before the quantiser -> a list of Controls, starting on a bar line. The tokenizer gives
    the words in which instruments are looked for, where the table has them."""
    likely = heads(embeddings)
    draw = lambda logits: torch.multinomial((logits / TEMPERATURE).softmax(-1), 1, generator=generator)[:, 0].tolist()
    tempi, keys, metres = draw(likely[0]), draw(likely[1]), likely[2].argmax(-1).tolist()
    out = []
    for i, text in enumerate(texts or [''] * len(embeddings)):
        bpm, tonic, beats = said(text)
        middle = table.tempo_low * 2 ** ((tempi[i] + 0.5) / table.per_octave)
        band = tuple(sorted(instruments_said(tokenizer.read(text)[0], table.phrases))) if table.phrases else ()
        tempo, key = bpm or float(math.floor(middle + 0.5)), keys[i] if tonic is None else tonic
        out.append(Controls(tempo, beats or table.metres[metres[i]], key, instruments=band))
    return out
