"""Stage `polish`: the encoder is frozen (so latents stay what the DPD learns), the decoder goes on with discriminators beside the spectral losses."""

import random

import torch

from ..corpus import Corpus
from ..loop import Run, adamw, autocast, device, load_weights
from ..losses import SpectralLoss, chroma_cosine, log_mel_distance
from ..models.discriminators import Discriminators, discriminator_loss, generator_losses
from ..models.vae_decoder import vae_decoder
from .vae import Vae


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


def run(c, paths):
    t = c['train']['polish']
    corpus, held = Corpus(paths.data, 'train'), Corpus(paths.data, 'heldout', limit=32)
    vae = load_weights(paths.runs / 'vae', Vae(c)).to(device())
    encoder = vae.encoder.requires_grad_(False)
    decoder = vae_decoder(c['vae_decoder']).to(device())
    decoder.load_state_dict(vae.decoder.state_dict())
    judges = Discriminators(t['discriminators']).to(device())
    run = Run(paths.runs / 'polish', decoder, [adamw(decoder.parameters(), t['lr'], betas=(0.8, 0.98)),
                                              adamw(judges.parameters(), t['lr_discriminator'], betas=(0.8, 0.98))], t, extra=[judges])
    loss_of = SpectralLoss(c['sample_rate'], t['sizes'], t['mels'], device(), t.get('pitch'))
    rng = random.Random(2000 + run.step)
    torch.manual_seed(2000 + run.step)
    length = int(t['seconds'] * c['frame_rate']) * c['hop_length']
    held_audio = torch.stack([held.crop(i, 5 * c['sample_rate'], 4 * c['sample_rate']) for i in range(min(16, len(held)))]).to(device())
    while run.running():
        audio = corpus.random_crops(t['batch'], length, rng).to(device())
        with autocast():
            with torch.no_grad():
                mean, log_var = encoder(audio)
                z = mean + torch.randn_like(mean) * (0.5 * log_var).exp()
            output = decoder.unclipped(z).float()
        losses = loss_of(output, audio)
        total = losses['stft'] + t['mel_weight'] * losses['mel'] + t.get('pitch_weight', 0.5) * losses.get('pitch', 0.0)
        judged = t['adversarial_weight'] > 0 and run.step % t['judge_every'] == 0
        if judged:
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
            if run.step >= t['judge_from']:
                total = total + t['adversarial_weight'] * losses['adv'] + t['feature_weight'] * losses['feat']
        run.update(total, t['clip'])
        run.advance({k: v.detach() for k, v in losses.items()})
        if run.due():
            with run.with_ema() as ema, torch.no_grad(), autocast():
                out = ema(encoder(held_audio)[0]).float()
            run.report(buzz=hop_buzz(out, held_audio), held_mel=log_mel_distance(out, held_audio, c['sample_rate']), held_chroma=chroma_cosine(out, held_audio, c['sample_rate']))
    run.finish()
