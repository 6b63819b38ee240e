"""Audio tower: 10 s of audio -> unit embedding [B, E]. docs/system.md section 2.

kind 'features' (shipped): semantic features [B, 250, F] (semantic_encoder's front end), `merge` frames side by side -> Linear -> LayerNorm
                           -> ConvNeXt blocks -> Encoder.
kind 'ast'      (paper):   log-mel [B, frames, 128] -> 16 x 16 patches with stride 10 -> Encoder (AST-base sizes).
"""

from torch import nn

from .encoder import Encoder
from .layers import ConvNeXt, LayerNorm


def audio_tower(config):
    return {'features': FeatureTower, 'ast': PatchTower}[config['kind']](config)


class FeatureTower(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.merge = c['merge']
        self.embed = nn.Linear(c['merge'] * c['features'], c['dim'])
        self.norm_in = LayerNorm(c['dim'])
        self.blocks = nn.ModuleList(ConvNeXt(c['dim'], 3 * c['dim'], c['kernel'], 1 / c['conv_layers']) for _ in range(c['conv_layers']))
        self.encoder = Encoder(c)

    def forward(self, features):
        """features [B, T, F], T a multiple of merge (the rest is left out)."""
        x = features[:, : features.shape[1] // self.merge * self.merge]
        x = self.norm_in(self.embed(x.unflatten(1, (-1, self.merge)).flatten(2)))
        for block in self.blocks:
            x = block(x)
        return self.encoder(x)


class PatchTower(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.patch = nn.Conv2d(1, c['dim'], 16, 10)
        self.encoder = Encoder(c)

    def forward(self, mel):
        return self.encoder(self.patch(mel[:, None]).flatten(2).transpose(1, 2))
