"""Stage `latents`: encode every clip with the frozen VAE encoder (cached a shard at a time); mean, axes and scale are fitted once, on the
first shards.

With `--init RUNS/latents` the axes of that run's latents are kept, for `dpd --init RUNS/dpd`: the encoder went on from its, or was widened
from it.
"""

import torch

from .. import cache
from ..latents import Latents
from ..loop import load_weights
from ..models.vae_encoder import vae_encoder
from ..processes import autocast, device, on_gpu


def run(c, paths):
    encoder = load_weights(paths.runs / 'vae', vae_encoder(c['vae_encoder']), part='encoder.').to(device())
    folder, channels = paths.runs / 'latents', c.get('channels', 1)

    @torch.no_grad()
    def compute(audio):
        out = []
        for part in torch.from_numpy(audio).split(8 if on_gpu() else 1):
            with autocast():
                mean, _ = encoder(part.to(device()).float() / 32768)
            out.append(mean.cpu())
        return torch.cat(out).numpy()

    # a few shards are enough for the statistics; the dpd stage may start beside the rest and takes in what has come since
    cache.build(paths.data, folder, 'heldout', compute, most=1, channels=channels)
    cache.build(paths.data, folder, 'train', compute, most=8, channels=channels)
    if not (folder / 'statistics.pt').exists():
        rows, _ = cache.load(paths.data, folder, 'train')
        mu = torch.cat([torch.from_numpy(r).float() for r in rows])
        kept = len(Latents.load(paths.init).mean) if paths.init else 0
        latents = Latents.fit(mu, centred=c['vae_decoder']['kind'] == 'hifigan', kept=kept)
        latents.save(folder)
        values = (latents.limit / 4).square()
        print(
            f'latents: {len(rows)} clips, axis variances {[round(float(v), 3) for v in values]}, effective dimension {values.sum() ** 2 / values.square().sum():.1f}',  # noqa: E501
            flush=True,
        )
    for split in ('train', 'heldout'):
        cache.build(paths.data, folder, split, compute, channels=channels, until=getattr(paths, 'until', None))
