"""Stage `towers`: tokeniser, then both towers with a contrastive loss and attribute heads (style, tempo, key, mode, instruments).

The heads (training only) make the joint embedding carry what the language model must obey. Clips are transposed by rotating the chroma of
their features, captions are written anew from the transposed attributes.
"""

import copy
import math
import random

import torch
import torch.nn.functional as F
from torch import nn

from .. import cache
from ..ahead import ahead, pieces
from ..features import rotate_each
from ..loop import Run
from ..models.towers import TrainedTowers
from ..optimisers import adamw
from ..processes import alone, autocast, device, on_gpu, stream
from ..semantic import load_encoder
from ..style import caption
from ..tokenizer import Tokenizer

WEIGHTS = {'style': 0.2, 'tempo': 0.3, 'tonic': 0.5, 'mode': 0.2, 'instr': 0.2}


class Heads(nn.Module):
    """Linear readings of a unit embedding: style, tempo (one bin per 6 % of tempo), tonic, mode, instrument classes."""

    def __init__(self, dim, styles, classes):
        super().__init__()
        self.styles, self.classes = styles, classes
        self.read = nn.Linear(dim, len(styles) + 24 + 12 + 2 + len(classes))

    def forward(self, x):
        return (self.read(x) * 8).split([len(self.styles), 24, 12, 2, len(self.classes)], -1)


def tempo_bin(bpm):
    return (torch.log2(torch.as_tensor(bpm) / 50.0) * 12).floor().clamp(0, 23).long()


class Labels:
    """Attributes of clips as targets; -100 (left out of the losses) where a clip of a user's own corpus does not say."""

    names = ('style', 'tempo', 'tonic', 'mode', 'instruments')

    def __init__(self, meta):
        self.styles = sorted({m['attributes']['style'] for m in meta if 'style' in m['attributes']}) or ['']
        self.classes = sorted({i for m in meta for i in m['attributes'].get('instrument_classes', ())}) or ['']

    def of(self, metas, shifts):
        a = [m['attributes'] for m in metas]
        place = {name: i for i, name in enumerate(self.styles)}
        known = [
            [float(k in x['instrument_classes']) for k in self.classes] if 'instrument_classes' in x else [-100.0] * len(self.classes)
            for x in a
        ]
        return {
            'style': torch.tensor([place.get(x.get('style'), -100) for x in a]),
            'tempo': torch.tensor([int(tempo_bin(x['tempo'])) if x.get('tempo') else -100 for x in a]),
            'tonic': torch.tensor([(x['tonic'] + s) % 12 if x.get('tonic') is not None else -100 for x, s in zip(a, shifts)]),
            'mode': torch.tensor([int(x['mode'] == 'minor') if x.get('mode') else -100 for x in a]),
            'instruments': torch.tensor(known),
        }


def plain_caption(meta):
    """A caption that says style, key and tempo; the clip's own first caption where they are not known."""
    a = meta['attributes']
    said = 'style' in a and 'key' in a and 'tempo' in a
    return f'{a["style"]} in {a["key"]}, {round(a["tempo"])} bpm' if said else meta['captions'][0]


def head_losses(heads, x, labels):
    style, tempo, tonic, mode, instruments = heads(x)

    def choice(logits, target):
        return F.cross_entropy(logits, target, reduction='sum') / (target >= 0).sum().clamp(min=1)

    known = (labels['instruments'] >= 0).float()
    bits = F.binary_cross_entropy_with_logits(instruments, labels['instruments'].clamp(min=0), weight=known, reduction='sum')
    return {
        'style': choice(style, labels['style']),
        'tempo': choice(tempo, labels['tempo']),
        'tonic': choice(tonic, labels['tonic']),
        'mode': choice(mode, labels['mode']),
        'instr': 4 * bits / known.sum().clamp(min=1),
    }


def head_accuracy(heads, x, labels, prefix):
    style, tempo, tonic, mode, _ = heads(x)
    return {
        f'{prefix}_{n}': (y.argmax(1) == labels[n]).sum() / (labels[n] >= 0).sum().clamp(min=1)
        for n, y in (('style', style), ('tempo', tempo), ('tonic', tonic), ('mode', mode))
    }


def spell_out(tokenizer, ids, probability, rng):
    """Replaces some words by their letters, so that the pieces of unknown words are read as (nearly) nothing instead of noise."""
    out = []
    for i in ids:
        word = tokenizer.vocab[i]
        if len(word) > 1 and word.isascii() and word.isalpha() and rng.random() < probability:
            out += [tokenizer.ids[word[0]]] + [tokenizer.ids['##' + x] for x in word[1:]]
        else:
            out.append(i)
    return out[: tokenizer.max_tokens]


@torch.no_grad()
def place_numbers(embedding, tokenizer):
    """Starts the embeddings of 30...260 on a smooth curve of log2(n), so that 117 bpm lies between 116 and 118 before any training."""
    half = embedding.weight.shape[1] // 2
    cycles = 0.25 * 32 ** (torch.arange(half) / half)  # per octave
    for i, piece in enumerate(tokenizer.vocab):
        if piece.isdigit() and 30 <= int(piece) <= 260:
            angle = 2 * math.pi * cycles * math.log2(int(piece) / 50)
            embedding.weight[i] = 0.7 * torch.cat([angle.cos(), angle.sin()])


def make_tokenizer(c, paths, meta):
    path = paths.runs / 'tokenizer.json'
    if not path.exists():
        rng = random.Random(5)
        texts = [text for m in meta for text in m['captions']] + [caption(m, rng.randrange(12), rng) for m in meta for _ in range(12)]
        Tokenizer.train(texts, c['text_tower']['max_tokens']).save(path)
    return Tokenizer.load(path)


def run(c, paths):
    t = c['train']['towers']
    encoder = load_encoder(c, paths)
    length = c['window_seconds'] * c['token_rate']
    rows, meta = cache.load_features(paths, 'train')
    features = torch.stack([torch.from_numpy(r) for r in rows])
    held_rows, held_meta = cache.load_features(paths, 'heldout')
    held = torch.stack([torch.from_numpy(r) for r in held_rows]).float()
    alone(lambda: make_tokenizer(c, paths, meta))
    tokenizer = make_tokenizer(c, paths, meta)
    labels = Labels(meta)
    model = TrainedTowers(c, len(tokenizer.vocab))
    place_numbers(model.towers.text.embed, tokenizer)
    model.to(device())
    dim = c['text_tower']['embedding_dim']
    heads = nn.ModuleList([Heads(dim, labels.styles, labels.classes), Heads(dim, labels.styles, labels.classes)]).to(device())
    optimiser = adamw([*model.parameters(), *heads.parameters()], t['lr'], 0.05)
    run = Run(paths.runs / 'towers', model, [optimiser], t, extra=[heads])
    torch.manual_seed(stream(run.step))
    print(
        f'towers: {len(meta)} clips, {len(tokenizer.vocab)} pieces, {len(labels.styles)} styles, {len(labels.classes)} instrument classes',
        flush=True,
    )
    sizes, features, names = (len(meta), 12 if t['rotate_keys'] else 1, features.shape[1] - length + 1), features.to(device()), labels.names
    batches = ahead(lambda rng: draw(t, tokenizer, meta, labels, sizes, rng), stream(run.step))

    def compute(x, ids, *targets):
        target = dict(zip(names, targets))
        with autocast():
            text, audio = model.towers.text(ids), model.towers.audio(x)
        every, audio = text.float(), audio.float()
        text = every[: len(x)]
        heard = {k: v[: len(x)] for k, v in target.items()}
        logits = model.log_scale.exp().clamp(max=50) * text @ audio.T
        place = torch.arange(len(x), device=logits.device)
        # the quantiser will blur the embedding: attributes must be readable through as much noise
        blur = lambda x: x + torch.randn_like(x) * (t['blur'] / x.shape[1]) ** 0.5
        contrast = (F.cross_entropy(logits, place) + F.cross_entropy(logits.T, place)) / 2
        text_losses, audio_losses = head_losses(heads[0], blur(every), target), head_losses(heads[0], blur(audio), heard)
        loss = contrast + t['attribute_weight'] * sum(WEIGHTS[k] * (text_losses[k] + audio_losses[k]) for k in WEIGHTS)
        return loss, {'contrast': contrast, 'text_heads': sum(text_losses.values()), 'audio_heads': sum(audio_losses.values())}

    while run.running():
        b = next(batches)
        clip, shift, start = b['picked'].T
        x = rotate_each(pieces(features, clip, start, length).float(), shift)
        run.advance(run.learn(compute, (x, b['ids'].to(device()), *(b[k].to(device()) for k in names)), t['clip']))
        if run.due():
            run.report(**evaluate(run, heads, tokenizer, encoder, labels, held[:, :length], held_meta))
    run.finish()


def draw(t, tokenizer, meta, labels, sizes, rng):
    """A batch as the host draws it: `picked` [B, 3] = clip, key, first frame; ids of B captions of those and of more clips; all their
    targets."""
    clips, keys, starts = sizes
    picked = [(rng.randrange(clips), rng.randrange(keys), rng.randrange(starts)) for _ in range(t['batch'])]
    # more captions than clips: reading text is cheap, and tempo and key must be read exactly
    told = [p[:2] for p in picked] + [(rng.randrange(clips), rng.randrange(keys)) for _ in range(t['extra_captions'])]
    ids = [spell_out(tokenizer, tokenizer.encode(caption(meta[i], k, rng))['ids'] or [1], t['spell_out'], rng) for i, k in told]
    longest = tokenizer.max_tokens if on_gpu() else max(map(len, ids))  # a captured step has one shape
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in ids])
    return {'picked': torch.tensor(picked), 'ids': ids, **labels.of([meta[i] for i, _ in told], [k for _, k in told])}


@torch.no_grad()
def evaluate(run, heads, tokenizer, encoder, labels, features, meta):
    """Held out: recall@10 caption -> clip, head accuracies from audio, and from captions that say the attribute."""
    target = labels.of(meta, [0] * len(meta))
    full = [plain_caption(m) for m in meta]
    with run.with_ema() as model:
        audio = model.towers.audio(features.to(device())).cpu()
        text = model.towers.text(tokenizer.batch([(m['heldout_captions'] or m['captions'])[0] for m in meta]).to(device())).cpu()
        said = model.towers.text(tokenizer.batch(full).to(device())).cpu()
    rank = (text @ audio.T).argsort(1, descending=True)
    recall = (rank[:, :10] == torch.arange(len(meta))[:, None]).any(1).float().mean()
    cpu = copy.deepcopy(heads[0]).cpu()  # a captured step keeps the place of the weights
    result = {
        'recall10': recall,
        'pairs': float(len(meta)),
        **head_accuracy(cpu, audio, target, 'a'),
        **head_accuracy(cpu, said, target, 't'),
        'cosine': (F.normalize(said, dim=1) * audio).sum(1).mean(),
    }
    return result
