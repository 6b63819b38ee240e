"""Prompts for training: captions (drawn anew from a clip's attributes, in any key) and audio features -> 12 style codes."""

import random

import torch

from .loop import load_weights
from .models.rvq import Rvq
from .models.towers import TrainedTowers
from .processes import device
from .semantic import load_encoder
from .tokenizer import Tokenizer

NAMES = ('C', 'C#', 'D', 'Eb', 'E', 'F', 'F#', 'G', 'Ab', 'A', 'Bb', 'B')


def transposed(attributes, shift):
    """The attributes of the same piece `shift` semitones higher (0 leaves them alone)."""
    if not shift:
        return attributes
    from .data.theory import NAMES as names

    tonic = (attributes['tonic'] + shift) % 12
    return {**attributes, 'tonic': tonic, 'key': f'{names[tonic]} {attributes["mode"]}'}


def caption(meta, shift, rng: random.Random):
    """A new wording for a clip of the procedural set; one of its own captions for a user's clip (then without transposing)."""
    attributes = meta.get('attributes') or {}
    if 'tonic' in attributes and 'moods' in attributes:
        from .data.captions import write

        texts = write(rng, transposed(attributes, shift), 1)
        if texts:
            return texts[0]
    return rng.choice(meta['captions'])


class StyleSource:
    """The trained towers and RVQ, frozen, on the device."""

    def __init__(self, c, paths):
        self.tokenizer = Tokenizer.load(paths.runs / 'tokenizer.json')
        self.encoder = load_encoder(c, paths)
        model = load_weights(paths.runs / 'towers', TrainedTowers(c, len(self.tokenizer.vocab)))
        self.towers = model.towers.to(device())
        self.rvq = Rvq(c['rvq'], c['text_tower']['embedding_dim'])
        self.rvq.load_state_dict(torch.load(paths.runs / 'rvq' / 'rvq.pt'))
        self.rvq.to(device())
        self.caption = caption

    @torch.no_grad()
    def embed_captions(self, texts):
        return self.towers.text(self.tokenizer.batch(texts).to(device()))

    @torch.no_grad()
    def embed_features(self, features):
        """Raw features [B, T, F] -> [B, E]."""
        return self.towers.audio(features.to(device()))

    def from_captions(self, texts):
        return self.rvq.encode(self.embed_captions(texts))

    def from_features(self, features):
        return self.rvq.encode(self.embed_features(features))
