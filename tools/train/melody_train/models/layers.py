"""Layers shared by several networks. Sequences are [B, T, C] everywhere; eps 1e-6; GELU is the exact (erf) one."""

import torch
import torch.nn.functional as F
from torch import nn

EPS = 1e-6


class LayerNorm(nn.LayerNorm):
    """y = (x - mean) / sqrt(var + 1e-6) * weight + bias over channels."""

    def __init__(self, dim):
        super().__init__(dim, eps=EPS)


class RMSNorm(nn.Module):
    """y = x / sqrt(mean(x^2) + 1e-6) * weight over channels."""

    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        x = x.float()
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + EPS) * self.weight


class ConvNeXt(nn.Module):
    """x + gamma * W2 GELU(W1 LayerNorm(depthwise_conv7(x))); zero padding 3 on both sides, so T is kept."""

    def __init__(self, dim, ffn, kernel=7, scale=1.0):
        super().__init__()
        self.dwconv = nn.Conv1d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.norm = LayerNorm(dim)
        self.up = nn.Linear(dim, ffn)
        self.down = nn.Linear(ffn, dim)
        self.gamma = nn.Parameter(torch.full((dim,), float(scale)))

    def forward(self, x):
        y = self.dwconv(x.transpose(1, 2)).transpose(1, 2)
        return x + self.gamma * self.down(F.gelu(self.up(self.norm(y))))


class Mlp(nn.Module):
    """MLP(x) = RMSNorm(W2 GELU(W1 x + b1) + b2), the paper's appendix form."""

    def __init__(self, d_in, d_hidden, d_out, gain=1.0):
        super().__init__()
        self.fc1 = nn.Linear(d_in, d_hidden)
        self.fc2 = nn.Linear(d_hidden, d_out)
        self.norm = RMSNorm(d_out)
        nn.init.constant_(self.norm.weight, gain)

    def forward(self, x):
        return self.norm(self.fc2(F.gelu(self.fc1(x))))


def rope(x, position, theta=10000.0):
    """Rotary embedding in the LLaMA/NeoX 'half' layout: pairs (i, i + d/2). x [..., T, heads, d], position [T] (any real number)."""
    half = x.shape[-1] // 2
    frequency = theta ** (-torch.arange(half, device=x.device, dtype=torch.float32) / half)
    angle = position.float()[:, None] * frequency  # [T, half]
    cos, sin = angle.cos()[:, None, :], angle.sin()[:, None, :]
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)


def attend(q, k, v, mask=None, causal=False):
    """softmax(q k^T / sqrt(d)) v. q [B, T, h, d], k and v [B, S, h, d], mask [.., T, S] True = may look;
    causal: the last query sees all keys, the one before all but one, ... Returns [B, T, h * d]."""
    q, k, v = (t.transpose(1, 2) for t in (q, k, v))
    if causal:
        mask = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool, device=q.device).tril(k.shape[2] - q.shape[2])
    scores = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    out = scores.float().softmax(-1).to(v.dtype) @ v
    return out.transpose(1, 2).flatten(2)


def count_parameters(module):
    return sum(p.numel() for p in module.parameters())
