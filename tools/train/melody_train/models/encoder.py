"""Bidirectional Transformer encoder used by both towers: pre-LayerNorm, rotary positions, erf GELU."""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import LayerNorm, attend, rope


class EncoderLayer(nn.Module):
    """x += o(attention(LayerNorm(x))); x += down(GELU(up(LayerNorm(x)))). Attention has biases, rotary theta 10^4, position = index."""

    def __init__(self, dim, heads, ffn, dropout=0.0):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm1, self.norm2 = LayerNorm(dim), LayerNorm(dim)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = (nn.Linear(dim, dim) for _ in range(4))
        self.up, self.down = nn.Linear(dim, ffn), nn.Linear(ffn, dim)

    def forward(self, x, mask=None):
        position = torch.arange(x.shape[1], device=x.device)
        y = self.norm1(x)
        q, k, v = (p(y).unflatten(-1, (self.heads, -1)) for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rope(q.float(), position).to(v.dtype), rope(k.float(), position).to(v.dtype)
        drop = lambda t: F.dropout(t, self.dropout, self.training)
        x = x + drop(self.o_proj(attend(q, k, v, mask)))
        return x + drop(self.down(F.gelu(self.up(self.norm2(x)))))


class Encoder(nn.Module):
    """Layers, final LayerNorm, mean over valid positions, projection, unit norm: [B, T, dim] -> [B, embedding_dim]."""

    def __init__(self, c):
        super().__init__()
        self.layers = nn.ModuleList(EncoderLayer(c['dim'], c['heads'], c['ffn'], c.get('dropout', 0.0)) for _ in range(c['layers']))
        self.norm = LayerNorm(c['dim'])
        self.proj = nn.Linear(c['dim'], c['embedding_dim'])

    def forward(self, x, valid=None):
        mask = None if valid is None else valid[:, None, None, :]
        for layer in self.layers:
            x = layer(x, mask)
        x = self.norm(x).float()
        if valid is None:
            pooled = x.mean(1)
        else:
            pooled = (x * valid[..., None]).sum(1) / valid.sum(1, keepdim=True).clamp(min=1)
        return F.normalize(self.proj(pooled).float(), dim=-1)
