"""Stage `features`: fit the features' timbre basis once, then the features of every clip, cached a shard at a time (run again for new
shards)."""

import torch

from .. import cache
from ..corpus import Corpus
from ..features import PARTS, SemanticFeatures, fit_mel_pca
from ..processes import device, on_gpu


def run(c, paths):
    folder = paths.runs / 'features'
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / 'basis.pt'
    if not path.exists():
        corpus = Corpus(paths.data, 'train', limit=c['train']['features']['fit_clips'])
        fitted = fit_mel_pca(
            (corpus.crop(i, 0, len(corpus.audio[i]))[None] for i in range(min(len(corpus), c['train']['features']['fit_clips']))), device()
        ).cpu()
        cache.keep(fitted.state_dict(), path)
    model = SemanticFeatures()
    model.load_state_dict(torch.load(path))
    model.to(device())

    @torch.no_grad()
    def compute(audio):
        return torch.cat(
            [model(part.to(device()).float() / 32768).cpu() for part in torch.from_numpy(audio).split(8 if on_gpu() else 1)]
        ).numpy()

    for split in ('train', 'heldout'):
        cache.build(paths.data, folder, split, compute, until=getattr(paths, 'until', None))
    if paths.extra:
        join = lambda parts: model.join(*torch.from_numpy(parts).to(device()).float().split(PARTS, -1)).cpu().numpy()
        cache.build(paths.extra, paths.runs / 'features_extra', 'train', join)
