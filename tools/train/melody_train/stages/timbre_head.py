"""Stage `timbre_head`: the second head of the language model, which draws timbre words (models/semantic_lm.py). Nothing to do without them.

The language model is frozen, so the rows that the head reads are computed once, for `windows` windows, and the fit takes a minute. Rows of
both tables are linear in [1, c, |c|^2] of a word's centroid c, which says that the words of a block lie around one place (a Gaussian over
the centroids): free rows learn the clips by heart (docs/training.md section 8).
"""

import math
import random

import torch
import torch.nn.functional as F

from .. import cache
from ..ahead import pieces
from ..features import TIMBRE, rotate_each
from ..loop import load_weights
from ..models.controls import of_attributes
from ..models.semantic_lm import SemanticLm, heard_timbre, without_timbre
from ..semantic import load_encoder
from ..style import StyleSource
from .lm import draw, style_codes


def basis_of(centroids):
    """[words, F] -> orthogonal columns [words, 2 + F] that span 1, c and |c|^2, of mean square 1."""
    known = torch.cat([torch.ones(len(centroids), 1), centroids, centroids.square().sum(1, keepdim=True)], 1)
    return torch.linalg.qr(known)[0] * math.sqrt(len(centroids))


@torch.no_grad()
def rows_of(model, codes, ids, controls, block):
    """What the head reads of ids [B, T, 2]: hidden rows [B, blocks, dim] where a block's first word is predicted, and its timbre word."""
    prefix, words = model.prefix(codes), ids[..., 0]
    h, _ = model.hidden(torch.cat([prefix, words[:, :-1]], 1), controls=controls)
    return h[:, prefix.shape[1] - 1 :][:, ::block], ids[:, ::block, 1]


@torch.no_grad()
def training_rows(c, paths, model, encoder, style, windows):
    """Rows and timbre words of so many windows of training clips, each in a key and with a style as in stage `lm`."""
    rows, meta = cache.load_features(paths, 'train')
    features = torch.stack([torch.from_numpy(r) for r in rows])
    keys = range(12) if c['train']['lm']['rotate_keys'] else range(1)
    ids = torch.stack([torch.cat([encoder.encode(part.float(), k).short() for part in features.split(256)]) for k in keys])
    clips, tokens = ids.shape[1:3]
    length, flat, rng, out = c['window_seconds'] * c['token_rate'], ids.flatten(0, 1), random.Random(5), []
    while sum(len(y) for _, y in out) < windows:
        b = draw(c, style.tokenizer, meta, model.controls, (len(ids), clips, tokens - length + 1), rng, encoder.block)
        key, clip, start = b['picked'].T
        drawn = pieces(flat, key * clips + clip, start, length).long()
        codes = style_codes(style, b, lambda at: rotate_each(pieces(features, clip[at], start[at], length).float(), key[at]))  # noqa: B023
        out.append(rows_of(model, codes, drawn, b['controls'].long(), encoder.block))
    return [torch.cat(x) for x in zip(*out)]


def run(c, paths):
    if not c['semantic_lm'].get('timbre_words'):
        print('timbre_head: the language model has no timbre words, nothing to do')
        return
    t = {'windows': 3000, 'steps': 500, 'batch': 1024, 'lr': 3e-3, **c['train'].get('timbre_head', {})}
    encoder, style = load_encoder(c, paths), StyleSource(c, paths)
    model = load_weights(paths.runs / 'lm', SemanticLm(without_timbre(c['semantic_lm'])))
    h, y = training_rows(c, paths, model, encoder, style, t['windows'])
    held_rows, held_meta = cache.load_features(paths, 'heldout')
    length, start = c['window_seconds'] * c['token_rate'], 10 * encoder.block
    held_ids = encoder.encode(torch.stack([torch.from_numpy(r) for r in held_rows]).float())[:, start : start + length]
    controls = [of_attributes(m['attributes'], seconds=start / c['token_rate']) for m in held_meta]
    held_h, held_y = rows_of(model, style.from_captions([m['captions'][0] for m in held_meta]), held_ids, controls, encoder.block)

    basis = basis_of(encoder.timbre_centroids[:, TIMBRE])
    # Of every block, what the blocks before it say, in the basis: the model's sum of rows is linear in them.
    said = lambda words: heard_timbre(basis[words[:, :-1]], torch.ones_like(words[:, :-1, None]))
    before, held_before = said(y).flatten(0, 1), said(held_y)
    windows, h, target = len(y), h.flatten(0, 1), y.flatten()
    generator = torch.Generator().manual_seed(0)
    head = torch.zeros(basis.shape[1], h.shape[1], requires_grad=True)
    embed = (0.02 * torch.randn(basis.shape[1], h.shape[1], generator=generator)).requires_grad_()
    optimiser = torch.optim.AdamW([head, embed], lr=t['lr'], weight_decay=0.1)
    bits = lambda h, before, y: F.cross_entropy(((h + before @ embed) @ (basis @ head).T).flatten(0, -2), y.flatten()) / math.log(2)
    for step in range(t['steps']):
        for group in optimiser.param_groups:
            group['lr'] = t['lr'] * (1 - step / t['steps'])
        i = torch.randint(len(h), (t['batch'],), generator=generator)
        loss = bits(h[i], before[i], target[i])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    tables = {'timbre_head.weight': (basis @ head).detach(), 'timbre_embed.weight': (basis @ embed).detach()}
    cache.keep(tables, paths.runs / 'timbre_head' / 'head.pt')
    usual = torch.bincount(target, minlength=len(basis)).float() + 0.5
    unigram = -(usual / usual.sum())[held_y.flatten()].log2().mean()
    with torch.no_grad():
        held = bits(held_h, held_before, held_y)
    print(f'timbre_head: {windows} windows; held out {held:.2f} bits a timbre word, unigram {unigram:.2f}, by training {loss:.2f}')
