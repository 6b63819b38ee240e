"""Stage `vae`: encoder and decoder together on spectral losses and KL, no discriminator (stage `polish` adds one).

`anchor_weight` in the config, with --init: the latents are held near those of the encoder that it starts from, so that a diffusion model
that was trained on them goes on.
"""

import copy
import random

import torch
from torch import nn

from ..corpus import Corpus
from ..loop import Run, load_weights, start_from
from ..losses import PhaseLoss, SpectralLoss, baselines, chroma_cosine, log_mel_distance
from ..models.vae_decoder import RunningPhaseDecoder, vae_decoder
from ..models.vae_encoder import vae_encoder
from ..optimisers import optimiser_of
from ..processes import autocast, device, stream


class Vae(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.encoder = vae_encoder(c['vae_encoder'])
        self.decoder = vae_decoder(c['vae_decoder'])

    def forward(self, audio):
        mean, log_var = self.encoder(audio)
        z = mean + torch.randn_like(mean) * (0.5 * log_var).exp() if self.training else mean
        return *reconstruct(self.decoder, z), mean, log_var


def decoder_place(runs):
    """-> (folder, prefix of the names) of the newest decoder under runs/: stage polish's where there is one, else stage vae's."""
    return (runs / 'polish', '') if (runs / 'polish' / 'checkpoint.pt').exists() else (runs / 'vae', 'decoder.')


def load_codec(c, runs):
    """-> (encoder, decoder) of the checkpoints under runs/."""
    folder, part = decoder_place(runs)
    encoder = load_weights(runs / 'vae', vae_encoder(c['vae_encoder']), part='encoder.')
    return encoder, load_weights(folder, vae_decoder(c['vae_decoder']), part=part)


def reconstruct(decoder, z):
    """-> (audio [B, n] float32, the mid of a stereo decoder, not clipped; the `parts` of a RunningPhaseDecoder for PhaseLoss, else
    None)."""
    if not isinstance(decoder, RunningPhaseDecoder):
        return decoder.unclipped(z).float(), None
    parts = decoder.parts(z)
    return decoder.sound(parts), parts


def mid_of(audio):
    """[B, n] of mono [B, n] or stereo [B, 2, n]."""
    return audio.mean(1) if audio.ndim == 3 else audio


def phase_loss_of(c, decoder):
    """The PhaseLoss that a config asks for, or None for decoders without a running phase."""
    if not isinstance(decoder, RunningPhaseDecoder):
        return None
    d = c['vae_decoder']
    lowest, per_semitone = d['pitches']['lowest'], d['pitches'].get('per_semitone', 1)
    lines = c['train']['vae'].get('lock_lines', False)
    return PhaseLoss(decoder, c['sample_rate'], d['reference_pitch'], lowest, per_semitone, lines)


def total_of(losses, t):
    """The weighted sum of the spectral losses and, where there are any, the phase losses."""
    total = (
        losses['stft']
        + t.get('image_weight', 1.0) * losses.get('image', 0.0)
        + t['mel_weight'] * losses['mel']
        + t.get('pitch_weight', 0.5) * losses.get('pitch', 0.0)
    )
    return total + t.get('advance_weight', 1.0) * losses.get('advance', 0.0) + t.get('lock_weight', 0.5) * losses.get('lock', 0.0)


def kl(mean, log_var):
    """Mean over elements of KL(N(mean, var) || N(0, 1)), nats."""
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var).mean()


def run(c, paths):
    t = c['train']['vae']
    channels = c.get('channels', 1)
    corpus, held = Corpus(paths.data, 'train', channels=channels), Corpus(paths.data, 'heldout', limit=32, channels=channels)
    model = Vae(c)
    if paths.init:
        print(f'vae: starts from {paths.init}, but for {start_from(paths.init, model)}', flush=True)
    anchor = copy.deepcopy(model.encoder).to(device()).eval().requires_grad_(False) if paths.init and t.get('anchor_weight') else None
    model.to(device())
    run = Run(paths.runs / 'vae', model, [optimiser_of(model, t)], t)
    loss_of = SpectralLoss(c['sample_rate'], t['sizes'], t['mels'], device(), t.get('pitch'))
    phase_loss = phase_loss_of(c, model.decoder)
    rng = random.Random(stream(1000 + run.step))
    torch.manual_seed(stream(1000 + run.step))
    length = int(t['seconds'] * c['frame_rate']) * c['hop_length']
    held_audio = torch.stack([held.crop(i, 5 * c['sample_rate'], 4 * c['sample_rate']) for i in range(min(16, len(held)))]).to(device())
    floor = baselines(mid_of(held_audio), c['sample_rate'])

    def compute(audio):
        with autocast():
            output, said, mean, log_var = model(audio)
            with torch.no_grad():
                before = anchor(audio)[0] if anchor else mean
        losses = loss_of(output, mid_of(audio))
        if phase_loss:
            losses |= phase_loss(said, audio)
        losses['kl'] = kl(mean, log_var)
        total = total_of(losses, t) + t['kl_weight'] * losses['kl']
        if anchor:
            losses['anchor'] = (mean - before).square().mean()
            total = total + t['anchor_weight'] * losses['anchor']
        return total, losses

    while run.running():
        run.advance(run.learn(compute, (corpus.random_crops(t['batch'], length, rng).to(device()),), t['clip']))
        if run.due():
            corpus.refresh()
            run.report(**evaluate(run, held_audio, c['sample_rate']), **floor, clips=len(corpus))
    run.finish()


@torch.no_grad()
def evaluate(run, audio, sample_rate):
    with run.with_ema() as model, autocast():
        output, _, mean, log_var = model(audio)
    output = output.clamp(-1, 1)
    audio = mid_of(audio)
    return {
        'held_mel': log_mel_distance(output, audio, sample_rate),
        'held_chroma': chroma_cosine(output, audio, sample_rate),
        'std': mean.std(),
        'sigma': (0.5 * log_var).exp().mean(),
    }
