"""Stage `lm`: the semantic language model on [style prefix, tokens], style from a caption or from the audio (random choice), sometimes none.

Prints bits per token beside the two baselines it has to beat: unigram and smoothed bigram on the same held-out tokens.
"""

import math
import random

import torch
import torch.nn.functional as F

from .. import cache
from ..loop import Run, adamw, autocast, device
from ..models.semantic_lm import SemanticLm
from ..semantic import load_encoder, rotate_keys
from ..style import StyleSource


def baselines(train, held, words):
    """(unigram, bigram interpolated with unigram) bits per token on held [N, T]."""
    uni = torch.bincount(train.flatten(), minlength=words).float() + 0.5
    uni = uni / uni.sum()
    pairs = torch.bincount(train[:, :-1].flatten() * words + train[:, 1:].flatten(), minlength=words * words).float().view(words, words)
    total = pairs.sum(1, keepdim=True)
    bi = (pairs + 8 * uni) / (total + 8)
    a, b = held[:, :-1].flatten(), held[:, 1:].flatten()
    return float(-uni[b].log2().mean()), float(-bi[a, b].log2().mean())


def run(c, paths):
    t = c['train']['lm']
    encoder = load_encoder(c, paths)
    length = c['window_seconds'] * c['token_rate']
    rows, meta = cache.load_features(paths, 'train')
    features = torch.stack([torch.from_numpy(r) for r in rows])
    held_rows, held_meta = cache.load_features(paths, 'heldout')
    held_features = torch.stack([torch.from_numpy(r) for r in held_rows]).float()
    shifts = range(12) if t['rotate_keys'] else range(1)
    held_ids = encoder.encode(held_features)
    words = c['semantic_lm']['words']
    uni, bi = baselines(torch.cat([encoder.encode(part.float()) for part in features[:1500].split(64)]), held_ids, words)
    print(f'lm: {len(features)} clips x {len(shifts)} keys, held out unigram {uni:.3f}, bigram {bi:.3f} bits per token', flush=True)
    style = StyleSource(c, paths)
    model = SemanticLm(c['semantic_lm'])
    with torch.no_grad():
        project = torch.randn(encoder.centroids.shape[1], c['semantic_lm']['dim'], generator=torch.Generator().manual_seed(2))
        x = encoder.centroids @ project
        model.embed.weight[:words] = x / x.std() * c['semantic_lm']['dim'] ** -0.5
        start_style(model, style.rvq)
    model.to(device())
    run = Run(paths.runs / 'lm', model, [adamw(model.parameters(), t['lr'], 0.05)], t)
    rng = random.Random(run.step)
    torch.manual_seed(run.step)
    held_start = 100
    held_style = style.from_captions([m['captions'][0] for m in held_meta])
    while run.running():
        prompts = []
        kind = rng.random()
        for _ in range(t['batch']):
            shift, i = rng.choice(shifts), rng.randrange(len(features))
            start = rng.randrange(features.shape[1] - length + 1)
            # another key: rotate the chroma of the features, then quantise
            prompts.append((meta[i], rotate_keys(features[i, start : start + length].float(), shift), shift))
        heard = torch.stack([f for _, f, _ in prompts])
        if kind < t['null_probability']:
            codes = torch.full((t['batch'], c['rvq']['levels']), -1)
        elif kind < t['null_probability'] + (1 - t['null_probability']) * t['text_probability']:
            codes = style.from_captions([style.caption(m, s, rng) for m, _, s in prompts])
        else:
            codes = style.from_features(heard)
        ids, codes = encoder.encode(heard).to(device()), codes.to(device())
        loss, weighted = lm_loss(model, codes, ids, t['start_weight'])
        run.update(weighted, t['clip'])
        run.advance({'bits': loss.detach() / math.log(2)})
        if run.due():
            with run.with_ema() as ema, torch.no_grad():
                segment = held_ids[:64, held_start : held_start + length].to(device())
                codes = held_style[: len(segment)].to(device())
                right = lm_loss(ema, codes, segment)[0] / math.log(2)
                wrong = lm_loss(ema, codes.roll(1, 0), segment)[0] / math.log(2)
                early = lm_loss(ema, codes.roll(1, 0), segment[:, :25])[0] / math.log(2) - lm_loss(ema, codes, segment[:, :25])[0] / math.log(2)
            run.report(held_bits=right, wrong_style=wrong, first_second_gap=early, bigram=bi)
    run.finish()


@torch.no_grad()
def start_style(model, rvq):
    """Style words start as one random projection of their RVQ entries, so that the mean over the prefix already tells the embedding."""
    c = model.config
    size = rvq.codebooks.shape[2]
    project = torch.randn(size, c['dim'], generator=torch.Generator().manual_seed(3)) * (2.0 / size) ** 0.5
    model.embed.weight[c['words'] : c['words'] + c['style_levels'] * c['style_entries']] = rvq.codebooks.flatten(0, 1) @ project


def lm_loss(model, codes, ids, start_weight=0.0):
    """Cross-entropy of the semantic part, nats per token, and the same with the first tokens counting more: 1 + start_weight exp(-t / 25).

    The context soon tells key and tempo; only the start has to ask the style prefix. codes [B, levels], ids [B, T].
    """
    prefix = model.prefix(codes)
    with autocast():
        logits, _ = model(torch.cat([prefix, ids[:, :-1]], 1))
    nats = F.cross_entropy(logits[:, prefix.shape[1] - 1 :].transpose(1, 2).float(), ids, reduction='none')
    weight = 1 + start_weight * torch.exp(-torch.arange(ids.shape[1], device=ids.device) / 25)
    return nats.mean(), (nats * weight).mean() / weight.mean()
