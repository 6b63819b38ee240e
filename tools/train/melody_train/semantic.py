"""Semantic tokeniser: spectral features (features.py) -> nearest of `words` centroids, 25 tokens a second. docs/system.md section 3."""

import torch
from torch import nn

from .features import COUNT, SemanticFeatures, rotate_keys  # noqa: F401 (rotate_keys is used beside the encoder)
from .models.rvq import nearest


class SemanticEncoder(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.features = SemanticFeatures()
        self.register_buffer('centroids', torch.zeros(c['words'], COUNT))

    def encode(self, features, shift=0):
        """Features [B, T, F], transposed by `shift` semitones -> ids int64 [B, T]."""
        flat = rotate_keys(features, shift).reshape(-1, features.shape[-1])
        return nearest(flat, self.centroids).view(features.shape[:-1])

    def forward(self, audio):
        """audio [B, n] -> ids [B, n // 960]."""
        return self.encode(self.features(audio))


def load_encoder(c, paths):
    """The encoder of stage `semantic`; raises FileNotFoundError when that stage has not run."""
    path = paths.runs / 'semantic' / 'encoder.pt'
    if not path.exists():
        raise FileNotFoundError(f'{path} is missing: run the stages "features" and "semantic" first')
    encoder = SemanticEncoder(c['semantic_encoder'])
    encoder.load_state_dict(torch.load(path))
    return encoder.eval()
