"""Semantic tokeniser: spectral features (features.py) -> nearest of `words` centroids, 25 tokens a second. docs/system.md section 3.

With `timbre_words` in the config every block of `timbre_frames` frames has a second word: the nearest of as many centroids to the mean over
the block of what the first words leave of the timbre features. So the first level says chord and beat, a slower second one how the band
sounds (a residual quantiser of two levels, as in SoundStream, arXiv 2107.03312 section III-C, with the second at a rate of its own).
"""

import torch
import torch.nn.functional as F
from torch import nn

from .features import COUNT, SemanticFeatures, rotate_keys  # noqa: F401 (rotate_keys is used beside the encoder)
from .models.rvq import nearest


class SemanticEncoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.features = SemanticFeatures()
        self.register_buffer('centroids', torch.zeros(c['words'], COUNT))
        self.block = c.get('timbre_frames')
        if self.block:
            self.register_buffer('timbre_centroids', torch.zeros(c['timbre_words'], COUNT))  # zero but for the timbre's features

    def encode(self, features, shift=0):
        """Features [B, T, F], transposed by `shift` semitones -> ids int64 [B, T]; of a tokeniser with timbre words [B, T, 2], the second
        of them the same in all frames of a block."""
        turned = rotate_keys(features, shift)
        first = nearest(turned.reshape(-1, turned.shape[-1]), self.centroids).view(features.shape[:-1])
        if not self.block:
            return first
        left = self.block_means(turned, first)
        second = nearest(left.reshape(-1, left.shape[-1]), self.timbre_centroids).view(left.shape[:-1])
        return torch.stack([first, second.repeat_interleave(self.block, 1)[:, : first.shape[1]]], -1)

    def block_means(self, features, first):
        """What the words `first` [B, T] leave of features [B, T, F]: the mean of each block [B, ceil(T / block), F]; the last may be
        short."""
        left = features - self.centroids[first]
        short = -left.shape[1] % self.block
        count = torch.full((-(-left.shape[1] // self.block),), float(self.block), device=left.device)
        count[-1] -= short
        return F.pad(left, (0, 0, 0, short)).unflatten(1, (-1, self.block)).sum(2) / count[:, None]

    def forward(self, audio):
        """audio [B, n] -> ids [B, n // 960], or [B, n // 960, 2]."""
        return self.encode(self.features(audio))


def load_encoder(c, paths):
    """The encoder of stage `semantic`; raises FileNotFoundError when that stage has not run."""
    path = paths.runs / 'semantic' / 'encoder.pt'
    if not path.exists():
        raise FileNotFoundError(f'{path} is missing: run the stages "features" and "semantic" first')
    encoder = SemanticEncoder(c['semantic_encoder'])
    encoder.load_state_dict(torch.load(path))
    return encoder.eval()
