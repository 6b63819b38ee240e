"""Stage `semantic`: k-means of the features to `words` centroids -> semantic/encoder.pt; reports explained variance, entropy and
repeats."""

import torch

from .. import cache
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
    encoder.centroids.copy_(kmeans(frames.to(device()), c['semantic_encoder']['words'], t['passes']).cpu())
    cache.keep(encoder.state_dict(), paths.runs / 'semantic' / 'encoder.pt')
    held = torch.stack([torch.from_numpy(r) for r in cache.load(paths.data, paths.runs / 'features', 'heldout')[0]]).float()
    ids = encoder.encode(held)
    flat = held.flatten(0, 1)
    left = (flat - encoder.centroids[ids.flatten()]).square().mean(0)
    share = lambda s: 1 - float(left[s].sum() / flat.var(0)[s].sum())
    p = torch.bincount(ids.flatten(), minlength=len(encoder.centroids)).float()
    p = p[p > 0] / p.sum()
    print(
        f'semantic: {len(encoder.centroids)} words, explained variance held out: all {share(slice(0, 40)):.3f}, chroma {share(slice(0, 12)):.3f}, '  # noqa: E501
        f'bass {share(slice(12, 24)):.3f}, onset {share(slice(24, 27)):.3f}, energy {share(slice(27, 28)):.3f}, timbre {share(slice(28, 40)):.3f}; '  # noqa: E501
        f'unigram {-(p * p.log2()).sum():.2f} bits, repeats {(ids[:, 1:] == ids[:, :-1]).float().mean():.2f}, used {len(p)}'
    )
