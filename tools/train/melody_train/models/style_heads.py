"""Linear readings of the unit style embedding: what tempo, key and metre does it suggest? See stages/heads.py."""

from torch import nn


class StyleHeads(nn.Linear):
    """embedding [B, E] -> logits (tempo bins [B, bins], keys [B, 24], metres [B, metres]) of ControlTable's rows: 8 (W e + b), split."""

    def __init__(self, dim, table):
        super().__init__(dim, table.bins + 24 + len(table.metres))
        self.sizes = [table.bins, 24, len(table.metres)]

    def forward(self, x):
        return (super().forward(x) * 8).split(self.sizes, -1)
