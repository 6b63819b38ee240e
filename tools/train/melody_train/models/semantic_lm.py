"""Semantic language model, LLaMA type: [BOS, 12 style tokens, semantic tokens...] -> logits over the semantic words. docs/system.md section
3.

Ids: 0..words-1 semantic; words + entries * q + code for RVQ level q; BOS = words + entries * levels. The null prefix (guidance) is BOS in
all 12 style places. RMSNorm, rotary positions, SwiGLU, no biases. With `controls` in the config every position is also told beat, key and
tempo (controls.py). With `timbre_words` a second head draws the timbre word of a block (semantic.py) where its first semantic word is
drawn, from the same hidden state h and the timbre words of the blocks before it:
    timbre_head · (h + 0.35 timbre_embed[of the last block] + 0.65 mean timbre_embed[of every block in sight]).
The layers do not hear timbre words: so a trained model gains them and says its own words as before.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .controls import UNKNOWN, ControlTable
from .layers import RMSNorm, attend, rope

LAST_BLOCK = 0.35  # what the last block counts beside the mean of all; of 0.35, 0.5 and 1 the best on held-out clips


def without_timbre(c):
    """The config of the language model without its second head, which stage `timbre_head` adds."""
    return {k: v for k, v in c.items() if k not in ('timbre_words', 'timbre_frames')}


def heard_timbre(rows, known):
    """What the head hears of the blocks before: rows [B, n, D] of the words of n blocks, known [B, n, 1] (0 counts for nothing) -> what
    those before each block say, and those before the next one, [B, n + 1, D]."""
    rows = rows * known
    mean = rows.cumsum(1) / known.cumsum(1).clamp(min=1)
    return F.pad(LAST_BLOCK * rows + (1 - LAST_BLOCK) * mean, (0, 0, 1, 0))


class Layer(nn.Module):
    def __init__(self, c):
        super().__init__()
        dim, width = c['dim'], c.get('head_dim', c['dim'] // c['heads']) * c['heads']
        self.heads, self.theta, self.dropout = c['heads'], c['rope_theta'], c.get('dropout', 0.0)
        self.norm1, self.norm2 = RMSNorm(dim), RMSNorm(dim)
        linear = lambda a, b: nn.Linear(a, b, bias=False)
        self.q_proj, self.k_proj, self.v_proj, self.o_proj = linear(dim, width), linear(dim, width), linear(dim, width), linear(width, dim)
        self.gate_proj, self.up_proj, self.down_proj = linear(dim, c['ffn']), linear(dim, c['ffn']), linear(c['ffn'], dim)

    def forward(self, x, past=None, start=0):
        position = torch.arange(start, start + x.shape[1], device=x.device)
        y = self.norm1(x)
        q, k, v = (p(y).unflatten(-1, (self.heads, -1)) for p in (self.q_proj, self.k_proj, self.v_proj))
        q, k = rope(q.float(), position, self.theta).to(v.dtype), rope(k.float(), position, self.theta).to(v.dtype)
        if past is not None:
            k, v = torch.cat([past[0], k], 1), torch.cat([past[1], v], 1)
        drop = lambda t: F.dropout(t, self.dropout, self.training)
        x = x + drop(self.o_proj(attend(q, k, v, causal=True)))
        y = self.norm2(x)
        return x + drop(self.down_proj(F.silu(self.gate_proj(y)) * self.up_proj(y))), (k, v)


class SemanticLm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.config = c
        self.bos = c['words'] + c['style_levels'] * c['style_entries']
        self.embed = nn.Embedding(self.bos + 1, c['dim'])
        self.layers = nn.ModuleList(Layer(c) for _ in range(c['layers']))
        self.norm = RMSNorm(c['dim'])
        self.head = nn.Linear(c['dim'], c['words'], bias=False)
        nn.init.normal_(self.embed.weight, std=c['dim'] ** -0.5)
        counts = {'words': c['words'], 'timbre_words': c.get('timbre_words', 0)}
        self.controls = ControlTable(c['controls'], c['dim'], **counts) if 'controls' in c else None
        if c.get('timbre_words'):
            self.timbre_embed = nn.Embedding(c['timbre_words'], c['dim'])
            self.timbre_head = nn.Linear(c['dim'], c['timbre_words'], bias=False)
            nn.init.zeros_(self.timbre_embed.weight)

    def prefix(self, style):
        """RVQ codes [B, levels] (or None rows as -1) -> ids [B, 1 + levels]."""
        c = self.config
        offset = c['words'] + c['style_entries'] * torch.arange(c['style_levels'], device=style.device)
        ids = torch.where(style < 0, torch.full_like(style, self.bos), style + offset)
        return torch.cat([torch.full_like(ids[:, :1], self.bos), ids], 1)

    def forward(self, ids, past=None, controls=None):
        """ids [B, T] (continuing `past`, a list of (k, v) a layer) -> (logits [B, T, words], new past)."""
        h, kept = self.hidden(ids, past, controls)
        return self.head(h).float(), kept

    def timbre_logits(self, h, words):
        """Logits [B, n, timbre_words] of n blocks: h [B, n, dim] of `hidden` where their first words are predicted; words [B, n - 1] are
        the timbre words of all but the last, -1 where not known."""
        known = (words >= 0)[..., None]
        heard = heard_timbre(self.timbre_embed(words.clamp(min=0)), known)
        return self.timbre_head(h + heard.to(h.dtype))

    def hidden(self, ids, past=None, controls=None):
        """What both heads read, [B, T, dim], and the new past.

        controls: rows [B, T, 3] of ControlTable.rows, or a list of Controls whose rows follow from the position; None knows nothing.
        """
        start = 0 if past is None else past[0][0].shape[1]
        length = ids.shape[1]
        x, kept = self.embed(ids), []
        if self.controls is not None:
            if not torch.is_tensor(controls):
                controls = self.controls.rows(controls or [UNKNOWN] * len(ids), start - self.config['style_levels'], length).to(ids.device)
            x = x + self.controls(controls)
        for i, layer in enumerate(self.layers):
            x, pair = layer(x, None if past is None else past[i], start)
            kept.append(pair)
        return self.norm(x), kept
