"""Stage `lm`: the semantic language model on [style prefix, tokens], style from a caption or from the audio (random choice), sometimes
none.
With `controls` in the config it is also told beat, key and tempo of its clip, sometimes not (each is left out of a share of the clips).

Prints bits per token beside the two baselines it has to beat: unigram and smoothed bigram on the same held-out tokens.
"""

import math

import torch
import torch.nn.functional as F

from .. import cache
from ..ahead import ahead, pieces
from ..features import rotate_each
from ..loop import Run, start_from
from ..models.controls import UNKNOWN, of_attributes
from ..models.semantic_lm import SemanticLm, without_timbre
from ..optimisers import optimiser_of
from ..processes import autocast, device, stream
from ..semantic import load_encoder
from ..style import StyleSource, caption


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
    encoder = load_encoder(c, paths).to(device())
    length = c['window_seconds'] * c['token_rate']
    rows, meta = cache.load_features(paths, 'train')
    features = torch.stack([torch.from_numpy(r) for r in rows])
    held_rows, held_meta = cache.load_features(paths, 'heldout')
    held_features = torch.stack([torch.from_numpy(r) for r in held_rows]).float()
    shifts = range(12) if t['rotate_keys'] else range(1)
    only_words = lambda ids: ids[..., 0] if encoder.block else ids  # timbre words are for stage `timbre_head`
    held_ids = only_words(encoder.encode(held_features.to(device())).cpu())
    words = c['semantic_lm']['words']
    # another key: rotate the chroma of the features, then quantise. Once for all: int16 [keys, clips, tokens]
    encode = lambda part, k: only_words(encoder.encode(part.float().to(device()), k)).short().cpu()
    ids_by_key = torch.stack([torch.cat([encode(part, k) for part in features.split(256)]) for k in shifts])
    uni, bi = baselines(ids_by_key[0, :1500].long(), held_ids, words)
    print(f'lm: {len(features)} clips x {len(shifts)} keys, held out unigram {uni:.3f}, bigram {bi:.3f} bits per token', flush=True)
    style = StyleSource(c, paths)
    model = SemanticLm(without_timbre(c['semantic_lm']))
    with torch.no_grad():
        project = torch.randn(encoder.centroids.shape[1], c['semantic_lm']['dim'], generator=torch.Generator().manual_seed(2))
        x = encoder.centroids.cpu() @ project
        model.embed.weight[:words] = x / x.std() * c['semantic_lm']['dim'] ** -0.5
        start_style(model, style.rvq)
    if paths.init:
        print(f'lm: starts from {paths.init}, but for {start_from(paths.init, model)}', flush=True)
    model.to(device())
    run = Run(paths.runs / 'lm', model, [optimiser_of(model, t, 0.05)], t)
    torch.manual_seed(stream(run.step))
    held_start = 100
    held_style = style.from_captions([m['captions'][0] for m in held_meta])
    held_controls = [of_attributes(m['attributes'], seconds=held_start / c['token_rate']) for m in held_meta]
    table, keys, clips, tokens = model.controls, *ids_by_key.shape[:3]
    ids_by_key, features = ids_by_key.flatten(0, 1).to(device()), features.to(device())
    batches = ahead(lambda rng: draw(c, style.tokenizer, meta, table, (keys, clips, tokens - length + 1), rng), stream(run.step))

    def compute(codes, ids, rows):
        loss, weighted = lm_loss(model, codes, ids.long(), t['start_weight'], rows)
        return weighted, {'bits': loss / math.log(2)}

    while run.running():
        b = next(batches)
        key, clip, start = b['picked'].T
        ids = pieces(ids_by_key, key * clips + clip, start, length)
        codes = style_codes(style, b, lambda at: rotate_each(pieces(features, clip[at], start[at], length).float(), key[at]))  # noqa: B023
        run.advance(run.learn(compute, (codes, ids, b['controls'].long().to(device())), t['clip']))
        if run.due():
            with run.with_ema() as ema, torch.no_grad():
                run.report(
                    **held_out(
                        ema, held_ids[:64, held_start : held_start + length].to(device()), held_style[:64].to(device()), held_controls[:64]
                    ),
                    bigram=bi,
                )
    run.finish()


NONE, TEXT, AUDIO = range(3)


def draw(c, tokenizer, meta, table, sizes, rng, block=1):
    """A batch as the host draws it: `picked` [B, 3] = key, clip, first token (each below `sizes`, the last a multiple of `block`);
    `kind` [B], where the style comes from; `captions`, ids of the rows whose kind is TEXT; `controls` [B, T, 3], rows of the control table
    (of no use without one)."""
    t, length = c['train']['lm'], c['window_seconds'] * c['token_rate']
    picked = [(rng.randrange(sizes[0]), rng.randrange(sizes[1]), rng.randrange(0, sizes[2], block)) for _ in range(t['batch'])]
    dice, text = [rng.random() for _ in picked], t['null_probability'] + (1 - t['null_probability']) * t['text_probability']
    kind = [NONE if x < t['null_probability'] else TEXT if x < text else AUDIO for x in dice]
    captions = [caption(meta[i], k, rng) for (k, i, _), what in zip(picked, kind) if what == TEXT]
    controls = [
        leave_out(of_attributes(meta[i]['attributes'], k, s / c['token_rate']), rng, t, what == NONE)
        for (k, i, s), what in zip(picked, kind)
    ]
    levels = c['rvq']['levels']
    rows = torch.zeros(len(picked), 1, 3) if table is None else table.rows(controls, -levels, levels + length)
    return {
        'picked': torch.tensor(picked),
        'kind': torch.tensor(kind),
        'captions': tokenizer.batch(captions) if captions else torch.zeros(0, 1).long(),
        'controls': rows.short(),
    }


def style_codes(style, batch, features_of):
    """[B, levels]: of a new caption or of the audio (features_of(rows)), -1 for none (guidance needs to know no style)."""
    codes = torch.full((len(batch['kind']), len(style.rvq.codebooks)), -1, device=device())
    text, audio = ((batch['kind'] == kind).nonzero()[:, 0] for kind in (TEXT, AUDIO))
    with torch.no_grad():
        if len(text):
            codes[text.to(device())] = style.rvq.encode(style.towers.text(batch['captions'].to(device())))
        if len(audio):
            codes[audio.to(device())] = style.from_features(features_of(audio))
    return codes


def leave_out(controls, rng, t, null):
    """Controls are not always known: no clock for audio that is continued, no key for many prompts and mostly none beside the null
    style."""
    if rng.random() < t['no_clock']:
        controls = controls._replace(bpm=None, beats=None)
    return controls._replace(key=None) if rng.random() < (0.7 if null else t['no_key']) else controls


def held_out(model, ids, codes, controls):
    """Bits per token on held-out clips: as asked, with another clip's style (and in the first second), without the controls."""
    bits = lambda codes, ids, controls: lm_loss(model, codes, ids, 0.0, controls)[0] / math.log(2)
    other = codes.roll(1, 0)
    out = {
        'held_bits': bits(codes, ids, controls),
        'wrong_style': bits(other, ids, controls),
        'first_second_gap': bits(other, ids[:, :25], controls) - bits(codes, ids[:, :25], controls),
    }
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
    model.embed.weight[c['words'] : c['words'] + c['style_levels'] * c['style_entries']] = rvq.codebooks.cpu().flatten(0, 1) @ project


def lm_loss(model, codes, ids, start_weight=0.0, controls=None):
    """Cross-entropy of the semantic part, nats per token, and the same with the first tokens counting more: 1 + start_weight exp(-t / 25).

    The context soon tells key and tempo; only the start has to ask the style prefix. codes [B, levels], ids [B, T], controls one a row.
    """
    prefix = model.prefix(codes)
    with autocast():
        h, _ = model.hidden(torch.cat([prefix, ids[:, :-1]], 1), controls=controls)
        logits = model.head(h[:, prefix.shape[1] - 1 :])
    nats = F.cross_entropy(logits.transpose(1, 2).float(), ids, reduction='none')
    weight = 1 + start_weight * torch.exp(-torch.arange(ids.shape[1], device=ids.device) / 25)
    return nats.mean(), (nats * weight).mean() / weight.mean()
