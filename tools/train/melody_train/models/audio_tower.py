"""Audio tower: 10 s of audio -> unit embedding [B, E]. System.md section 2.

kind 'features' (shipped): standardised semantic features [B, 250, F] (semantic_encoder's front end) -> Linear -> ConvNeXt blocks -> Encoder.
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
        self.embed = nn.Linear(c['features'], c['dim'])
        self.norm_in = LayerNorm(c['dim'])
        self.blocks = nn.ModuleList(ConvNeXt(c['dim'], 3 * c['dim'], c['kernel'], 1 / c['conv_layers']) for _ in range(c['conv_layers']))
        self.encoder = Encoder(c)

    def forward(self, features):
        x = self.norm_in(self.embed(features))
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
