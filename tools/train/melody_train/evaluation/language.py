"""The language model alone: its tokens are judged by a probe that was trained on the tokens of real clips. No diffusion, no audio: fast
enough to choose the sampling settings by measuring."""

from __future__ import annotations

import numpy as np
import torch

from .. import measures as m
from ..features import ONSET, RATE
from ..probes import FRAMES, clip_scores
from .prompts import detailed


@torch.no_grad()
def judge(encoder, probe, ids: torch.Tensor, asked: list) -> dict:
    """ids [B, T] against what was asked; tempo from the onsets that the tokens stand for."""
    x = encoder.centroids[ids[:, :FRAMES]]
    scores = clip_scores(probe(x), asked)
    onset = x[..., ONSET].sum(-1).numpy()
    tempi = [m.tempo_of_envelope(e, RATE) for e in onset]
    scores['tempo_strict'] = float(np.mean([m.tempo_agrees(t[0], a['tempo']) for t, a in zip(tempi, asked)]))
    scores['tempo_folded'] = float(np.mean([m.tempo_agrees(t[0], a['tempo'], True) for t, a in zip(tempi, asked)]))
    scores['pulse_clarity'] = float(np.mean([t[1] for t in tempi]))
    scores['repeats'] = float((ids[:, 1:] == ids[:, :-1]).float().mean())
    return {k: round(v, 4) for k, v in scores.items()}


def language(system, probe, rows: list, features: torch.Tensor, seed: int = 5) -> dict:
    """rows and features [B, T, 40]: held-out clips. Tokens from text, from true style codes and continuing true ones, beside real
    tokens."""
    prompts = [detailed(r) for r in rows]
    asked = [a for _, a in prompts]
    texts, real = system.style_of_texts([t for t, _ in prompts], seed), system.true_ids(features)
    audio = texts._replace(codes=system.style_of_audio(features).codes)
    third = system.words // 3
    settings = {
        'real tokens': lambda: real,
        'from text': lambda: system.ids(texts, seed),
        'from text, no LM guidance': lambda: system.ids(texts, seed, lm_guidance=1.0),
        'from text, no controls': lambda: system.ids(texts._replace(controls=None), seed),
        'from true style codes': lambda: system.ids(audio, seed),
        'continuing a third of true tokens': lambda: system.ids(audio, seed, start=real[:, :third]),
    }
    out = {}
    for name, make in settings.items():
        out[name] = judge(system.semantic, probe, make(), asked)
        print(f'language {name}: {out[name]}', flush=True)
    return out
