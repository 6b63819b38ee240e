"""Stage `dpd`: the dual-path diffusion network on (tokens, latents), multi-chunk velocity, null branch, optional seam term.

Prints beside the held-out velocity error the score of the best linear denoiser without tokens (Wiener) and the gap wrong - right tokens:
an error below Wiener means the network is non-linear, a gap above zero means that it reads its tokens (docs/training.md section 4).
"""

import math
import random
from functools import partial

import torch

from .. import cache
from ..ahead import pieces
from ..latents import Latents
from ..loop import Run, start_from
from ..models.dual_path import DualPath
from ..optimisers import optimiser_of
from ..processes import autocast, device, stream
from ..semantic import load_encoder

ANGLES = (0.2, 0.5, 0.8, 1.1, 1.4)


def draw_angles(batch, length, chunks, one_angle, context, rng):
    """[B, L]: one angle for all chunks, or one a chunk, or clean context (0) and one angle in the last chunks, as continuation uses it."""
    edges = [m * length // chunks for m in range(chunks + 1)]
    rows = []
    for _ in range(batch):
        dice, same = rng.random(), rng.random() * math.pi / 2
        clean = rng.randrange(1, chunks) if dice > 1 - context else 0
        values = [same if dice < one_angle or dice > 1 - context else rng.random() * math.pi / 2 for _ in range(chunks)]
        rows.append([0.0 if m < clean else v for m, v in enumerate(values)])
    return torch.tensor(rows).repeat_interleave(torch.tensor([b - a for a, b in zip(edges, edges[1:])]), 1)


def diffuse(z, noise, angle):
    """-> (z_delta, velocity): cos z + sin e, cos e - sin z, angle [B, L]."""
    cos, sin = angle.cos()[..., None], angle.sin()[..., None]
    return cos * z + sin * noise, cos * noise - sin * z


def wiener(latents):
    """Velocity error of the best linear denoiser without tokens, mean over ANGLES: per axis and temporal frequency P / (cos^2 P +
    sin^2)."""
    power = torch.fft.rfft(latents, dim=1).abs().square().mean(0) / latents.shape[1]
    power[0] = power[1]
    weight = torch.full((power.shape[0], 1), 2.0)
    weight[0] = weight[-1] = 1.0
    scores = [(power / (math.cos(d) ** 2 * power + math.sin(d) ** 2) * weight).sum(0) / weight.sum() for d in ANGLES]
    return float(torch.stack(scores).mean())


@torch.no_grad()
def evaluate(run, z, ids):
    generator = torch.Generator().manual_seed(7)
    noise = torch.randn(z.shape, generator=generator).to(z)
    result = {}
    with run.with_ema() as model, autocast():
        right = {}
        for wrong in (False, True):
            tokens = model.tokens(ids.roll(1, 0) if wrong else ids)
            errors = {}
            for d in ANGLES[3:] if wrong else ANGLES:
                angle = torch.full(z.shape[:2], d, device=z.device)
                x, v = diffuse(z, noise, angle)
                errors[d] = float((model(x, angle, tokens) - v).square().mean())
            if wrong:
                result['gap_1.1'], result['gap_1.4'] = (errors[d] - right[d] for d in ANGLES[3:])
            else:
                right, result['held'] = errors, sum(errors.values()) / len(errors)
        if ids.ndim == 3:  # what the timbre words tell
            tokens = model.tokens(without_timbre(ids))
            for d in ANGLES[3:]:
                angle = torch.full(z.shape[:2], d, device=z.device)
                x, v = diffuse(z, noise, angle)
                result[f'timbre_{d}'] = float((model(x, angle, tokens) - v).square().mean()) - right[d]
    return result


def without_timbre(ids, rows=slice(None)):
    """A copy of token ids [B, T, 2] with the timbre word unknown (-1) in `rows` (an index or a mask [B])."""
    ids = ids.clone()
    ids[rows, :, 1] = -1
    return ids


def run(c, paths):
    t = c['train']['dpd']
    encoder = load_encoder(c, paths).to(device())
    latents, per_token = Latents.load(paths.runs / 'latents'), c['frame_rate'] // c['token_rate']
    length = c['window_seconds'] * c['frame_rate']

    def prepare(split):
        rows, _ = cache.load(paths.data, paths.runs / 'latents', split)
        features, _ = cache.load(paths.data, paths.runs / 'features', split, len(rows))
        both = min(len(rows), len(features))  # either may be ahead while shards are still rendered
        features = torch.stack([torch.from_numpy(f) for f in features[:both]])
        ids = torch.cat([encoder.encode(part.float().to(device())) for part in features.split(256)])
        return torch.stack([latents.normalise(torch.from_numpy(r).float()) for r in rows[:both]]).to(device()), ids

    shards = lambda: len(list((paths.runs / 'latents').glob('train_*[0-9].npy')))
    taken = shards()
    z_all, ids_all = prepare('train')
    z_held, ids_held = prepare('heldout')
    z_held, ids_held = z_held[:16, :length].to(device()), ids_held[:16, : length // per_token].to(device())
    linear = wiener(z_all[:256, :length].cpu())
    print(f'dpd: {len(z_all)} clips, latent std {z_all.std():.3f}, Wiener score without tokens {linear:.4f}', flush=True)
    model = DualPath(c['dual_path'])
    if c['dual_path'].get('lookup_dim') == encoder.centroids.shape[1]:
        model.lookup.weight.data.copy_(encoder.centroids)
        if c['dual_path'].get('timbre_words'):
            model.timbre_lookup.weight.data.zero_()[:-1] = encoder.timbre_centroids
    if paths.init:
        print(f'dpd: starts from {paths.init}, but for {start_from(paths.init, model)}', flush=True)
    model.to(device())
    run = Run(paths.runs / 'dpd', model, [optimiser_of(model, t)], t)
    rng = random.Random(stream(run.step))
    torch.manual_seed(stream(run.step))
    edges = [m * length // c['chunks'] for m in range(1, c['chunks'])]

    def compute(z, ids, angle, null):
        noisy, target = diffuse(z, torch.randn_like(z), angle)
        with autocast():
            v = model(noisy, angle, model.tokens(ids), null)
        noised = (angle > 0)[..., None]
        loss = ((v - target).square() * noised).sum() / (noised.sum() * z.shape[-1])
        seams = t['seam_weight'] * sum((v[:, e] - v[:, e - 1]).square().mean() for e in edges) if t['seam_weight'] else 0.0
        return loss + seams, {'velocity': loss}

    while run.running():
        index = [rng.randrange(len(z_all)) for _ in range(t['batch'])]
        # in tokens: crops begin where a token does, and a block of the same timbre word
        start = [rng.randrange(0, (z_all.shape[1] - length) // per_token + 1, encoder.block or 1) for _ in index]
        z = pieces(z_all, index, [s * per_token for s in start], length)
        ids = pieces(ids_all, index, start, length // per_token)
        if ids.ndim == 3:
            ids = without_timbre(ids, torch.tensor([rng.random() < t.get('no_timbre', 0.1) for _ in index], device=ids.device))
        angle = draw_angles(len(index), length, c['chunks'], t['one_angle'], t['context'], rng).to(device())
        null = rng.random() < t['null_probability']
        run.advance(run.learn(partial(compute, null=null), (z, ids, angle), t['clip'], variant=null))
        if run.due():
            if shards() > taken:
                taken = shards()
                z_all, ids_all = prepare('train')
            run.report(**evaluate(run, z_held, ids_held), wiener=linear, clips=len(z_all))
    run.finish()
