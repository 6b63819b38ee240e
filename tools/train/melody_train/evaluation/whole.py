"""The whole system from text, and with one part after another replaced by the truth: which part limits?"""

from __future__ import annotations

import numpy as np
import torch

from .. import measures as m
from ..probes import FRAMES, ClipProbe, clip_scores, parts_of
from .parts import mean_of
from .prompts import detailed
from .sound import side_over_mid
from .sound import sound as sound_of
from .system import System


def parts_in_batches(audio: torch.Tensor) -> torch.Tensor:
    return torch.cat([parts_of(a)[:, :FRAMES] for a in audio.split(8)])


@torch.no_grad()
def listen(probe: ClipProbe, audio: torch.Tensor, asked: list) -> dict:
    """Scores of clips [B, n] against what was asked of each. Clips are brought to the level the probe was trained at."""
    level = audio / audio.square().mean(1, keepdim=True).sqrt().clamp(min=1e-4) * 0.1
    logits = [torch.cat(x) for x in zip(*(probe(p) for p in parts_in_batches(level).split(32)))]
    scores = clip_scores(tuple(logits), asked)
    tempi = [(m.tempo(x.numpy()), a['tempo']) for x, a in zip(audio, asked) if 'tempo' in a]
    if tempi:
        scores['tempo_strict'] = float(np.mean([m.tempo_agrees(t[0], want) for t, want in tempi]))
        scores['tempo_folded'] = float(np.mean([m.tempo_agrees(t[0], want, True) for t, want in tempi]))
        scores['pulse_clarity'] = float(np.mean([t[1] for t, _ in tempi]))
    keys = [m.key(x.numpy()) for x in audio]
    scores['key_clarity'] = float(np.mean([k[2] for k in keys]))
    at = [(k, a) for k, a in zip(keys, asked) if 'tonic' in a]
    if at:
        scores['key_by_profile'] = float(np.mean([k[0] == a['tonic'] and k[1] == a['mode'] for k, a in at]))
    return {k: round(v, 4) for k, v in scores.items()}


class Spaces:
    """Fréchet distances in the audio tower's space and in the 64-D descriptor's, against held-out pieces."""

    def __init__(self, system: System, reference: torch.Tensor):
        self.system = system
        described = self.describe(reference)
        self.mean, self.std = described.mean(0), described.std(0) + 1e-6
        self.reference = {'tower': self.embed(reference), 'descriptor': (described - self.mean) / self.std}

    def embed(self, audio: torch.Tensor) -> np.ndarray:
        return self.system.embed_audio(self.system.features(audio)).numpy().astype(np.float64)

    @staticmethod
    def describe(audio: torch.Tensor) -> np.ndarray:
        return np.stack([m.descriptor(x.numpy().astype(np.float64)) for x in audio])

    def vectors(self, audio: torch.Tensor) -> dict:
        return {'tower': self.embed(audio), 'descriptor': (self.describe(audio) - self.mean) / self.std}

    def distance(self, audio: torch.Tensor) -> dict:
        return {k: round(m.frechet(v, self.reference[k]), 4) for k, v in self.vectors(audio).items()}


def towards_noise(distance: dict, floor: dict, noise: dict) -> dict:
    """0 at real music, 1 at noise."""
    return {k: round((distance[k] - floor[k]) / max(noise[k] - floor[k], 1e-9), 4) for k in distance}


def from_text(
    system: System,
    probe: ClipProbe,
    rows: list,
    audio: torch.Tensor,
    originals: torch.Tensor,
    spaces: Spaces,
    real_train: torch.Tensor,
    seed: int = 100,
) -> tuple:
    """(report, generated audio, prompts). rows, audio [B, n] and originals: the held-out clips that the prompts describe, as heard and as
    the
    encoder takes them."""
    prompts = [detailed(r) for r in rows]
    texts, asked = [t for t, _ in prompts], [a for _, a in prompts]
    style = system.style_of_texts(texts, seed)
    features = system.features(audio)
    stages = {
        'text to music': lambda: system.audio(system.latents(system.ids(style, seed), seed)),
        'true style codes': lambda: system.audio(
            system.latents(system.ids(style._replace(codes=system.style_of_audio(features).codes), seed), seed)
        ),
        'true tokens': lambda: system.audio(system.latents(system.true_ids(features), seed)),
        'true latents': lambda: system.audio(system.true_latents(originals)),
        'real music': lambda: audio,
    }
    noise = torch.stack([torch.from_numpy(m.shaped_noise(x.numpy(), i).astype(np.float32)) for i, x in enumerate(audio)])
    white = 0.1 * torch.randn(audio.shape, generator=torch.Generator().manual_seed(1))
    report = {
        'clips': len(rows),
        'frechet': {
            'floor (real training clips)': spaces.distance(real_train),
            'white noise': spaces.distance(white),
            'noise with the spectrum of each clip': spaces.distance(noise),
        },
    }
    floor, ceiling = (report['frechet'][k] for k in ('floor (real training clips)', 'white noise'))
    report['replaced by truth'], made = {}, None
    for name, make in stages.items():
        sound = make()
        made = sound if made is None else made
        distance = spaces.distance(sound)
        report['replaced by truth'][name] = {
            **listen(probe, sound, asked),
            'frechet': distance,
            'share_of_way_to_noise': towards_noise(distance, floor, ceiling),
            'sound': sound_of(sound, rows, system),
            'share_of_way_to_shaped_noise': towards_noise(distance, floor, report['frechet']['noise with the spectrum of each clip']),
        }
        print(f'{name}: {report["replaced by truth"][name]}', flush=True)
    if system.channels == 2:
        made_in_stereo = system.channels_of(system.latents(system.ids(style.rows(0, 24), seed), seed))
        report['side_over_mid_db'] = {
            'text to music': side_over_mid(made_in_stereo, system.own_rate),
            'real music': side_over_mid(originals, system.own_rate),
        }
    report['sound_of_noise'] = sound_of(noise, rows, system)
    report['health'] = health(made, system)
    report['health_real'] = health(audio, system)
    return report, made, texts


def health(audio: torch.Tensor, system: System) -> dict:
    rows = [m.health(x.numpy().astype(np.float64), system.hop) for x in audio]
    worst = {f'{k}_worst': round(max(r[k] for r in rows), 5) for k in ('clipping', 'dc', 'silence', 'hop_buzz')}
    return {**mean_of(rows), **worst}


def diversity(system: System, prompts: list, seeds: int, spaces: Spaces) -> dict:
    """Mean distance of descriptors between seeds of one prompt, and between prompts; the ratio says how much the prompt decides."""
    vectors = np.stack(
        [spaces.vectors(system.text_to_audio([p['text'] for p in prompts], 1000 + s))['descriptor'] for s in range(seeds)]
    )  # [seeds, prompts, 64]
    pairs = lambda x: np.mean([np.linalg.norm(x[i] - x[j]) for i in range(len(x)) for j in range(i)])
    across_seeds = float(np.mean([pairs(vectors[:, p]) for p in range(len(prompts))]))
    across_prompts = float(np.mean([pairs(vectors[s]) for s in range(seeds)]))
    real = float(pairs(spaces.reference['descriptor'][:64]))
    return {
        'prompts': len(prompts),
        'seeds': seeds,
        'across_seeds': round(across_seeds, 3),
        'across_prompts': round(across_prompts, 3),
        'real_clips': round(real, 3),
    }


def seams(system: System, ids: torch.Tensor, real: torch.Tensor, seed: int = 5) -> dict:
    """Continuation by one chunk: the join at the end of the first window, against the same place in real music and other places."""
    chunk = system.frames // system.config['chunks']
    words = system.words // system.config['chunks']
    first = system.latents(ids, seed)
    following = torch.cat([ids[:, words:], ids[:, :words]], 1)
    more = system.latents(following, seed + 1, context=first[:, chunk:])
    sound = system.audio(torch.cat([first, more[:, -chunk:]], 1))
    at = system.frames * system.hop
    score = lambda x, place: round(float(np.mean([m.seam(y.numpy(), place, system.rate) for y in x])), 3)
    step = lambda z, k: float((z[:, k] - z[:, k - 1]).square().mean().sqrt())
    z = torch.cat([first, more[:, -chunk:]], 1)
    return {
        'join': score(sound, at),
        'elsewhere': score(sound, at // 2 + 1234),
        'real': score(real, real.shape[1] // 2),
        'latent_step_at_join': round(step(z, system.frames), 3),
        'latent_step_elsewhere': round(float(np.mean([step(z, k) for k in range(50, system.frames - 50, 7)])), 3),
    }
