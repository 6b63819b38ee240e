"""The language model alone: its tokens are judged by a probe that was trained on the tokens of real clips. No diffusion, no audio: fast
enough to choose the sampling settings by measuring."""
from __future__ import annotations

import numpy as np
import torch

from .. import measures as m
from ..features import ONSET, RATE
from ..probes import FRAMES, clip_scores


def centroids_of(encoder, ids: torch.Tensor) -> torch.Tensor:
    return encoder.centroids[ids]


@torch.no_grad()
def judge(encoder, probe, ids: torch.Tensor, asked: list) -> dict:
    """ids [B, T] against what was asked; tempo from the onsets that the tokens stand for."""
    x = centroids_of(encoder, ids[:, :FRAMES])
    scores = clip_scores(probe(x), asked)
    onset = x[..., ONSET].sum(-1).numpy()
    tempi = [m.tempo_of_envelope(e, RATE) for e in onset]
    scores['tempo_strict'] = float(np.mean([m.tempo_agrees(t[0], a['tempo']) for t, a in zip(tempi, asked)]))
    scores['tempo_folded'] = float(np.mean([m.tempo_agrees(t[0], a['tempo'], True) for t, a in zip(tempi, asked)]))
    scores['pulse_clarity'] = float(np.mean([t[1] for t in tempi]))
    scores['repeats'] = float((ids[:, 1:] == ids[:, :-1]).float().mean())
    return {k: round(v, 4) for k, v in scores.items()}
