"""VAE-GAN encoder: audio [B, n], or [B, 2, n] with `channels` 2, -> (mean, log variance), each [B, ceil(n / hop), D]. docs/system.md
section 6.

Exported encoders (config `variance` false) give the latent alone, scaled and rotated (latents.py), clipped to [-`clip`, `clip`] if set.

kind 'stft_convnext' (shipped): log magnitude of framed STFTs -> Linear -> ConvNeXt blocks -> Linear.
kind 'strided_cnn'   (paper):   strided residual 1-D CNN, strides [2,3,4,4], channels [32,64,128,256], kernels [5,7,9,9].
"""

import torch
import torch.nn.functional as F
from torch import nn

from .layers import ConvNeXt, LayerNorm
from .spectrum import erb_bands, framed_stft, stereo_image


def vae_encoder(config):
    return {'stft_convnext': StftConvNextEncoder, 'strided_cnn': StridedCnnEncoder}[config['kind']](config)


def outputs(c):
    """How many numbers a frame the encoder says itself, without those of `beside`."""
    return (c['latent_dim'] - c.get('beside', {}).get('latent_dim', 0)) * (2 if c.get('variance', True) else 1)


def finish(x, c):
    """Head output [B, T, outputs] -> (mean, log variance), or the latent alone."""
    if c.get('variance', True):
        mean, log_var = x.chunk(2, -1)
        return mean, log_var.clamp(-8, 2)
    return x.clamp(-c['clip'], c['clip']) if c.get('clip') else x


def feature_count(c):
    """How many features a frame a 'stft_convnext' encoder hears."""
    hop, air, image = c['hop_length'], c.get('air'), c.get('image')
    count = sum(s.get('bins', s['size'] // 2 + 1) * (hop // s['hop']) for s in c['spectra'])
    return count + (air['bands'] * (hop // air['hop']) if air else 0) + (2 * image['bands'] if image else 0)


class Hearing(nn.Module):
    """Features [B, T, `features`] -> Linear -> LayerNorm -> ConvNeXt blocks -> LayerNorm -> Linear -> [B, T, `outputs`] in float32."""

    def __init__(self, c, features, outputs):
        super().__init__()
        self.embed = nn.Linear(features, c['dim'])
        self.norm_in = LayerNorm(c['dim'])
        self.blocks = nn.ModuleList(ConvNeXt(c['dim'], c['ffn'], c['kernel'], 1 / c['layers']) for _ in range(c['layers']))
        self.norm_out = LayerNorm(c['dim'])
        self.head = nn.Linear(c['dim'], outputs)

    def heard(self, features):
        x = self.norm_in(self.embed(features))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm_out(x)).float()


class StftConvNextEncoder(Hearing):
    """`beside` {latent_dim, dim, ffn, kernel, layers}: a second network hears the same features and says the last so many latents. So a
    trained encoder gains latents, and those that it had stay exactly as they were."""

    def __init__(self, c):
        count = feature_count(c)
        super().__init__(c, count, outputs(c))
        self.config, self.hop, self.spectra = c, c['hop_length'], c['spectra']
        self.gain, self.air, self.image = c.get('gain', 1.0), c.get('air'), c.get('image')
        if self.image:
            self.register_buffer('band', erb_bands(c['sample_rate'], self.image['size'], self.image['bands']), persistent=False)
        if 'beside' in c:
            self.beside = Hearing(c['beside'], count, outputs({**c['beside'], 'variance': c.get('variance', True)}))

    def features(self, audio):
        """[B, hop*T] -> [B, T, features]: for each spectrum log(|S| + 0.01) of its first `bins` bins (default all), the frames inside
        one hop side by side. Long windows tell low pitches apart, short ones say when; long ones need their low bins only.

        With `channels` 2 (audio [B, 2, hop*T]) these are of the mid; `gain` makes their level that of half the rate. Then come `air`,
        log(rms + 0.01)
        in equal bands from `low` to `high` Hz, which are too noisy to tell bins apart, and `image`, pan and log(width + 0.01) in ERB
        bands."""
        mid = audio.mean(1) if audio.ndim == 3 else audio
        side_by_side = lambda x, hop: x.unflatten(1, (-1, self.hop // hop)).flatten(2)
        out = []
        for s in self.spectra:
            spectrum = framed_stft(mid, s['size'], s['hop'])[..., : s.get('bins')]
            magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-8).sqrt()
            out.append(side_by_side((self.gain * magnitude + 1e-2).log(), s['hop']))
        if self.air:
            s = self.air
            low, high = (round(f * s['size'] / self.config['sample_rate']) for f in (s['low'], s['high']))
            power = framed_stft(mid, s['size'], s['hop'])[..., low:high].abs().square().unflatten(-1, (s['bands'], -1)).mean(-1)
            out.append(side_by_side((self.gain * power.sqrt() + 1e-2).log(), s['hop']))
        if self.image:
            pan, width = stereo_image(audio, self.image['size'], self.hop, self.band, self.image['bands'])
            out += [pan, (width + 1e-2).log()]
        return torch.cat(out, -1)

    def forward(self, audio):
        audio = F.pad(audio, (0, -audio.shape[-1] % self.hop))
        with torch.no_grad():
            x = self.features(audio.float())
        said = [finish(part.heard(x), self.config) for part in (self, *([self.beside] if 'beside' in self.config else []))]
        return torch.cat(said, -1) if torch.is_tensor(said[0]) else tuple(torch.cat(x, -1) for x in zip(*said))


class ResidualUnit(nn.Module):
    """x + conv1(GELU(conv_k(GELU(x)))), zero padding k // 2, channels first [B, C, T]."""

    def __init__(self, channels, kernel):
        super().__init__()
        self.conv1 = nn.Conv1d(channels, channels, kernel, padding=kernel // 2)
        self.conv2 = nn.Conv1d(channels, channels, 1)

    def forward(self, x):
        return x + self.conv2(F.gelu(self.conv1(F.gelu(x))))


class StridedCnnEncoder(nn.Module):
    """conv7(1 -> first) -> per stage {residual unit, GELU, strided conv} -> GELU -> conv3 -> mean, log variance.

    Each strided convolution of kernel k and stride s pads (k - s) zeros, floor half on the left, so length n becomes n / s exactly.
    """

    def __init__(self, c):
        super().__init__()
        self.config, self.hop = c, c['hop_length']
        channels = c['channels']
        self.stem = nn.Conv1d(1, channels[0], 7, padding=3)
        self.units, self.downs = nn.ModuleList(), nn.ModuleList()
        previous = channels[0]
        self.strides, self.kernels = c['strides'], c['kernels']
        for width, kernel, stride in zip(channels, c['kernels'], c['strides']):
            self.units.append(nn.ModuleList(ResidualUnit(previous, kernel) for _ in range(c['units'])))
            self.downs.append(nn.Conv1d(previous, width, kernel, stride))
            previous = width
        self.head = nn.Conv1d(previous, outputs(c), 3, padding=1)

    def forward(self, audio):
        audio = F.pad(audio, (0, -audio.shape[-1] % self.hop))
        x = self.stem(audio[:, None])
        for units, down, kernel, stride in zip(self.units, self.downs, self.kernels, self.strides):
            for unit in units:
                x = unit(x)
            left = (kernel - stride) // 2
            x = down(F.pad(F.gelu(x), (left, kernel - stride - left)))
        return finish(self.head(F.gelu(x)).transpose(1, 2).float(), self.config)
