"""Stage `lm`: the semantic language model on [style prefix, tokens], style from a caption or from the audio (random choice), sometimes none.
With `controls` in the config it is also told beat, key and tempo of its clip, sometimes not (each is left out of a share of the clips).

Prints bits per token beside the two baselines it has to beat: unigram and smoothed bigram on the same held-out tokens.
"""

import math
import random

import torch
import torch.nn.functional as F

from .. import cache
from ..loop import Run, autocast, device, optimiser_of, start_from
from ..models.controls import UNKNOWN, of_attributes
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
    # another key: rotate the chroma of the features, then quantise. Once for all: int16 [keys, clips, tokens]
    ids_by_key = torch.stack([torch.cat([encoder.encode(part.float(), k).short() for part in features.split(256)]) for k in shifts])
    uni, bi = baselines(ids_by_key[0, :1500].long(), held_ids, words)
    print(f'lm: {len(features)} clips x {len(shifts)} keys, held out unigram {uni:.3f}, bigram {bi:.3f} bits per token', flush=True)
    style = StyleSource(c, paths)
    model = SemanticLm(c['semantic_lm'])
    with torch.no_grad():
        project = torch.randn(encoder.centroids.shape[1], c['semantic_lm']['dim'], generator=torch.Generator().manual_seed(2))
        x = encoder.centroids @ project
        model.embed.weight[:words] = x / x.std() * c['semantic_lm']['dim'] ** -0.5
        start_style(model, style.rvq)
    if paths.init:
        print(f'lm: starts from {paths.init}, but for {start_from(paths.init, model)}', flush=True)
    model.to(device())
    run = Run(paths.runs / 'lm', model, [optimiser_of(model, t, 0.05)], t)
    rng = random.Random(run.step)
    torch.manual_seed(run.step)
    held_start = 100
    held_style = style.from_captions([m['captions'][0] for m in held_meta])
    held_controls = [of_attributes(m['attributes'], seconds=held_start / c['token_rate']) for m in held_meta]
    while run.running():
        picked = [(rng.randrange(len(shifts)), rng.randrange(len(features)), rng.randrange(features.shape[1] - length + 1)) for _ in range(t['batch'])]
        ids = torch.stack([ids_by_key[k, i, s : s + length] for k, i, s in picked]).long().to(device())
        codes = style_codes(c, style, picked, features, meta, rng).to(device())
        controls = [leave_out(of_attributes(meta[i]['attributes'], k, s / c['token_rate']), rng, t, bool((code < 0).all()))
                    for (k, i, s), code in zip(picked, codes)]
        loss, weighted = lm_loss(model, codes, ids, t['start_weight'], controls)
        run.update(weighted, t['clip'])
        run.advance({'bits': loss.detach() / math.log(2)})
        if run.due():
            with run.with_ema() as ema, torch.no_grad():
                run.report(**held_out(ema, held_ids[:64, held_start : held_start + length].to(device()), held_style[:64].to(device()), held_controls[:64]), bigram=bi)
    run.finish()


def style_codes(c, style, picked, features, meta, rng):
    """[B, levels]: of a new caption or of the audio, -1 for none (guidance needs to know no style)."""
    t, length = c['train']['lm'], c['window_seconds'] * c['token_rate']
    codes = torch.full((len(picked), c['rvq']['levels']), -1)
    kinds = [rng.random() for _ in picked]
    text = [n for n, x in enumerate(kinds) if t['null_probability'] <= x < t['null_probability'] + (1 - t['null_probability']) * t['text_probability']]
    audio = [n for n, x in enumerate(kinds) if x >= t['null_probability'] and n not in text]
    if text:
        codes[text] = style.from_captions([style.caption(meta[picked[n][1]], picked[n][0], rng) for n in text])
    if audio:
        codes[audio] = style.from_features(torch.stack([rotate_keys(features[i, s : s + length].float(), k) for k, i, s in (picked[n] for n in audio)]))
    return codes


def leave_out(controls, rng, t, null):
    """Controls are not always known: no clock for audio that is continued, no key for many prompts and mostly none beside the null style."""
    if rng.random() < t['no_clock']:
        controls = controls._replace(bpm=None, beats=None)
    return controls._replace(key=None) if rng.random() < (0.7 if null else t['no_key']) else controls


def held_out(model, ids, codes, controls):
    """Bits per token on held-out clips: as asked, with another clip's style (and in the first second), without the controls."""
    bits = lambda codes, ids, controls: lm_loss(model, codes, ids, 0.0, controls)[0] / math.log(2)
    other = codes.roll(1, 0)
    out = {'held_bits': bits(codes, ids, controls), 'wrong_style': bits(other, ids, controls),
           'first_second_gap': bits(other, ids[:, :25], controls) - bits(codes, ids[:, :25], controls)}
    if model.controls is not None:
        out['no_clock'] = bits(codes, ids, [UNKNOWN._replace(key=k.key) for k in controls])
        out['no_key'] = bits(codes, ids, [k._replace(key=None) for k in controls])
    return out


@torch.no_grad()
def start_style(model, rvq):
    """Style words start as one random projection of their RVQ entries, so that the mean over the prefix already tells the embedding."""
    c = model.config
    size = rvq.codebooks.shape[2]
    project = torch.randn(size, c['dim'], generator=torch.Generator().manual_seed(3)) * (2.0 / size) ** 0.5
    model.embed.weight[c['words'] : c['words'] + c['style_levels'] * c['style_entries']] = rvq.codebooks.flatten(0, 1) @ project


def lm_loss(model, codes, ids, start_weight=0.0, controls=None):
    """Cross-entropy of the semantic part, nats per token, and the same with the first tokens counting more: 1 + start_weight exp(-t / 25).

    The context soon tells key and tempo; only the start has to ask the style prefix. codes [B, levels], ids [B, T], controls one a row.
    """
    prefix = model.prefix(codes)
    with autocast():
        logits, _ = model(torch.cat([prefix, ids[:, :-1]], 1), controls=controls)
    nats = F.cross_entropy(logits[:, prefix.shape[1] - 1 :].transpose(1, 2).float(), ids, reduction='none')
    weight = 1 + start_weight * torch.exp(-torch.arange(ids.shape[1], device=ids.device) / 25)
    return nats.mean(), (nats * weight).mean() / weight.mean()
