"""Text tower: token ids [B, T] (0 = padding) -> unit embedding [B, E]. docs/system.md section 2. Stands where the paper has BERT-base in
MuLan."""

from torch import nn

from .encoder import Encoder


class TextTower(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.embed = nn.Embedding(c['vocab'], c['dim'])
        self.encoder = Encoder(c)
        nn.init.normal_(self.embed.weight, std=0.5)

    def forward(self, ids):
        return self.encoder(self.embed(ids), ids != 0)
