"""Stage `vae`: encoder and decoder together on spectral losses and KL, no discriminator (stage `polish` adds one)."""

import random

import torch
from torch import nn

from ..corpus import Corpus
from ..loop import Run, autocast, device, optimiser_of, start_from
from ..losses import SpectralLoss, chroma_cosine, log_mel_distance
from ..models.vae_decoder import vae_decoder
from ..models.vae_encoder import vae_encoder


class Vae(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.encoder = vae_encoder(c['vae_encoder'])
        self.decoder = vae_decoder(c['vae_decoder'])

    def forward(self, audio):
        mean, log_var = self.encoder(audio)
        z = mean + torch.randn_like(mean) * (0.5 * log_var).exp() if self.training else mean
        return self.decoder.unclipped(z), mean, log_var


def kl(mean, log_var):
    """Mean over elements of KL(N(mean, var) || N(0, 1)), nats."""
    return 0.5 * (mean.square() + log_var.exp() - 1 - log_var).mean()


def run(c, paths):
    t = c['train']['vae']
    corpus, held = Corpus(paths.data, 'train'), Corpus(paths.data, 'heldout', limit=32)
    model = Vae(c)
    if paths.init:
        print(f'vae: starts from {paths.init}, but for {start_from(paths.init, model)}', flush=True)
    model.to(device())
    run = Run(paths.runs / 'vae', model, [optimiser_of(model, t)], t)
    loss_of = SpectralLoss(c['sample_rate'], t['sizes'], t['mels'], device(), t.get('pitch'))
    rng = random.Random(1000 + run.step)
    torch.manual_seed(1000 + run.step)
    length = int(t['seconds'] * c['frame_rate']) * c['hop_length']
    held_audio = torch.stack([held.crop(i, 5 * c['sample_rate'], 4 * c['sample_rate']) for i in range(min(16, len(held)))]).to(device())
    while run.running():
        audio = corpus.random_crops(t['batch'], length, rng).to(device())
        with autocast():
            output, mean, log_var = model(audio)
        losses = loss_of(output.float(), audio)
        losses['kl'] = kl(mean, log_var)
        run.update(losses['stft'] + losses['mel'] * t['mel_weight'] + losses.get('pitch', 0.0) * t.get('pitch_weight', 0.5) + t['kl_weight'] * losses['kl'], t['clip'])
        run.advance({k: v.detach() for k, v in losses.items()})
        if run.due():
            corpus.refresh()
            run.report(**evaluate(run, held_audio, c['sample_rate']), clips=len(corpus))
    run.finish()


@torch.no_grad()
def evaluate(run, audio, sample_rate):
    with run.with_ema() as model, autocast():
        output, mean, log_var = model(audio)
    output = output.float().clamp(-1, 1)
    return {'held_mel': log_mel_distance(output, audio, sample_rate), 'held_chroma': chroma_cosine(output, audio, sample_rate),
            'std': mean.std(), 'sigma': (0.5 * log_var).exp().mean()}
