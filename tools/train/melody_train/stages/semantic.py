"""Stage `semantic`: k-means of the features to `words` centroids -> semantic/encoder.pt; reports explained variance, entropy and
repeats."""

from pathlib import Path

import torch

from .. import cache
from ..features import TIMBRE
from ..models.rvq import kmeans
from ..processes import device
from ..semantic import SemanticEncoder, rotate_keys


def run(c, paths):
    t = c['train']['semantic']
    rows, _ = cache.load(paths.data, paths.runs / 'features', 'train')
    x = torch.cat([torch.from_numpy(r) for r in rows])
    pick = torch.randperm(len(x), generator=torch.Generator().manual_seed(1))[: t['frames']]
    # every twelfth part in another key, so that the words serve transposed music as well
    frames = torch.cat([rotate_keys(part.float(), shift) for shift, part in enumerate(x[pick].chunk(12))])
    encoder = SemanticEncoder(c['semantic_encoder'])
    encoder.features.load_state_dict(torch.load(paths.runs / 'features' / 'basis.pt'))
    if paths.init:  # networks that were trained on its words stay of use
        encoder.centroids.copy_(torch.load(Path(paths.init) / 'encoder.pt')['centroids'])
    else:
        encoder.centroids.copy_(kmeans(frames.to(device()), c['semantic_encoder']['words'], t['passes']).cpu())
    if encoder.block:
        rows = [torch.from_numpy(r).float() for r in rows]
        first = SemanticEncoder({**c['semantic_encoder'], 'timbre_frames': None})
        first.centroids.copy_(encoder.centroids)
        means = torch.cat([encoder.block_means(r[None], first.encode(r[None]))[0] for r in rows])
        words = kmeans(means[:, TIMBRE].contiguous().to(device()), c['semantic_encoder']['timbre_words'], t['passes'])
        encoder.timbre_centroids[:, TIMBRE] = words.cpu()
    cache.keep(encoder.state_dict(), paths.runs / 'semantic' / 'encoder.pt')
    held = torch.stack([torch.from_numpy(r) for r in cache.load(paths.data, paths.runs / 'features', 'heldout')[0]]).float()
    ids = encoder.encode(held)
    flat = held.flatten(0, 1)
    if ids.ndim == 3:
        ids, timbre = ids.unbind(-1)
        met = encoder.centroids[ids.flatten()].clone()
        met += encoder.timbre_centroids[timbre.flatten()]
        print(report('with timbre words', flat, met, timbre[:, :: encoder.block]))
    print(report('semantic', flat, encoder.centroids[ids.flatten()], ids))


def report(name, flat, met, ids):
    """A line: how much of the variance of features `flat` [N, F] the rows `met` explain, and how the words `ids` [B, T] are spread."""
    left = (flat - met).square().mean(0)
    share = lambda s: 1 - float(left[s].sum() / flat.var(0)[s].sum())
    p = torch.bincount(ids.flatten()).float()
    p = p[p > 0] / p.sum()
    return (
        f'{name}: explained variance held out: all {share(slice(0, 40)):.3f}, chroma {share(slice(0, 12)):.3f}, '
        f'bass {share(slice(12, 24)):.3f}, onset {share(slice(24, 27)):.3f}, energy {share(slice(27, 28)):.3f}, '
        f'timbre {share(slice(28, 40)):.3f}; '
        f'unigram {-(p * p.log2()).sum():.2f} bits, repeats {(ids[:, 1:] == ids[:, :-1]).float().mean():.2f}, used {len(p)}'
    )
