"""Discriminators of the VAE-GAN, training only: multi-period (2, 3, 5, 7, 11) and multi-resolution spectrogram. docs/system.md section
6."""

import torch
import torch.nn.functional as F
from torch import nn

try:
    from torch.nn.utils.parametrizations import weight_norm
except ImportError:  # torch < 2
    from torch.nn.utils import weight_norm

SLOPE = 0.1


class PeriodDiscriminator(nn.Module):
    """HiFi-GAN's: audio folded to [n / period, period], 2-D convolutions along time only."""

    def __init__(self, period, channels):
        super().__init__()
        self.period = period
        widths = [1, channels, 4 * channels, 16 * channels, 32 * channels, 32 * channels]
        self.convs = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), (3 if i < 4 else 1, 1), (2, 0))) for i, (a, b) in enumerate(zip(widths, widths[1:]))
        )
        self.head = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, audio):
        x = F.pad(audio, (0, -audio.shape[-1] % self.period)).unflatten(-1, (-1, self.period))[:, None]
        return walk(self, x)


class ResolutionDiscriminator(nn.Module):
    """UnivNet's: magnitude spectrogram [bins, frames], 2-D convolutions, stride 2 along frequency."""

    def __init__(self, size, hop, channels):
        super().__init__()
        self.size, self.hop = size, hop
        self.register_buffer('window', torch.hann_window(size), persistent=False)
        conv = lambda a, stride: weight_norm(nn.Conv2d(a, channels, (9, 3), (stride, 1), (4, 1)))
        self.convs = nn.ModuleList([conv(1, 2), conv(channels, 2), conv(channels, 2), conv(channels, 2)])
        self.head = weight_norm(nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, audio):
        with torch.autocast(audio.device.type, enabled=False):
            s = torch.stft(audio.float(), self.size, self.hop, window=self.window, return_complex=True)
            x = (s.real.square() + s.imag.square() + 1e-6).sqrt().mul(10).log1p()
        return walk(self, x[:, None])


def walk(self, x):
    features = []
    for conv in self.convs:
        x = F.leaky_relu(conv(x), SLOPE)
        features.append(x)
    return self.head(x), features


class Discriminators(nn.Module):
    def __init__(self, c):
        super().__init__()
        parts = []
        if 'period' in c['kind']:
            parts += [PeriodDiscriminator(p, c.get('period_channels', 32)) for p in c.get('periods', (2, 3, 5, 7, 11))]
        if 'resolution' in c['kind']:
            parts += [ResolutionDiscriminator(size, hop, c['channels']) for size, hop in c['resolutions']]
        self.parts = nn.ModuleList(parts)

    def forward(self, audio):
        """audio [B, n] -> list of (score, features)."""
        return [part(audio) for part in self.parts]


def discriminator_loss(real, fake):
    """Least squares: (D(real) - 1)^2 + D(fake)^2."""
    return sum((r - 1).square().mean() + f.square().mean() for (r, _), (f, _) in zip(real, fake)) / len(real)


def generator_losses(real, fake):
    """(adversarial, feature matching)."""
    adversarial = sum((f - 1).square().mean() for f, _ in fake) / len(fake)
    pairs = [(a, b) for (_, x), (_, y) in zip(real, fake) for a, b in zip(x, y)]
    return adversarial, sum((a.detach() - b).abs().mean() / (a.detach().abs().mean() + 1e-3) for a, b in pairs) / len(pairs)
