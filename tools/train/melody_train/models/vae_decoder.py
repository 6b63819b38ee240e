"""VAE-GAN decoder: latents [B, L, D] -> audio [B, hop * L] in [-1, 1]. System.md section 6.

kind 'istft_convnext' (shipped): ConvNeXt trunk at the frame rate, upsampled by `upsample`, magnitude and phase, inverse STFT.
kind 'hifigan'        (paper):   transposed convolutions and multi-receptive-field residual blocks.
"""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import ConvNeXt, LayerNorm
from .spectrum import framed_istft


def vae_decoder(config):
    return {'istft_convnext': IstftConvNextDecoder, 'hifigan': HifiGanDecoder}[config['kind']](config)


class IstftConvNextDecoder(nn.Module):
    """Linear(D -> dim) -> LayerNorm -> low blocks -> Linear(dim -> upsample * dim), reshaped to more frames -> high blocks
    -> LayerNorm -> Linear(dim -> 2 * bins) = (m, p) -> S = exp(min(m, 5)) (cos p + i sin p) -> inverse STFT -> clip to [-1, 1]."""

    def __init__(self, c):
        super().__init__()
        self.upsample, self.size = c['upsample'], c['fft_size']
        self.hop = c['hop_length'] // c['upsample']
        layers = c['low_layers'] + c['high_layers']
        block = lambda: ConvNeXt(c['dim'], c['ffn'], c['kernel'], 1 / layers)
        self.embed = nn.Linear(c['latent_dim'], c['dim'])
        self.norm_in = LayerNorm(c['dim'])
        self.low = nn.ModuleList(block() for _ in range(c['low_layers']))
        self.expand = nn.Linear(c['dim'], c['upsample'] * c['dim'])
        self.high = nn.ModuleList(block() for _ in range(c['high_layers']))
        self.norm_out = LayerNorm(c['dim'])
        self.head = nn.Linear(c['dim'], 2 * (self.size // 2 + 1))
        with torch.no_grad():
            self.head.bias[: self.size // 2 + 1] -= 2.0

    def trunk(self, z):
        """z [B, L, D] -> (log magnitude, phase), each [B, upsample * L, bins]."""
        x = self.norm_in(self.embed(z))
        for block in self.low:
            x = block(x)
        x = self.expand(x).unflatten(2, (self.upsample, -1)).flatten(1, 2)
        for block in self.high:
            x = block(x)
        return self.head(self.norm_out(x)).float().chunk(2, -1)

    def unclipped(self, z):
        log_magnitude, phase = self.trunk(z)
        magnitude = log_magnitude.clamp(max=5.0).exp()
        spectrum = torch.complex(magnitude * phase.cos(), magnitude * phase.sin())
        return framed_istft(spectrum, self.size, self.hop)

    def forward(self, z):
        return self.unclipped(z).clamp(-1, 1)


class ResidualStack(nn.Module):
    """HiFi-GAN residual block: for each dilation x += conv_1(lrelu(conv_d(lrelu(x)))), zero padding, length kept."""

    def __init__(self, channels, kernel, dilations, slope):
        super().__init__()
        self.slope = slope
        self.dilated = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=d, padding=d * (kernel // 2)) for d in dilations)
        self.plain = nn.ModuleList(nn.Conv1d(channels, channels, kernel, padding=kernel // 2) for _ in dilations)

    def forward(self, x):
        for dilated, plain in zip(self.dilated, self.plain):
            x = x + plain(F.leaky_relu(dilated(F.leaky_relu(x, self.slope)), self.slope))
        return x


class HifiGanDecoder(nn.Module):
    """conv7(D -> channels[0]) -> per stage {lrelu, transposed conv, mean of residual blocks} -> lrelu -> conv7 -> tanh.

    A transposed convolution of kernel k and rate r crops (k - r) samples, floor half on the left, so length n becomes r * n exactly.
    channels[i] is the input width of stage i; its output width is channels[i + 1], or half of the last one.
    """

    def __init__(self, c):
        super().__init__()
        self.rates, self.kernels, self.slope = c['rates'], c['kernels'], c['leaky_slope']
        widths = [*c['channels'], c['channels'][-1] // 2]
        self.stem = nn.Conv1d(c['latent_dim'], widths[0], 7, padding=3)
        self.ups, self.stacks = nn.ModuleList(), nn.ModuleList()
        for i, (rate, kernel) in enumerate(zip(self.rates, self.kernels)):
            self.ups.append(nn.ConvTranspose1d(widths[i], widths[i + 1], kernel, rate))
            self.stacks.append(nn.ModuleList(
                ResidualStack(widths[i + 1], k, c['dilations'], self.slope) for k in c['residual_kernels']))
        self.head = nn.Conv1d(widths[-1], 1, 7, padding=3)

    def unclipped(self, z):
        x = self.stem(z.transpose(1, 2))
        for up, stacks, rate, kernel in zip(self.ups, self.stacks, self.rates, self.kernels):
            length = x.shape[-1] * rate
            left = (kernel - rate) // 2
            x = up(F.leaky_relu(x, self.slope))[..., left : left + length]
            x = sum(stack(x) for stack in stacks) / len(stacks)
        return torch.tanh(self.head(F.leaky_relu(x, self.slope)))[:, 0].float()

    forward = unclipped
