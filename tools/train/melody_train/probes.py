"""Listeners for the evaluation, trained on real (rendered) clips only, never on generated ones.

ClipProbe   10 s of spectral parts [B, 250, 75] → style, key (12 tonics × 2 modes), instrument classes
FrameProbe  a sequence of tokens or features → per frame chord (24: 12 roots × major, minor) and beat, per clip instruments
Their scores on held-out real clips are the ceilings printed beside every score of generated clips.
"""

from __future__ import annotations

import glob
import os
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from .data.instruments import CLASSES
from .data.shards import read_shard
from .data.styles import BY_NAME, FAMILIES, STYLES
from .features import RATE, SemanticFeatures, rotate_keys

STYLE_NAMES = tuple(s.name for s in STYLES)
FAMILY_OF_STYLE = torch.tensor([FAMILIES.index(BY_NAME[n].family) for n in STYLE_NAMES])
FRAMES = 250


class ClipProbe(nn.Module):
    """Four strided convolutions, mean and deviation over time, linear readings."""

    def __init__(self, dim: int = 128, inputs: int = 75):
        super().__init__()
        self.register_buffer('mean', torch.zeros(inputs))
        self.register_buffer('std', torch.ones(inputs))
        self.convs = nn.ModuleList(nn.Conv1d(inputs if i == 0 else dim, dim, 5, stride=s, padding=2) for i, s in enumerate((1, 2, 2, 2)))
        self.norms = nn.ModuleList(nn.BatchNorm1d(dim) for _ in range(4))
        self.sizes = (len(STYLE_NAMES), 24, len(CLASSES))
        self.read = nn.Sequential(nn.Linear(2 * dim + 2 * inputs, 256), nn.GELU(), nn.Dropout(0.4), nn.Linear(256, sum(self.sizes)))

    def forward(self, parts: torch.Tensor) -> tuple:
        """parts [B, T, 75] → logits (style [B, 81], key [B, 24] (tonic + 12·minor), instruments [B, 22])."""
        raw = (parts - self.mean) / self.std
        x = raw.transpose(1, 2)
        for conv, norm in zip(self.convs, self.norms):
            x = F.gelu(norm(conv(x)))
            x = F.dropout(x, 0.1, self.training)
        pooled = torch.cat([x.mean(2), x.std(2), raw.mean(1), raw.std(1)], 1)
        return self.read(pooled).split(self.sizes, 1)


class FrameProbe(nn.Module):
    """Embedding of tokens (or a linear map of features), three convolutions of ±1 s in all, readings per frame and per clip."""

    def __init__(self, words: int | None, inputs: int = 40, dim: int = 96):
        super().__init__()
        self.embed = nn.Embedding(words, dim) if words else nn.Linear(inputs, dim)
        self.convs = nn.ModuleList(nn.Conv1d(dim, dim, 7, padding=3 * d, dilation=d) for d in (1, 2, 4))
        self.chord, self.beat, self.instruments = nn.Linear(dim, 24), nn.Linear(dim, 1), nn.Linear(2 * dim, len(CLASSES))

    def forward(self, x: torch.Tensor) -> tuple:
        """ids [B, T] or features [B, T, 40] → (chord [B, T, 24], beat [B, T], instruments [B, 22])."""
        h = self.embed(x).transpose(1, 2)
        for conv in self.convs:
            h = h + F.dropout(F.gelu(conv(h)), 0.1, self.training)
        t = h.transpose(1, 2)
        return self.chord(t), self.beat(t)[..., 0], self.instruments(torch.cat([h.mean(2), h.amax(2)], 1))


# ---- labels ------------------------------------------------------------------------------------------------------------------
def key_index(attributes: dict) -> int:
    return attributes['tonic'] + 12 * (attributes['mode'] == 'minor')


def instrument_vector(attributes: dict) -> torch.Tensor:
    return torch.tensor([float(c in attributes['instrument_classes']) for c in CLASSES])


def frame_labels(row: dict, frames: int) -> tuple:
    """(chord per frame, −1 where neither major nor minor; 1.0 in the frame of each beat and its two neighbours' halves)."""
    chord, beat = torch.full((frames,), -1, dtype=torch.long), torch.zeros(frames)
    for start, end, root, triad, _ in row['chords']:
        if triad in ('maj', 'min'):
            chord[int(start * RATE) : int(end * RATE)] = root + 12 * (triad == 'min')
    for t in row['beats']:
        if int(t * RATE) < frames:
            beat[int(t * RATE)] = 1.0
    return chord, beat


def load_parts(folder: str, limit: int | None = None) -> tuple:
    """(float16 [clips, T, 75], rows) of every train shard of a --parts-only data set that is there."""
    parts, rows = [], []
    for path in sorted(glob.glob(os.path.join(folder, 'train_*.npz'))):
        p, r, _ = read_shard(path)
        parts.append(p)
        rows += r
        if limit and len(rows) >= limit:
            break
    if not rows:
        raise FileNotFoundError(
            f'no train_*.npz in {folder}; render some: python -m melody_train.data --parts-only --heldout 0 --first-seed 1000000 --out {folder}'  # noqa: E501
        )
    return torch.from_numpy(np.concatenate(parts)), rows


@torch.no_grad()
def parts_of(audio: torch.Tensor) -> torch.Tensor:
    """audio float [B, n] → [B, T, 75]."""
    return torch.cat(SemanticFeatures().parts(audio), -1)


# ---- training ------------------------------------------------------------------------------------------------------------------
def train_clip_probe(
    parts: torch.Tensor, rows: list, steps: int = 3000, batch: int = 48, seed: int = 0, report: int = 250, check=None, quantise=None
) -> ClipProbe:
    """Random 10 s crops, keys rotated, of parts [clips, T, 75] or features [clips, T, 40]. check(probe) → dict is printed at each report.

    quantise: features → features of their nearest tokens; the probe then judges tokens.
    """
    torch.manual_seed(seed)
    rng = random.Random(seed)
    probe = ClipProbe(inputs=parts.shape[-1])
    sample = parts[:: max(1, len(parts) // 300)].float().flatten(0, 1)
    probe.mean.copy_(sample.mean(0))
    probe.std.copy_(sample.std(0) + 1e-3)
    style = torch.tensor([STYLE_NAMES.index(r['attributes']['style']) for r in rows])
    key = torch.tensor([key_index(r['attributes']) for r in rows])
    instruments = torch.stack([instrument_vector(r['attributes']) for r in rows])
    optimiser = torch.optim.AdamW(probe.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    for step in range(1, steps + 1):
        index = [rng.randrange(len(rows)) for _ in range(batch)]
        shift = rng.randrange(12)
        x = torch.stack([parts[i, s : s + FRAMES] for i in index for s in (rng.randrange(parts.shape[1] - FRAMES + 1),)]).float()
        x = rotate_keys(x, shift)
        if quantise:
            x = quantise(x)
        else:  # log-mel at another level
            x = torch.cat([x[..., :27], x[..., 27:] + 0.3 * torch.randn(batch, 1, 1)], -1)
        a, b, c = probe(x)
        k = key[index]
        loss = (
            F.cross_entropy(a, style[index], label_smoothing=0.1)
            + F.cross_entropy(b, (k % 12 + shift) % 12 + k // 12 * 12)
            + 4 * F.binary_cross_entropy_with_logits(c, instruments[index])
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        if step % report == 0 or step == steps:
            text = '' if check is None else ' '.join(f'{n} {v:.3f}' for n, v in check(probe.eval()).items())
            probe.train()
            print(f'clip probe {step}/{steps} loss {loss.item():.3f} {text}', flush=True)
    return probe.eval()


def train_frame_probe(inputs: torch.Tensor, rows: list, words: int | None, steps: int = 1200, batch: int = 24, seed: int = 0) -> FrameProbe:
    """inputs: ids [clips, T] (words given) or features [clips, T, 40]."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    probe = FrameProbe(words)
    labels = [frame_labels(r, inputs.shape[1]) for r in rows]
    chord, beat = torch.stack([x[0] for x in labels]), torch.stack([x[1] for x in labels])
    instruments = torch.stack([instrument_vector(r['attributes']) for r in rows])
    optimiser = torch.optim.AdamW(probe.parameters(), 2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=steps)
    for _ in range(steps):
        index = [rng.randrange(len(rows)) for _ in range(batch)]
        s = rng.randrange(inputs.shape[1] - FRAMES + 1)
        x = inputs[index, s : s + FRAMES]
        a, b, c = probe(x if words else x.float())
        loss = (
            F.cross_entropy(a.flatten(0, 1), chord[index, s : s + FRAMES].flatten(), ignore_index=-1)
            + F.binary_cross_entropy_with_logits(b, beat[index, s : s + FRAMES], pos_weight=torch.tensor(6.0))
            + 2 * F.binary_cross_entropy_with_logits(c, instruments[index])
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return probe.eval()


# ---- scores ------------------------------------------------------------------------------------------------------------------
def clip_scores(logits: tuple, attributes: list) -> dict:
    """Scores of ClipProbe logits against asked or true attributes. A clip whose attributes lack a field is left out of that score.

    Instruments: share of the asked classes that the probe hears, and how many classes it hears in all.
    """
    style, key, instruments = logits
    out = {}
    at = [i for i, a in enumerate(attributes) if a.get('style') in STYLE_NAMES]
    if at:
        want = torch.tensor([STYLE_NAMES.index(attributes[i]['style']) for i in at])
        order = style[at].argsort(1, descending=True)
        out['style_top1'] = float((order[:, 0] == want).float().mean())
        out['style_top3'] = float((order[:, :3] == want[:, None]).any(1).float().mean())
        families = torch.zeros(len(at), len(FAMILIES)).index_add_(1, FAMILY_OF_STYLE, style[at].softmax(1))
        out['family_top1'] = float((families.argmax(1) == FAMILY_OF_STYLE[want]).float().mean())
    at = [i for i, a in enumerate(attributes) if 'tonic' in a and 'mode' in a]
    if at:
        want = torch.tensor([key_index(attributes[i]) for i in at])
        got = key[at].argmax(1)
        relative = torch.where(want < 12, (want + 9) % 12 + 12, (want - 12 + 3) % 12)
        out['key'] = float((got == want).float().mean())
        out['key_or_relative'] = float(((got == want) | (got == relative)).float().mean())
        out['tonic'] = float((got % 12 == want % 12).float().mean())
    at = [i for i, a in enumerate(attributes) if 'mode' in a]
    if at:
        want = torch.tensor([attributes[i]['mode'] == 'minor' for i in at])
        minor = key[at].softmax(1)[:, 12:].sum(1) > 0.5
        out['mode'] = float((minor == want).float().mean())
    at = [i for i, a in enumerate(attributes) if a.get('instrument_classes')]
    if at:
        want = torch.stack([instrument_vector(attributes[i]) for i in at])
        heard = (instruments[at].sigmoid() > 0.4).float()
        hits = (want * heard).sum()
        out['instrument_recall'] = float(hits / want.sum())
        out['instruments_heard'] = float(heard.sum(1).mean())  # classes a clip; a probe that hears everything would have perfect recall
    return out


def frame_scores(probe: FrameProbe, inputs: torch.Tensor, rows: list) -> dict:
    """Chord accuracy per frame (24 classes), beat F1 per frame ± 1, instrument F1."""
    with torch.no_grad():
        a, b, c = probe(inputs if inputs.dtype == torch.long else inputs.float())
    labels = [frame_labels(r, inputs.shape[1]) for r in rows]
    chord, beat = torch.stack([x[0] for x in labels]), torch.stack([x[1] for x in labels])
    known = chord >= 0
    neighbours = F.max_pool1d(beat[:, None], 3, 1, 1)[:, 0] > 0
    peak = (b > 0) & (b >= F.max_pool1d(b[:, None], 5, 1, 2)[:, 0])  # one decision per 0.2 s
    found = F.max_pool1d(peak.float()[:, None], 3, 1, 1)[:, 0] > 0
    precision = float((peak & neighbours).sum() / peak.sum().clamp(min=1))
    recall = float((found & (beat > 0)).sum() / (beat > 0).sum())
    want = torch.stack([instrument_vector(r['attributes']) for r in rows])
    heard = (c.sigmoid() > 0.4).float()
    return {
        'chord_accuracy': float((a.argmax(-1) == chord)[known].float().mean()),
        'beat_f1': 2 * precision * recall / max(precision + recall, 1e-9),
        'instrument_f1': float(2 * (want * heard).sum() / (want.sum() + heard.sum())),
        'chord_majority': float(torch.bincount(chord[known]).max() / known.sum()),
    }
