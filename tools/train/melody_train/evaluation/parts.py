"""Each learned part alone, from true inputs: reconstruction, tokens, diffusion."""

from __future__ import annotations

import math

import numpy as np
import torch

from .. import measures as m
from ..features import PARTS
from ..probes import FRAMES, frame_scores, train_frame_probe
from ..stages.dpd import ANGLES, diffuse, wiener
from .system import System


def mean_of(rows: list) -> dict:
    return {k: round(float(np.mean([r[k] for r in rows])), 4) for k in rows[0]}


def compare(output: torch.Tensor, source: torch.Tensor, waveform: bool = False) -> dict:
    """Mean pair measures of [B, n] against [B, n]."""
    rows = []
    for a, b in zip(output.numpy(), source.numpy()):
        row = {
            'log_mel': m.log_mel_distance(a, b),
            'chroma_cosine': m.chroma_cosine(a, b),
            'onset_f1': m.onset_f1(a, b),
            'onset_correlation': m.onset_correlation(a, b),
        }
        if waveform:
            row.update(multi_resolution_stft=m.multi_resolution_stft(a, b), si_sdr_db=m.si_sdr(a, b))
        rows.append(row)
    return mean_of(rows)


def reconstruction(system: System, audio: torch.Tensor, originals: torch.Tensor) -> dict:
    """VAE-GAN: decode(encode(x)) against x, as heard [B, n] and as the encoder takes it, beside what shaped noise (no notes at all) and a
    wrong clip would score."""
    z = system.true_latents(originals)
    noise = torch.stack([torch.from_numpy(m.shaped_noise(x.numpy()).astype(np.float32)) for x in audio])
    return {
        'clips': len(audio),
        'vae': compare(system.audio(z), audio, True),
        'shaped_noise': compare(noise, audio, True),
        'wrong_clip': compare(audio.roll(1, 0), audio, True),
        'latent_std': round(float(z.std()), 4),
    }


def tokens(system: System, parts: torch.Tensor, rows: list, held_parts: torch.Tensor, held_rows: list, steps: int) -> dict:
    """Chord, beat and instrument probes on tokens, beside the same probes on the unquantised features (ceiling)."""
    join = lambda p: system.semantic.features.join(*p.float().split(PARTS, -1))
    features, held = torch.cat([join(p) for p in parts.split(64)]), join(held_parts)
    ids, held_ids = system.true_ids(features), system.true_ids(held)
    centroids = system.semantic.centroids[held_ids]
    used = torch.bincount(ids.flatten(), minlength=len(system.semantic.centroids)) > 0
    cosine = lambda s: float(torch.nn.functional.cosine_similarity(held[..., s], centroids[..., s], dim=-1).mean())
    out = {
        'words': len(used),
        'words_used': int(used.sum()),
        'explained_variance': round(1 - float((held - centroids).square().sum() / (held - held.mean((0, 1))).square().sum()), 4),
        'chroma_cosine_to_centroid': round(cosine(slice(0, 12)), 4),
        'bass_cosine_to_centroid': round(cosine(slice(12, 24)), 4),
    }
    cut = slice(25, 25 + FRAMES)
    for name, x, y, words in (('tokens', ids, held_ids, len(used)), ('features', features, held, None)):
        probe = train_frame_probe(x, rows, words, steps)
        shifted = [shift(r, 1.0) for r in held_rows]
        out[name] = {k: round(v, 4) for k, v in frame_scores(probe, y[:, cut], shifted).items()}
    return out


def shift(row: dict, seconds: float) -> dict:
    """The labels of a clip whose first `seconds` are cut off."""
    return {
        **row,
        'beats': [b - seconds for b in row['beats'] if b >= seconds],
        'chords': [[max(0.0, s - seconds), e - seconds, *rest] for s, e, *rest in row['chords'] if e > seconds],
    }


@torch.no_grad()
def velocity_errors(system: System, z: torch.Tensor, ids: torch.Tensor) -> dict:
    noise = torch.randn(z.shape, generator=torch.Generator().manual_seed(7))
    out = {}
    for name, words in (('right', ids), ('wrong', ids.roll(1, 0))):
        errors = []
        for d in ANGLES:
            angle = torch.full(z.shape[:2], d)
            x, v = diffuse(z, noise, angle)
            e = [
                ((system.path(a, b, system.path.tokens(i)) - t).square().mean())
                for a, b, i, t in zip(x.split(8), angle.split(8), words.split(8), v.split(8))
            ]
            errors.append(float(torch.stack(e).mean()))
        out[f'{name}_tokens'] = round(sum(errors) / len(errors), 4)
        out[f'{name}_tokens_by_angle'] = {str(d): round(e, 4) for d, e in zip(ANGLES, errors)}
    return {
        **out,
        'best_linear_without_tokens': round(wiener(z), 4),
        'zero_velocity': round(float(np.mean([z.square().mean() * math.sin(d) ** 2 + math.cos(d) ** 2 for d in ANGLES])), 4),
    }


def diffusion(system: System, audio: torch.Tensor, originals: torch.Tensor) -> dict:
    """DPD from true tokens at several step counts and schedules, decoded, against the source."""
    features = system.features(audio)
    ids, z = system.true_ids(features), system.true_latents(originals)
    w = system.config['sampling']['guidance']
    out = {
        'clips': len(audio),
        'guidance': w,
        'velocity_mse': velocity_errors(system, z, ids),
        'vae_ceiling': compare(system.audio(z), audio),
        'wrong_clip': compare(audio.roll(1, 0), audio),
    }
    settings = [(f'T={t}', ids, {'steps': t, 'schedule': 'linear'}) for t in (5, 10, 20)]
    settings += [(f'T={t} uniform', ids, {'steps': t, 'schedule': 'uniform'}) for t in (5, 10)]
    settings += [('T=10 without guidance', ids, {'steps': 10, 'guidance': 1.0}), ('T=10 wrong tokens', ids.roll(1, 0), {'steps': 10})]
    out['samples'] = {}
    for name, words, changes in settings:
        made = system.latents(words, 11, **changes)
        out['samples'][name] = {**compare(system.audio(made), audio), 'latent_std': round(float(made.std()), 3)}
        print(f'diffusion {name}: {out["samples"][name]}', flush=True)
    out['latent_std_source'] = round(float(z.std()), 3)
    return out
