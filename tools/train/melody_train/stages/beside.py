"""Stage `beside`: a trained stereo codec gains latents and keeps those that it has. `--init RUNS` is its folder of runs (stage `unpack`).

The config's vae_encoder has a network `beside` and latent_dim is larger by that network's. The old encoder is frozen, so its latents stay
what a diffusion model has learnt. The new network starts from a copy of it where shapes fit; running statistics keep its latents at mean 0
and variance 1, and they get noise (a KL term shuts latents that the decoder does not hear yet: a deviation of 0.36 after 200 steps,
measured). The decoder starts deaf to them and goes on as a whole; the new network waits for it `wait` steps. A share `silent` of the clips
have their new latents at 0, so that the measures `without_...` tell what the same decoder says without them. Writes `vae/checkpoint.pt`,
the statistics folded in, for `latents --init`, `width` and `export`; and, where RUNS has a diffusion model, `start/dpd/checkpoint.pt`: its
old latents turn as before, whatever the new ones are.
"""

import random

import torch
from torch import nn

from ..corpus import Corpus
from ..loop import Run, start_from
from ..losses import SpectralLoss
from ..models.dual_path import DualPath
from ..optimisers import optimiser_of
from ..processes import autocast, device, stream
from .vae import Vae, mid_of, phase_loss_of, reconstruct, total_of
from .widen import into, load, save

MOMENTUM = 0.003  # of the running statistics
CROPS = 64  # whose new latents have mean 0 and variance 1 in the end


class Gaining(nn.Module):
    """A codec with frozen old latents and normalised new ones."""

    def __init__(self, c, init):
        super().__init__()
        self.codec = Vae(c)
        new = c['vae_encoder']['beside']['latent_dim']
        self.old = c['vae_encoder']['latent_dim'] - new
        self.register_buffer('mean', torch.zeros(new))
        self.register_buffer('variance', torch.ones(new))
        self.register_buffer('batches', torch.zeros(()))
        if init:
            start(self.codec, init)
        for name, p in self.codec.encoder.named_parameters():
            p.requires_grad_(name.startswith('beside.'))

    def latents(self, audio):
        """audio [B, 2, n] -> [B, T, D]: the old latents and the new ones as the decoder gets them, without noise."""
        mean, _ = self.codec.encoder(audio)
        old, new = mean[..., : self.old].detach(), mean[..., self.old :]
        if self.training:
            with torch.no_grad():
                rows = new.detach().flatten(0, 1)
                share = (1 / (self.batches.add_(1))).clamp(min=MOMENTUM)  # the mean of all batches at first
                self.mean.lerp_(rows.mean(0), share)
                self.variance.lerp_((rows - self.mean).square().mean(0), share)
        return torch.cat([old, (new - self.mean) / self.variance.clamp(min=1e-6).sqrt()], -1)

    def folded(self, rows):
        """The codec's weights with the statistics in its layers, and with those of `rows` [N, new], latents of many clips: these get mean 0
        and variance 1 exactly, and the decoder's first layer takes that back."""
        state = {k: v.clone() for k, v in self.codec.state_dict().items()}
        deviation, mean, n = rows.std(0), rows.mean(0), len(self.mean)
        scale = self.variance.clamp(min=1e-6).sqrt()
        state['encoder.beside.head.weight'][:n] /= (scale * deviation)[:, None]
        bias = state['encoder.beside.head.bias']
        bias[:n] = ((bias[:n] - self.mean) / scale - mean) / deviation
        heard = state['decoder.embed.weight'][:, self.old :]
        state['decoder.embed.bias'] += heard @ mean
        heard *= deviation
        return state


def start(codec, init):
    """Starts from the trained codec under init: the old network, a copy of it beside, and a decoder that hears the new latents with
    weight 0."""
    if (init / 'polish' / 'checkpoint.pt').exists():
        raise ValueError(f'stage "beside": {init}/polish holds a decoder of its own; export the model and unpack it, then give that folder')
    left = [name for name in start_from(init / 'vae', codec) if not name.startswith('encoder.beside.')]
    print(f'beside: starts from {init}' + (f', but for {left}' if left else ''), flush=True)
    own, old = codec.encoder.beside.state_dict(), codec.encoder.state_dict()
    same = {k: old[k] for k, v in own.items() if k in old and old[k].shape == v.shape and not k.startswith('head.')}
    codec.encoder.beside.load_state_dict({**own, **same})


def run(c, paths):
    if 'beside' not in c['vae_encoder']:
        raise ValueError(
            f'stage "beside": vae_encoder of {c["name"]} has no network beside it; expected beside {{latent_dim, dim, ffn, kernel, layers}}'
        )
    if paths.init is None and not (paths.runs / 'beside' / 'checkpoint.pt').exists():
        raise ValueError('stage "beside" needs --init RUNS, the folder of the codec that it starts from (stage unpack)')
    if paths.init and (paths.init / 'dpd' / 'checkpoint.pt').exists():
        own = DualPath(c['dual_path']).state_dict()
        save(paths.runs / 'start' / 'dpd', {k: into(v, own[k]) for k, v in load(paths.init / 'dpd').items()})
    t, channels = c['train']['beside'], c.get('channels', 1)
    corpus, held = Corpus(paths.data, 'train', channels=channels), Corpus(paths.data, 'heldout', limit=32, channels=channels)
    model = Gaining(c, paths.init).to(device())
    decoder, old = model.codec.decoder, model.old
    run = Run(paths.runs / 'beside', model, [optimiser_of(model, t)], t)
    loss_of = SpectralLoss(c['sample_rate'], t['sizes'], t['mels'], device(), t.get('pitch'))
    phase_loss = phase_loss_of(c, decoder)
    rng = random.Random(stream(3000 + run.step))
    torch.manual_seed(stream(3000 + run.step))
    hop, edge = c['hop_length'], t.get('edge_frames', 18)  # frames at each end whose latents hear zeros in place of the clip: not judged
    frames = int(t['seconds'] * c['frame_rate']) + 2 * edge
    per = c['vae_decoder']['upsample']

    def judged(z, audio):
        """-> (losses, total) of latents and their clip, over the frames between the edges."""
        output, said = reconstruct(decoder, z)
        losses = phase_loss(said, audio, slice(edge * per, (frames - edge) * per)) if phase_loss else {}
        output, mid = (mid_of(x)[:, edge * hop : (frames - edge) * hop] for x in (output, audio))
        losses |= loss_of(output, mid)
        return losses, total_of(losses, t)

    def compute(audio):
        with autocast():
            with torch.set_grad_enabled(run.step >= t.get('wait', 0)):
                z = model.latents(audio)
            heard = (torch.rand(len(z), 1, 1, device=z.device) >= t.get('silent', 0.1)).float()
            z = z + torch.randn_like(z) * t.get('latent_noise', 0.1)
            losses, total = judged(torch.cat([z[..., :old], z[..., old:] * heard], -1), audio)
        return total, losses

    held_audio = torch.stack([held.crop(i, 5 * c['sample_rate'], frames * hop) for i in range(min(8, len(held)))]).to(device())

    @torch.no_grad()
    def evaluate():
        with run.with_ema() as ema, autocast():
            z = ema.latents(held_audio)
            with_new, without = (judged(torch.cat([z[..., :old], z[..., old:] * k], -1), held_audio)[0] for k in (1.0, 0.0))
        return {**{f'held_{k}': v for k, v in with_new.items()}, **{f'without_{k}': v for k, v in without.items()}}

    while run.running():
        run.advance(run.learn(compute, (corpus.random_crops(t['batch'], frames * hop, rng).to(device()),), t['clip']))
        if run.due():
            corpus.refresh()
            run.report(**evaluate(), clips=len(corpus))
    run.finish()
    crops = corpus.random_crops(CROPS, frames * hop, random.Random(0)).to(device())
    with run.with_ema() as ema, torch.no_grad(), autocast():
        rows = torch.cat([ema.latents(x)[:, edge:-edge, old:].flatten(0, 1).float() for x in crops.split(4)])
        save(paths.runs / 'vae', ema.folded(rows))
