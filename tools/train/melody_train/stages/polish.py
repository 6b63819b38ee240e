"""Stage `polish`: the encoder is frozen (latents stay what the diffusion learns), the decoder goes on, with discriminators if their weight
is not 0.

A RunningPhaseDecoder starts from the vae stage's trunk and magnitudes whatever kind that decoder had: its phases need the losses here only.
"""

import random

import torch

from .. import cache
from ..ahead import pieces
from ..corpus import Corpus
from ..loop import Run
from ..losses import SpectralLoss, baselines, chroma_cosine, log_mel_distance
from ..models.discriminators import Discriminators, discriminator_loss, generator_losses
from ..models.vae_decoder import vae_decoder
from ..optimisers import adamw
from ..processes import autocast, device, on_gpu, stream
from .vae import mid_of, phase_loss_of, reconstruct, total_of


def hop_buzz(output, target, lag=960):
    """How much more |x[t+1] - x[t]| repeats after `lag` samples (the frame of the inverse STFT) than the target does; 0 is wanted.

    Spectral losses alone render noise as a frozen pattern of that period; discriminators hear it.
    """

    def repeats(x):
        d = x.diff(dim=-1).abs()
        d = d - d.mean(-1, keepdim=True)
        power = torch.fft.rfft(d, 2 * d.shape[-1]).abs().square()
        r = torch.fft.irfft(power)
        near = torch.cat([r[:, lag - 12 : lag - 4], r[:, lag + 5 : lag + 13]], 1).median(1).values
        return ((r[:, lag] - near) / r[:, 0]).mean()

    return repeats(output) - repeats(target)


def start_decoder(decoder, folder):
    """Loads the vae stage's decoder where names and shapes fit. A head with other outputs takes over the rows of log magnitude, which come
    first."""
    state = torch.load(folder / 'checkpoint.pt', map_location='cpu')['ema']
    own = decoder.state_dict()
    for name, value in state.items():
        name = name.removeprefix('decoder.')
        if name in own and own[name].shape == value.shape:
            own[name] = value
        elif name in ('head.weight', 'head.bias') and hasattr(decoder, 'bins'):
            own[name][: decoder.bins] = value[: decoder.bins]
    decoder.load_state_dict(own)


class Crops:
    """Pieces of clips with their latents, which come from whole clips (stage `latents`) and so know what lies around the piece."""

    def __init__(self, c, paths, split, most=None):
        self.corpus = Corpus(paths.data, split, channels=c.get('channels', 1))
        self.latents, _ = cache.load(paths.data, paths.runs / 'latents', split)
        self.count, self.hop = min(len(self.latents), most or len(self.latents)), c['hop_length']
        self.tensor = None

    def take(self, index, start, frames):
        """-> (latents [frames, D], audio [hop * frames]) from latent frame `start` of clip `index`."""
        z = torch.from_numpy(self.latents[index][start : start + frames]).float()
        return z, self.corpus.crop(index, start * self.hop, frames * self.hop)

    def batch(self, count, frames, rng):
        drawn = []
        for _ in range(count):
            index = rng.randrange(self.count)
            drawn.append((index, rng.randrange(len(self.latents[index]) - frames + 1)))
        if on_gpu():
            if self.tensor is None:
                self.tensor = torch.stack([torch.from_numpy(x) for x in self.latents]).to(device())
            index, start = zip(*drawn)
            return pieces(self.tensor, index, start, frames).float(), self.corpus.gather(index, start, frames * self.hop, self.hop)
        z, audio = zip(*(self.take(index, start, frames) for index, start in drawn))
        return torch.stack(z).to(device()), torch.stack(audio).to(device())


def run(c, paths):
    t = c['train']['polish']
    crops, held = Crops(c, paths, 'train'), Crops(c, paths, 'heldout', 16)
    decoder = vae_decoder(c['vae_decoder'])
    start_decoder(decoder, paths.runs / 'vae')
    decoder.to(device())
    judged = t['adversarial_weight'] > 0
    judges = Discriminators(t['discriminators']).to(device()) if judged else None
    head = {'params': list(decoder.head.parameters()), 'lr': t.get('lr_head', t['lr'])}
    rest = {'params': [p for n, p in decoder.named_parameters() if not n.startswith('head.')], 'lr': t['lr']}
    optimisers = [torch.optim.AdamW([head, rest], betas=(0.8, 0.98) if judged else (0.9, 0.98), weight_decay=0.01)]
    if judged:
        optimisers.append(adamw(judges.parameters(), t['lr_discriminator'], betas=(0.8, 0.98)))
    run = Run(paths.runs / 'polish', decoder, optimisers, t, extra=[judges] if judged else [])
    loss_of = SpectralLoss(c['sample_rate'], t['sizes'], t['mels'], device(), t.get('pitch'))
    phase_loss = phase_loss_of(c, decoder)
    rng = random.Random(stream(2000 + run.step))
    torch.manual_seed(stream(2000 + run.step))
    edge = t.get('edge_frames', 8)  # latent frames at each end that see zeros instead of the clip and so are not judged
    frames = int(t['seconds'] * c['frame_rate']) + 2 * edge
    held_z, held_audio = (
        torch.stack(x).to(device()) for x in zip(*(held.take(i, 5 * c['frame_rate'], 4 * c['frame_rate']) for i in range(held.count)))
    )
    held_audio = mid_of(held_audio)
    floor = baselines(held_audio, c['sample_rate'])

    def compute(z, audio):
        """-> (total, losses, output, target) without judges."""
        z = z + torch.randn_like(z) * t.get('latent_noise', 0.1)
        losses = {}
        with autocast():
            output, said = reconstruct(decoder, z)
        if phase_loss:
            per = c['vae_decoder']['upsample']
            losses |= phase_loss(said, audio, slice(edge * per, (frames - edge) * per))
        output, audio = (mid_of(x)[:, edge * c['hop_length'] : (frames - edge) * c['hop_length']] for x in (output, audio))
        losses |= loss_of(output, audio)
        return total_of(losses, t), losses, output, audio

    while run.running():
        z, audio = crops.batch(t['batch'], frames, rng)
        if not judged:
            run.advance(run.learn(lambda *inputs: compute(*inputs)[:2], (z, audio), t['clip']))
        else:
            total, losses, output, audio = compute(z, audio)
            if run.step % t['judge_every'] == 0:
                total = total + contest(run, judges, t, losses, output, audio)
            run.update(total, t['clip'])
            run.advance({k: v.detach() for k, v in losses.items()})
        if run.due():
            with run.with_ema() as ema, torch.no_grad(), autocast():
                out = mid_of(ema(held_z).float())
            run.report(
                **floor,
                buzz=hop_buzz(out, held_audio),
                held_mel=log_mel_distance(out, held_audio, c['sample_rate']),
                held_chroma=chroma_cosine(out, held_audio, c['sample_rate']),
            )
    run.finish()


def contest(run, judges, t, losses, output, audio):
    """A step of the discriminators; returns what they add to the decoder's loss (0 before step `judge_from`)."""
    with autocast():
        real, fake = judges(audio), judges(output.detach())
        losses['d'] = discriminator_loss(real, fake)
    run.update(losses['d'], t['clip'], optimiser=1)
    judges.requires_grad_(False)
    with autocast():
        with torch.no_grad():
            real = judges(audio)
        losses['adv'], losses['feat'] = generator_losses(real, judges(output))
    judges.requires_grad_(True)
    return t['adversarial_weight'] * losses['adv'] + t['feature_weight'] * losses['feat'] if run.step >= t['judge_from'] else 0.0
