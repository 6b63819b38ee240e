"""Dual-path diffusion network (DPD): z, angle per frame, token embeddings -> velocity. docs/system.md section 5, docs/training.md section
4.

    z [B,L,D'] -Linear- (+ E_delta + aligned tokens) -RMSNorm-Segment-> H [B,S,K,D] - N blocks - OverlapAdd-RMSNorm-Linear -> v [B,L,D']
    v += gated linear skip over z + token skip          (config fields, absent in the paper's printed form)

The token side (`tokens`) does not depend on the step: compute it once a generation.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import ConvNeXt, Mlp, RMSNorm, attend, rope
from .sru import SruLayer


def segment(x, size):
    """[B, L, D] -> [B, S, K, D]: half-overlapping segments, K/2 zeros in front, S = ceil(2L/K) + 1."""
    hop, length = size // 2, x.shape[1]
    count = -(-2 * length // size) + 1
    x = F.pad(x, (0, 0, hop, (count + 1) * hop - hop - length))
    return x.unfold(1, size, hop).transpose(2, 3)


def overlap_add(h, length):
    """[B, S, K, D] -> [B, L, D]: the sum of both covers, padding dropped."""
    hop = h.shape[2] // 2
    first, second = h[:, :, :hop], h[:, :, hop:]
    return (first[:, 1:] + second[:, :-1]).flatten(1, 2)[:, :length]


def merge_window(index, blocks):
    """Window of block index (1-based): 2^min(i, N - i + 1), stride half of it, so widths are K, K/2, ... K/2, K."""
    return 2 ** min(index, blocks - index + 1)


def merge(h, window):
    """[B, S, K, D] -> [B, S, 2K/window, D]: means over windows of columns, window/2 zeros behind the last column."""
    half = window // 2
    parts = F.pad(h, (0, 0, 0, half)).unflatten(2, (-1, half)).mean(3)
    return (parts[:, :, :-1] + parts[:, :, 1:]) * 0.5


class RoFormerLayer(nn.Module):
    """Pre-RMSNorm {self-attention, cross-attention to the tokens, GELU feed-forward}, residuals, no mask, no biases in attention.

    Queries and keys are rotated: self-attention by the segment index; cross-attention by time in token periods on both sides.
    Without tokens (null branch) the cross-attention's weights attend to the coarse sequence itself.
    """

    def __init__(self, dim, heads, gain):
        super().__init__()
        self.heads = heads
        for name in ('self_attn', 'cross_attn'):
            setattr(self, name, nn.ModuleDict({k: nn.Linear(dim, dim, bias=False) for k in ('q_proj', 'k_proj', 'v_proj', 'o_proj')}))
        self.norm1, self.norm2, self.norm3 = RMSNorm(dim), RMSNorm(dim), RMSNorm(dim)
        self.ffn_up, self.ffn_down = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        with torch.no_grad():
            for out in (self.self_attn['o_proj'], self.cross_attn['o_proj'], self.ffn_down):
                out.weight *= gain

    def heads_of(self, linear, x):
        return linear(x).unflatten(-1, (self.heads, -1))

    def keys(self, memory, position):
        """Rotated keys and values of the cross-attention: cache these for the tokens."""
        a = self.cross_attn
        return rope(self.heads_of(a['k_proj'], memory).float(), position).to(memory.dtype), self.heads_of(a['v_proj'], memory)

    def forward(self, x, index, clock, cached):
        """x [rows, S, D]; index [S]; clock [columns, S] with rows = batch * columns; cached: (k, v) [batch, T, h, d] or None."""
        a = self.self_attn
        y = self.norm1(x)
        q, k = (rope(self.heads_of(a[n], y).float(), index) for n in ('q_proj', 'k_proj'))
        v = self.heads_of(a['v_proj'], y)
        x = x + a['o_proj'](attend(q.to(v.dtype), k.to(v.dtype), v))

        a = self.cross_attn
        y = self.norm2(x)
        columns, count = clock.shape
        q = self.heads_of(a['q_proj'], y).float().unflatten(0, (-1, columns)).flatten(1, 2)  # [batch, columns * S, h, d]
        q = rope(q, clock.flatten())
        if cached is None:
            k = self.heads_of(a['k_proj'], y).float().unflatten(0, (-1, columns)).flatten(1, 2)
            k = rope(k, clock.flatten()).unflatten(1, (columns, count)).flatten(0, 1)
            v = self.heads_of(a['v_proj'], y)
            out = attend(q.unflatten(1, (columns, count)).flatten(0, 1).to(v.dtype), k.to(v.dtype), v)
        else:
            k, v = cached
            out = attend(q.to(v.dtype), k, v).unflatten(1, (columns, count)).flatten(0, 1)
        x = x + a['o_proj'](out)
        return x + self.ffn_down(F.gelu(self.ffn_up(self.norm3(x))))


class Film(nn.Module):
    """FiLM(x, m) = MLP3(x * MLP1(m) + MLP2(m)); m [B, S, D] broadcasts over the columns of x [B, S, K, D]."""

    def __init__(self, dim, gain):
        super().__init__()
        self.mlp1, self.mlp2, self.mlp3 = Mlp(dim, dim, dim), Mlp(dim, dim, dim), Mlp(dim, dim, dim, gain)

    def forward(self, x, m):
        return self.mlp3(x * self.mlp1(m)[:, :, None] + self.mlp2(m)[:, :, None])


class Block(nn.Module):
    def __init__(self, c, index):
        super().__init__()
        dim, hidden, gain = c['dim'], c['sru_hidden'], c.get('residual_gain', 1.0)
        self.window = merge_window(index, c['blocks'])
        self.coarse = nn.ModuleList(RoFormerLayer(dim, c['heads'], gain) for _ in range(c['coarse_layers']))
        self.norm_coarse, self.norm_fine = RMSNorm(dim), RMSNorm(dim)
        self.sru = nn.ModuleList(SruLayer(dim if i == 0 else 2 * hidden, hidden) for i in range(c['sru_layers']))
        self.proj = nn.Linear(2 * hidden, dim) if 2 * hidden != dim else None
        self.film = Film(dim, gain)

    def forward(self, h, m, frames_per_token, cached, column_clock=True):
        batch, count, size, dim = h.shape
        c = merge(h, self.window)
        width = c.shape[2]
        index = torch.arange(count, device=h.device, dtype=torch.float32)
        # centre of each column in frames of the window, (s - 1) P + (k + 1) w / 2, in units of token periods
        offset = (
            (torch.arange(width, device=h.device) + 1.0) * (self.window / 2)
            if column_clock
            else torch.full((width,), size / 2, device=h.device)
        )
        clock = ((index[None] - 1) * (size / 2) + offset[:, None]) / frames_per_token
        x = c.transpose(1, 2).flatten(0, 1)  # [batch * width, S, D]
        for i, layer in enumerate(self.coarse):
            x = layer(x, index, clock, None if cached is None else cached[i])
        c = x.unflatten(0, (batch, width)).transpose(1, 2).repeat_interleave(self.window // 2, dim=2)
        f = self.norm_coarse(h + c)
        y = f.flatten(0, 1)
        for layer in self.sru:
            y = layer(y)
        if self.proj is not None:
            y = self.proj(y)
        return self.norm_fine(f + self.film(y.unflatten(0, (batch, count)), m))


class DualPath(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.config = c
        dim, latent = c['dim'], c['latent_dim']
        self.register_buffer('latent_limit', torch.ones(latent))  # the sampler's clamp, set at export
        self.lookup = nn.Embedding(c['words'], c.get('lookup_dim', dim))
        if c.get('timbre_words'):
            self.timbre_lookup = nn.Embedding(c['timbre_words'] + 1, c.get('lookup_dim', dim))  # the last row: not known
        self.token_mlp = Mlp(c.get('lookup_dim', dim), dim, dim)
        self.token_blocks = nn.ModuleList(ConvNeXt(dim, 4 * dim, c['token_kernel'], 0.25) for _ in range(c['token_layers']))
        self.angle_start = nn.Parameter(torch.randn(c['angle_dim']))
        self.angle_end = nn.Parameter(torch.randn(c['angle_dim']))
        self.angle_mlp = Mlp(c['angle_dim'], dim, dim)
        self.embed = nn.Linear(latent, dim)
        self.norm_in, self.norm_out = RMSNorm(dim), RMSNorm(dim)
        self.blocks = nn.ModuleList(Block(c, i + 1) for i in range(c['blocks']))
        self.head = nn.Linear(dim, latent)
        with torch.no_grad():
            self.embed.weight *= c.get('input_gain', 1.0)
        if c['aligned_tokens']:
            self.upsample = nn.Linear(dim, c['frames_per_token'] * dim)
            self.align = nn.Linear(dim, dim)
        if c['linear_skip']:
            self.skip_conv = nn.Conv1d(latent, c['linear_skip'], c['linear_kernel'], padding=c['linear_kernel'] // 2)
            self.skip_gate = nn.Linear(dim, c['linear_skip'])
            self.skip_out = zeros(nn.Linear(c['linear_skip'], latent, bias=False))
        if c['token_skip']:
            self.token_conv = nn.Conv1d(dim, c['token_skip'], c['token_skip_kernel'], padding=c['token_skip_kernel'] // 2)
            self.token_gate = nn.Linear(dim, c['token_skip'])
            self.token_out = zeros(nn.Linear(c['token_skip'], latent, bias=False))

    def angle_embedding(self, angle):
        """angle [B, L] -> E_delta [B, L, D]."""
        x = angle[..., None]
        return self.angle_mlp(x.cos() * self.angle_start + x.sin() * self.angle_end)

    def embedded(self, ids):
        """ids [B, T] or [B, T, 2] -> rows [B, T, E]: the rows of both levels added up, as the tokeniser's residual quantiser does."""
        if ids.ndim == 2:
            return self.lookup(ids)
        first, second = ids.unbind(-1)
        return self.lookup(first) + self.timbre_lookup(torch.where(second < 0, self.config['timbre_words'], second))

    def tokens(self, ids):
        """ids [B, T], or [B, T, 2] with timbre words (-1: not known) -> what one generation keeps: pooled E_st, aligned rows at the frame
        rate, token skip rows, keys and values."""
        c = self.config
        e = self.token_mlp(self.embedded(ids))
        for block in self.token_blocks:
            e = block(e)
        out = {'pooled': e.mean(1), 'aligned': None, 'skip': None}
        position = torch.arange(ids.shape[1], device=ids.device) + 0.5
        out['cached'] = [[layer.keys(e, position) for layer in block.coarse] for block in self.blocks]
        if c['aligned_tokens']:
            rows = self.upsample(e).unflatten(2, (c['frames_per_token'], -1)).flatten(1, 2)  # [B, L, D]
            out['aligned'] = self.align(rows)
            if c['token_skip']:
                out['skip'] = F.gelu(self.token_conv(rows.transpose(1, 2)).transpose(1, 2))
        return out

    def forward(self, z, angle, tokens, null=False):
        """z [B, L, D'], angle [B, L], tokens from tokens() -> velocity [B, L, D'].

        The null branch (guidance, docs/system.md section 4) has no cross-attention memory, aligned rows or token skip; its pooled FiLM term
        is dropped when `cfg_null_film` is set.
        """
        c = self.config
        pooled = tokens['pooled'][:, None] * (0.0 if null and c['cfg_null_film'] else 1.0)
        tokens = None if null else tokens
        length = z.shape[1]
        e = self.angle_embedding(angle)
        x = self.embed(z) + e
        if tokens is not None and c['aligned_tokens']:
            x = x + tokens['aligned']
        h = segment(self.norm_in(x), c['segment'])
        count = h.shape[1]
        m = e[:, torch.arange(count, device=z.device) * length // count] + pooled
        for i, block in enumerate(self.blocks):
            h = block(h, m, c['frames_per_token'], None if tokens is None else tokens['cached'][i], c['column_clock'])
        v = self.head(self.norm_out(overlap_add(h, length))).float()
        if c['linear_skip']:
            v = v + self.skip_out(self.skip_conv(z.transpose(1, 2)).transpose(1, 2) * self.skip_gate(e)).float()
        if c['token_skip'] and tokens is not None:
            v = v + self.token_out(tokens['skip'] * self.token_gate(e)).float()
        return v


def zeros(linear):
    nn.init.zeros_(linear.weight)
    return linear
